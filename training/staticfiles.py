"""The browser file of Plotly, taken out of its package without importing it."""

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage
from django.core.files.storage import FileSystemStorage, Storage

NAME = "plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Finds one file, `plotly/plotly.min.js`, where the pinned package keeps it."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        found = importlib.util.find_spec("plotly")
        if found is None or found.origin is None:
            raise ModuleNotFoundError("The package plotly is missing.", name="plotly")
        self._storage = FileSystemStorage(location=Path(found.origin).parent / "package_data")
        self._storage.prefix = "plotly"  # type: ignore[attr-defined]  # what collectstatic asks for
        super().__init__(*args, **kwargs)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Nothing to check: a package that is missing stops the start."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return where the file lies."""
        if path != f"plotly/{NAME}":
            return []
        found = self._storage.path(NAME)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        """Yield the one file."""
        yield NAME, self._storage
