"""Names of particles that survive a new mask, from one run of a study to the next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lithiscope import stages
from lithiscope.particles import match_particles, name_particles

if TYPE_CHECKING:
    import xarray as xr


def named_labels(label: xr.DataArray, previous: xr.Dataset | None = None) -> xr.Dataset:
    """Return labels with names, carried over from an earlier run where the masks overlap.

    Parameters
    ----------
    label : DataArray of int, shape (y, x) or (cycle, y, x)
        The new particle numbers.
    previous : Dataset, optional
        Stage ``particle_labels`` of the earlier run; ignored when its picture has another size.

    Returns
    -------
    Dataset
        Stage ``particle_labels``; names that were given out before and fit no particle now are retired for good.
    """
    retired: list[str] = []
    names = name_particles(label)
    if previous is not None and previous["label"].shape == label.shape and "names" not in label.attrs:
        earlier = dict(zip(previous["number"].values.tolist(), previous["particle"].values.tolist(), strict=True))
        retired = json.loads(previous.attrs.get("retired", "[]"))
        names = match_particles(label, previous["label"], earlier, retired=retired)
        retired = sorted({*retired, *earlier.values()} - set(names.values()))
    return stages.new(
        "particle_labels",
        {"label": (" ".join(map(str, label.dims)), label.values), "number": ("particle", list(names))},
        coords={
            **{str(name): (str(name), coord.values) for name, coord in label.coords.items() if name in label.dims},
            "particle": ("particle", list(names.values())),
        },
        attrs={"retired": json.dumps(retired)},
    )
