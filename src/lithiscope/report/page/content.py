"""What a study page holds: plain dataclasses, ready to be rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Notice:
    """One warning at the top of the page."""

    text: str
    severity: Severity = "warning"


@dataclass(frozen=True)
class Figure:
    """One picture: its bytes and media type, what it shows (`alt`, for readers who cannot see it) and a caption.

    A `folded` figure is shown when the reader opens it (a movie that would otherwise always run).
    """

    data: bytes
    media_type: Literal["image/png", "image/svg+xml", "image/webp"]
    alt: str
    caption: str = ""
    name: str = "figure"
    folded: bool = False


@dataclass(frozen=True)
class Drawing:
    """A figure that waits to be drawn: `draw` returns its bytes, or raises an AnalysisError that says why not."""

    draw: Callable[[], bytes]
    alt: str
    caption: str
    name: str


@dataclass(frozen=True)
class Table:
    """Rows of text or numbers under column heads, sortable by the reader.

    Parameters
    ----------
    columns : tuple of str
        Column heads, with units.
    rows : tuple of tuple
        Text, integers or floats; NaN is shown as a dash.
    caption : str
        What the table holds.
    csv : str, optional
        The file behind the download link; without it there is none.
    name : str
        File name of the download, without its ending.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    caption: str = ""
    csv: str | None = None
    name: str = "table"


@dataclass(frozen=True)
class Quantity:
    """One figure of the summary: what it is, its value as text, its unit, and a remark."""

    label: str
    value: str
    unit: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Explorer:
    """The interactive map: a JSON description (see `lithiscope.report.page.explorer`)."""

    data: Mapping[str, Any]


@dataclass(frozen=True)
class Trace:
    """The interactive voltage trace: a JSON description (see `lithiscope.report.page.voltage`)."""

    data: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A heading with an explanation and what there is to see; `identity` is its anchor, `group` its part of the page.

    A `trace` beside an `explorer` (or anywhere on the page) moves with the explorer's frame. The `drawings` become
    figures when the page is made.
    """

    identity: str
    heading: str
    explanation: str = ""
    explorer: Explorer | None = None
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    trace: Trace | None = None
    group: str = ""
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where the numbers came from."""

    recipe: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    bibtex: str = ""


@dataclass(frozen=True)
class PageContent:
    """A whole page."""

    title: str
    subtitle: str = ""
    summary: tuple[Quantity, ...] = ()
    notices: tuple[Notice, ...] = ()
    sections: tuple[Section, ...] = ()
    provenance: Provenance | None = None
