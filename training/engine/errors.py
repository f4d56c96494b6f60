"""Why a training run cannot start or go on."""


class TrainingError(Exception):
    """A run that ends with a reason; `code` is for machines, the text for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Cancelled(Exception):
    """Somebody stopped the run; its last checkpoint holds everything up to this step."""
