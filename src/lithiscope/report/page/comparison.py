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
    "Each model was learned from the same {frames} frames, and differs from the model asked for in one thing. ln "
    "evidence weighs how well a model fits against how much else it could have fitted: a difference of 5 decides (odds "
    "of 150 to 1); below it the data cannot tell two models apart. It trusts the error bars of x, so read it only "
    "where the best model has a χ² near 1 and residuals like noise."
)
_ROUGH = (
    "A fit that did not converge has not found its best: its evidence is rough, more likely too small than too large, "
    "and its difference is no measure of how wrong the model is. Such a model often cannot play the film: see its χ²."
)
_FORETOLD = (
    "ln density held back: each model was learned without the last half cycle of each particle, and says how probable "
    "that is. More is better; unlike the evidence it does not depend on how wide the prior of the laws is."
)


def comparison_section(study: Study) -> Section | None:
    """Return the section on models that were compared; None where none were."""
    comparison = study.get(COMPARISON)
    if comparison is None:
        return None
    rows = words.rows(comparison)
    rough = any(np.isfinite(row.difference) and row.fit != words.CONVERGED for row in rows)
    told = [
        words.verdict_sentence(comparison),
        _HOW.format(frames=comparison.attrs["frames"]),
        *([_ROUGH] if rough else []),
        *([_FORETOLD] if words.foretells(comparison) else []),
        *words.remark_sentences(comparison),
        *words.residual_sentences(comparison),
    ]
    table = _table(comparison, rows)
    return Section("learned-models", "Models compared", "\n\n".join(told), tables=(table,), group=GROUP)


def _table(comparison: xr.Dataset, rows: list[words.Row]) -> Table:
    foretold = words.foretells(comparison)
    columns = ("Model", "ln evidence less the best", "χ² per degree of freedom", _HELD, "Fit", "Residuals")
    kept = [k for k, name in enumerate(columns) if foretold or name != _HELD]
    return Table(
        tuple(columns[k] for k in kept),
        tuple(tuple(row[k] for k in kept) for row in rows),
        words.verdict_sentence(comparison),
        long_csv(comparison, ("model",)),
        "model-comparison",
    )
