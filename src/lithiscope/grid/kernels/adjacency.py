"""Which pixels touch."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def neighbour_table(
    index: Int[np.ndarray, "*shape"], pixels: Int[np.ndarray, "pixels axes"]
) -> Int[np.ndarray, "pixels sides"]:
    """Return the pixel number across each side, -1 where there is none.

    Parameters
    ----------
    index : (..., y, x) int array
        Pixel number at each place, -1 outside the mask.
    pixels : (N, D) int array
        Place of each pixel.

    Returns
    -------
    (N, 2 D) int array
        Sides in the order -axis 0, +axis 0, -axis 1, ...
    """
    padded = np.pad(index, 1, constant_values=-1)
    sides = []
    for axis in range(pixels.shape[1]):
        for side in (-1, 1):
            place = pixels + 1
            place[:, axis] += side
            sides.append(padded[tuple(place.T)])
    return np.stack(sides, axis=1)
