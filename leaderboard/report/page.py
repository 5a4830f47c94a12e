"""What a page is before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Page:
    """One HTML file of a report.

    Attributes:
        path: relative to the report's folder, with ``/`` between folders.
        template: of `templates/`.
        title: what the page is called.
        context: what its template uses besides what every template has: ``subject``, ``page``, ``root`` (the way back
            to the report's folder) and the filters of `environment`.
    """

    path: str
    template: str
    title: str
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The way from the page to the report's folder: empty, or ``../``."""
        return "../" * self.path.count("/")
