"""Models compared, in words and in lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_HEADS = ("model", "ln evidence", "chi2/dof", "held back", "fit", "residuals")
_MINUS = "−"
CONVERGED = "converged"


class Row(NamedTuple):
    """What is shown of one model.

    Attributes
    ----------
    model : str
        In words.
    difference : float
        ln evidence less that of the best.
    chi_square : float
        Per degree of freedom.
    held_back : float
        ln density of the half cycle that was held back; NaN where none was.
    fit : str
        How it ended.
    residuals : str
        Whether they look like noise, or how they do not.
    """

    model: str
    difference: float
    chi_square: float
    held_back: float
    fit: str
    residuals: str


def rows(comparison: xr.Dataset) -> list[Row]:
    """Return what is shown of each model, the best first."""
    names = _texts(comparison, "description", [str(name) for name in comparison["model"].values])
    count = comparison.sizes["model"]
    held = comparison["held_back_log_density"].values if foretells(comparison) else np.full(count, np.nan)
    columns = (comparison[name].values for name in ("log_evidence_difference", "chi_square_per_freedom", "converged"))
    notes = _texts(comparison, "residual_notes", [""] * count)
    return [
        Row(name, float(gap), float(ratio), float(h), _fit(float(gap), bool(done)), _residuals(float(gap), note))
        for name, gap, ratio, done, h, note in zip(names, *columns, held, notes, strict=True)
    ]


def _texts(comparison: xr.Dataset, name: str, otherwise: list[str]) -> list[str]:
    return [str(one) for one in comparison[name].values] if name in comparison else otherwise


def _fit(gap: float, converged: bool) -> str:
    if not np.isfinite(gap):
        return "cannot follow the data"
    return CONVERGED if converged else "NOT converged, evidence rough"


def _residuals(gap: float, notes: str) -> str:
    if not np.isfinite(gap):
        return ""
    return notes.replace("; ", ", ") or "like noise"


def foretells(comparison: xr.Dataset) -> bool:
    """Return whether half cycles were held back, and at least one model could foretell them."""
    name = "held_back_log_density"
    return name in comparison and bool(np.isfinite(comparison[name].values).any())


def verdict_sentence(comparison: xr.Dataset) -> str:
    """Return the verdict as a sentence."""
    return f"{_capital(str(comparison.attrs['verdict']))}."


def remark_sentences(comparison: xr.Dataset) -> list[str]:
    """Return why models cannot follow the data, or numbers are missing; a sentence for all that share a reason."""
    alike: dict[str, list[str]] = {}
    for row, one in zip(rows(comparison), _texts(comparison, "remark", []), strict=False):
        if one:
            alike.setdefault(one, []).append(row.model)
    return [f"{_capital(', '.join(names))}: {one}." for one, names in alike.items()]


def _capital(text: str) -> str:
    return text if text.startswith(("j", "k ")) else f"{text[0].upper()}{text[1:]}"


def comparison_lines(comparison: xr.Dataset) -> list[str]:
    """Return the comparison as lines of text: a table, and the verdict."""
    foretold = foretells(comparison)
    table = [_HEADS, *(_cells(row) for row in rows(comparison))]
    kept = [k for k, head in enumerate(_HEADS) if foretold or head != "held back"]
    widths = [max(len(line[k]) for line in table) for k in kept]
    lines = [f"models compared with {comparison.attrs['frames']} frame(s); ln evidence is less that of the best"]
    for line in table:
        cells = [
            line[k].rjust(width) if k in (1, 2, 3) else line[k].ljust(width)
            for k, width in zip(kept, widths, strict=True)
        ]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return [*lines, *(f"  {one}" for one in remark_sentences(comparison)), verdict_sentence(comparison)]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.model, _number(row.difference, 1), _number(row.chi_square, 3), _number(row.held_back, 1), row.fit,
        row.residuals,
    )  # fmt: skip


def _number(value: float, digits: int) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.{digits}f}".replace("-", _MINUS).replace("inf", "∞")
