"""Adding variables to a stage, with named causes of shifts that it did not have before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages

if TYPE_CHECKING:
    import xarray as xr

_CAUSE = "systematic"


def causes_of(data: xr.Dataset) -> list[str]:
    """Return the named causes of shifts that a stage carries."""
    return [str(name) for name in data[_CAUSE].values] if _CAUSE in data.coords else []


def extended(
    data: xr.Dataset,
    variables: Mapping[str, tuple[str, Any]],
    *,
    coords: Mapping[str, tuple[str, Any]] | None = None,
    causes: Sequence[str] = (),
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return the stage with more variables; a cause that is new to it moves the older variables by nothing.

    Parameters
    ----------
    data : Dataset
        Any stage.
    variables, coords, attrs : mapping
        What to add or replace, as for `stages.new`.
    causes : sequence of str
        All causes of the result, those of `data` first; needed where `variables` holds shifts.

    Returns
    -------
    Dataset
        The same stage.
    """
    more = len(causes) - len(causes_of(data)) if causes else 0
    kept: dict[str, tuple[str, Any]] = {}
    for name, variable in data.data_vars.items():
        values = variable.variable.data
        if variable.dims[:1] == (_CAUSE,) and more:
            values = np.concatenate([values, np.zeros((more, *values.shape[1:]), values.dtype)])
        kept[str(name)] = (" ".join(map(str, variable.dims)), values)
    kept_coords = {str(name): (" ".join(map(str, c.dims)), c.variable.data) for name, c in data.coords.items()}
    if causes:
        kept_coords[_CAUSE] = (_CAUSE, np.array(causes, dtype=str))
    return stages.new(
        str(data.attrs["stage"]),
        {**kept, **variables},
        coords={**kept_coords, **(coords or {})},
        attrs={**{key: value for key, value in data.attrs.items() if key != "stage"}, **(attrs or {})},
    )
