"""Crystal axes in the image: an angle in two dimensions, a vector in any number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lithiscope.errors import OptionError

Axis = float | Sequence[float] | np.ndarray
"""Degrees from +x towards +y, or a vector in index order ((z), y, x)."""


def unit_vector(axis: Axis, ndim: int, *, name: str = "axis") -> np.ndarray:
    """Return an axis as a unit vector in index order ((z), y, x).

    Parameters
    ----------
    axis : float or sequence
        Degrees from +x towards +y (two dimensions only), or a vector of physical length in index order.
    ndim : int
        Number of dimensions.
    name : str
        For the message.

    Returns
    -------
    (ndim,) array
        Length one.

    Raises
    ------
    OptionError
        If the axis does not define a direction.

    Examples
    --------
    >>> unit_vector(90.0, 2)
    array([1., 0.])
    """
    value = np.asarray(axis, dtype=float)
    if value.ndim == 0 and ndim == 2:
        turn = np.deg2rad(value)
        value = np.array([np.sin(turn), np.cos(turn)])
    length = float(np.linalg.norm(value)) if value.shape == (ndim,) else np.nan
    if not (np.isfinite(length) and length > 0):
        raise OptionError(
            "an axis has no direction in this grid",
            field=name,
            value=axis,
            limit=f"a vector of {ndim} finite numbers, not all zero"
            + (", or an angle in degrees" if ndim == 2 else ""),
            remedy="vectors are in index order: (y, x) or (z, y, x)",
        )
    unit = value / length
    return np.where(np.abs(unit) < 1e-14, 0.0, unit)
