"""Adding up alignments: energies within a scan, scans, cycles."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.frames.geometry import coordinates
from lithiscope.stages import check, new

if TYPE_CHECKING:
    import xarray as xr


def compose(*alignments: xr.Dataset) -> xr.Dataset:
    """Add up alignments that build on each other, such as energies within each scan, and scans with each other.

    Parameters
    ----------
    *alignments : Alignment
        Dims (time, [energy]); those without energy hold for all energies.

    Returns
    -------
    Alignment
        Shifts (and drift leakage) added, standard deviations and pair residuals added in quadrature, as the errors of
        separate registrations. Linear parts are added to first order, with their standard deviations in quadrature;
        those are left out where one of the alignments has a linear part without. A frame that one of them could not
        align is not aligned.

    Raises
    ------
    AnalysisError
        If there are none, or their coordinates differ.
    """
    import xarray as xr

    if not alignments:
        raise AnalysisError("there are no alignments to compose", field="alignments", remedy="give at least one")
    for alignment in alignments:
        check(alignment, "alignment")
    try:
        together = xr.align(*alignments, join="exact")
    except ValueError as error:
        raise AnalysisError(
            "the alignments are not of the same frames",
            field="alignments",
            value=[dict(alignment.sizes) for alignment in alignments],
            remedy=str(error),
        ) from error
    lead = tuple(dim for dim in ("time", "energy") if any(dim in part["shift"].dims for part in together))
    variables: dict[str, tuple[str, Any]] = {
        "shift": _joined(together, "shift", (*lead, "axis"), sum),
        "shift_std": _joined(together, "shift_std", (*lead, "axis"), _quadrature),
        "alignment_flag": _joined(together, "alignment_flag", lead, lambda parts: reduce(np.bitwise_or, parts)),
    }
    for name, extra, how in (("drift_leakage", ("axis",), sum), ("pair_residual", (), _quadrature)):
        if all(name in part for part in together):
            variables[name] = _joined(together, name, (*lead, *extra), how)
    moved = [part for part in together if "affine" in part]
    coords: dict[str, tuple[str, Any]] = {}
    for part in together:
        coords |= coordinates(part, (*lead, "axis", "axis_in"))
    if moved:
        eye = np.eye(moved[0].sizes["axis"])
        dims, linear = _joined(moved, "affine", (*lead, "axis", "axis_in"), lambda parts: sum(p - eye for p in parts))
        variables["affine"] = (dims, linear + eye)
        if all("affine_std" in part for part in moved):
            variables["affine_std"] = _joined(moved, "affine_std", (*lead, "axis", "axis_in"), _quadrature)
    methods = list(
        dict.fromkeys(one for part in together for one in str(part.attrs.get("method", "unknown")).split("; "))
    )
    return new("alignment", variables, coords=coords, attrs={"method": "; ".join(methods)})


def _joined(parts: Any, name: str, dims: tuple[str, ...], how: Any) -> tuple[str, Any]:
    """Return a variable of all parts, spread over the dimensions of the others, and put together by `how`."""
    import xarray as xr

    spread = xr.broadcast(*(part[name] for part in parts), exclude=())
    template = xr.broadcast(*(part["shift"] for part in parts))[0]
    wanted = tuple(dim for dim in dims if dim in template.dims or dim in spread[0].dims)
    lacking = {dim: template.sizes[dim] for dim in wanted if dim not in spread[0].dims}
    arrays = [array.expand_dims(lacking).transpose(*wanted).values for array in spread]
    return " ".join(wanted), np.asarray(how(arrays))


def _quadrature(parts: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.sqrt(sum(np.square(part) for part in parts)))
