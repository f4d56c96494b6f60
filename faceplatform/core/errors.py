"""The one error type that services raise and that pages and the API know how to show."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request."""

    field: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal with a stable machine code, an HTTP status and a sentence for people.

    Nothing was changed when it is raised inside a service: services are one transaction.
    """

    def __init__(
        self, code: str, detail: str, *, status: int = 400, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status
        self.errors = errors


class Conflict(DomainError):
    """The request is sound but collides with what is stored."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail, status=409)


class Unprocessable(DomainError):
    """The content was understood and cannot be used."""

    def __init__(self, code: str, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(code, detail, status=422, errors=errors)
