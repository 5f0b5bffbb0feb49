"""One figure over the particles of several studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.kinetics import PoolOptions, pool
from lithiscope.studies.store import Store
from lithiscope.studies.unfinished import require_finished

if TYPE_CHECKING:
    import xarray as xr


def pool_studies(
    folders: Sequence[Path],
    quantity: str = "uniformity.uniformity",
    *,
    cells: Sequence[str] = (),
    options: PoolOptions = PoolOptions(),  # noqa: B008 - frozen
) -> tuple[xr.Dataset, list[str]]:
    """Average a figure over the particles of studies, by direction and C-rate.

    Parameters
    ----------
    folders : sequence of Path
        Results folders.
    quantity : str
        ``step.variable`` with dims (particle, half_cycle) or (particle, interval).
    cells : sequence of str
        Name of the cell of each study; without it every study is a cell of its own.
    options : PoolOptions
        The bootstrap.

    Returns
    -------
    pooled : xarray.Dataset
        Stage pooled.
    lines : list of str
        The same for people, with the number of particles behind every value.

    Raises
    ------
    OptionError
        If the quantity is no ``step.variable``, the names of the cells do not fit the studies, or two folders hold the
        same scans: their particles would count twice.
    FileFormatError
        If a folder holds no study, or its last run has not finished.
    """
    step, dot, variable = quantity.partition(".")
    if not dot:
        raise OptionError(
            "the quantity is not understood",
            field="--quantity",
            value=quantity,
            limit="step.variable",
            remedy="for example uniformity.uniformity or rate_table.exchange_current_density; see `lithiscope show`",
        )
    if cells and len(cells) != len(folders):
        raise OptionError(
            "the names of the cells do not fit the studies",
            field="--cell",
            value=len(cells),
            limit=f"{len(folders)} names",
            remedy="repeat --cell once per study, in the same order, or leave it out",
        )
    stores = [Store(folder / "study.zarr" if (folder / "study.zarr").exists() else folder) for folder in folders]
    for store in stores:
        require_finished(store)
    _require_different(folders, stores)
    pooled = pool(
        [store.load(step) for store in stores],
        variable,
        studies=[folder.name for folder in folders] if len({folder.name for folder in folders}) > 1 else None,
        cells=list(cells) or None,
        options=options,
    )
    return pooled, [f"mean {pooled.attrs['quantity']}, standard error, 95 % range", *map(_line, _rows(pooled))]


def _require_different(folders: Sequence[Path], stores: Sequence[Store]) -> None:
    """Refuse two studies of the same scans, whatever was done with them afterwards."""
    seen: dict[str, int] = {}
    for number, (folder, store) in enumerate(zip(folders, stores, strict=True)):
        # Not the key: it holds the program too, which may have changed between the two.
        scans = store.record("recording").get("files") or store.key("recording") or ""
        for identity in {str(store.path.resolve()), scans} - {""}:
            earlier = seen.setdefault(identity, number)
            if earlier != number:
                raise OptionError(
                    "the same scans are given twice, so their particles would count as more than there are",
                    file=folder,
                    field="studies",
                    value=f"{folders[earlier]}, {folder}",
                    limit="every scan once",
                    remedy="name each study once; of two recipes for the same files choose one",
                )


def _rows(pooled: xr.Dataset) -> list[xr.Dataset]:
    return [pooled.isel(group=k) for k in range(pooled.sizes["group"])]


def _line(row: xr.Dataset) -> str:
    value, std, low, high = (float(row[name]) for name in ("value", "value_std", "low", "high"))
    behind = ", ".join(
        f"{int(row[f'{level}_count'])} {words}"
        for level, words in (("particle", "particle(s)"), ("study", "study(ies)"), ("cell", "cell(s)"))
        if f"{level}_count" in row
    )
    spread = f" +- {std:.2g}  [{low:.4g}, {high:.4g}]" if np.isfinite(std) else "  (one unit: no error)"
    return f"  {row['group'].item()!s:24s} {value:.4g}{spread}  from {behind}"
