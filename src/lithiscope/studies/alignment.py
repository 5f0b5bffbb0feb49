"""The two registrations of a study: the energies of each scan with each other, then the scans with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.composition.xray import invariant_image
from lithiscope.frames import compose, register, resample, slipped
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.store import read_group, write_parts

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import AlignSection


def align(
    density: xr.Dataset | Iterable[xr.Dataset],
    *,
    references: xr.Dataset | None = None,
    area: xr.DataArray | None = None,
    options: AlignSection,
    scratch: Path | None = None,
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Find where every frame of every scan lies.

    Parameters
    ----------
    density : Dataset, or iterable of them
        Stage ``frames``, provisional optical densities (time, energy, y, x); a long series in parts along time.
    references : Dataset, optional
        Stage ``references``, for the invariant pictures that need them.
    area : DataArray of bool, shape (y, x), optional
        The pixels that count.
    options : AlignSection
        What to align, and how.
    scratch : Path, optional
        A folder for the pictures by which the scans are aligned, one of each, where they are not to be in memory.
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    Dataset
        Stage ``alignment`` with dimensions (time, energy, axis). Shifts within a scan are counted from its first
        energy, the pre-edge, which lies where the scan lies.
    """
    import xarray as xr

    within: list[xr.Dataset] = []

    def pictures() -> Iterator[xr.Dataset]:
        for given in [density] if isinstance(density, xr.Dataset) else density:
            part = _without_slips(given, area, options, reporter)
            moves = options.energies and part.sizes["energy"] > 1
            own = compose(_unmoved(part), *([_align_energies(part, area, options, reporter)] if moves else []))
            within.append(own)
            if options.scans:
                steady = resample(part, own, options=options.resample, reporter=reporter) if moves else part
                yield _narrow(invariant_image(steady, references=references, options=options.invariant))

    series = _kept(pictures(), scratch)
    inner = _series(within)
    if series is None or inner.sizes["time"] == 1:
        return inner
    return compose(inner, register(series, weight=area, options=options.registration, reporter=reporter))


def _without_slips(
    density: xr.Dataset, area: xr.DataArray | None, options: AlignSection, reporter: Reporter
) -> xr.Dataset:
    """Return scans without frames in which the stage slipped, which would pull those that are compared with them."""
    if options.max_slip is None or not (options.energies or density.sizes["energy"] == 1):
        return density  # without a place of its own a single energy cannot be left out
    # Along time, for from energy to energy the contrast changes too much to compare halves.
    along = options.registration.model_copy(update={"along": "time", "motion": "translation"})
    bad = slipped(density, most=options.max_slip, weight=area, options=along, reporter=reporter)
    return density.assign(signal=density["signal"].where(~bad)) if bad.any() else density


def _narrow(picture: xr.Dataset) -> xr.Dataset:
    """Return a picture in float32, in which the registration works."""
    names = [name for name in ("signal", "signal_std") if name in picture]
    return picture.assign({name: picture[name].astype(np.float32, keep_attrs=True) for name in names})


def _kept(parts: Iterator[xr.Dataset], scratch: Path | None) -> xr.Dataset | None:
    """Return parts of a series as one, in memory or on disk; None if there are none."""
    if scratch is None:
        found = list(parts)
        return _series(found) if found else None
    place = scratch / "pictures.zarr"
    return read_group(place) if write_parts(place, parts) else None


def _series(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return parts of a series along time as one; what has no time is the same in all."""
    import xarray as xr

    if len(parts) == 1:
        return parts[0]
    joined: xr.Dataset = xr.concat(
        parts,
        "time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )
    return joined


def _align_energies(
    density: xr.Dataset, area: xr.DataArray | None, options: AlignSection, reporter: Reporter
) -> xr.Dataset:
    """Register the energies of each scan, and count shifts from the first energy, which then need not be moved."""
    along = options.registration.model_copy(update={"along": "energy"})
    within = register(density, weight=area, options=along, reporter=reporter)
    return _from_first_energy(_from_first_energy(within, "shift"), "affine")


def _from_first_energy(within: xr.Dataset, name: str) -> xr.Dataset:
    """Count the shift or the linear part of each scan from its first energy, to first order in the latter.

    Without its first energy a scan keeps the mean of the others as its origin.
    """
    if name not in within:
        return within
    values, std = within[name].values, within[f"{name}_std"].values
    at_rest = np.eye(values.shape[-1]) if name == "affine" else 0.0
    known = np.isfinite(values[:, :1])
    moved = values - np.where(known, values[:, :1] - at_rest, 0.0)
    spread = np.hypot(std, np.where(known, std[:, :1], 0.0))
    spread[:, 0] = np.where(known[:, 0], 0.0, spread[:, 0])  # the origin itself has no error; its scan's shift has
    return within.assign({name: within[name].copy(data=moved), f"{name}_std": within[f"{name}_std"].copy(data=spread)})


def _unmoved(density: xr.Dataset) -> xr.Dataset:
    """Return the alignment of frames that did not move."""
    shape = density.sizes["time"], density.sizes["energy"]
    coords = {
        str(name): (" ".join(map(str, coord.dims)), coord.values)
        for name, coord in density.coords.items()
        if name not in ("y", "x")
    }
    zero = np.zeros((*shape, 2))
    return stages.new(
        "alignment",
        {
            "shift": ("time energy axis", zero),
            "shift_std": ("time energy axis", zero),
            "drift_leakage": ("time energy axis", zero),
            "alignment_flag": ("time energy", np.zeros(shape)),
        },
        coords={**coords, "axis": ("axis", ["y", "x"])},
        attrs={"method": "none"},
    )
