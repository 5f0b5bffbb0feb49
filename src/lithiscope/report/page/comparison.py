"""The section of a page on models that were compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.report import comparison_words as words
from lithiscope.report.page.content import Section, Table
from lithiscope.report.page.tables import long_csv

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.report.page.results import Study

GROUP = "Learned kinetics"
COMPARISON = "model_comparison"
_HELD = "ln density held back"
_HOW = (
    "Models learned from the same {frames} frames, the best first; each differs from the model asked for in one thing. "
    "A difference of 5 in ln evidence decides (odds of 150 to 1); below it the data cannot tell two models apart. "
    "Evidence trusts the error bars of x: read it where the best model has a χ² near 1 and residuals like noise."
)
_ROUGH = (
    " A fit that did not converge has not found its best, often because the model cannot play the film, as a large χ² "
    "says. Its evidence is more likely too small than too large, so the difference is no measure of how wrong it is."
)
_FORETOLD = (
    " The density held back is that of the last half cycle of each particle, foretold from all others; more is better."
)


def comparison_section(study: Study) -> Section | None:
    """Return the section on models that were compared; None where none were."""
    comparison = study.get(COMPARISON)
    if comparison is None:
        return None
    told = [words.verdict_sentence(comparison), *words.remark_sentences(comparison)]
    tables = (_table(comparison, words.rows(comparison)),)
    return Section("learned-models", "Models compared", "\n\n".join(told), tables=tables, group=GROUP)


def _table(comparison: xr.Dataset, rows: list[words.Row]) -> Table:
    foretold = words.foretells(comparison)
    rough = any(np.isfinite(row.difference) and row.fit != words.CONVERGED for row in rows)
    columns = ("Model", "ln evidence less the best", "χ² per degree of freedom", _HELD, "Fit", "Residuals")
    kept = [k for k, name in enumerate(columns) if foretold or name != _HELD]
    how = _HOW.format(frames=comparison.attrs["frames"]) + (_ROUGH if rough else "") + (_FORETOLD if foretold else "")
    return Table(
        tuple(columns[k] for k in kept),
        tuple(tuple(row[k] for k in kept) for row in rows),
        how,
        long_csv(comparison, ("model",)),
        "model-comparison",
    )
