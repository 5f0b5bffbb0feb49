"""Colours that carry numbers: hue = lithium fraction, brightness = amount of material.

The default palette runs at constant chroma through OKLCh (B. Ottosson, "A perceptual color space for image processing",
2020) from blue over magenta to yellow, with equal perceived steps. Lightness and the blue-yellow axis rise all the way,
so people with red-green colour blindness read the same order.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope.errors import OptionError

Colours = NDArray[np.uint8]

# Where there is too little material for a composition, and the two greys of the hatch where a value is not trusted.
BACKGROUND = (18, 21, 27)
HATCH = ((126, 132, 140), (176, 181, 188))

_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def srgb_from_oklab(lab: ArrayLike) -> NDArray[np.float64]:
    """Convert OKLab (..., 3) to sRGB in [0, 1], clipped to the gamut."""
    linear = ((np.asarray(lab, dtype=float) @ _TO_LMS.T) ** 3) @ _LMS_TO_RGB.T
    linear = np.clip(linear, 0.0, 1.0)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def oklab_from_srgb(rgb: ArrayLike) -> NDArray[np.float64]:
    """Convert sRGB in [0, 1] (..., 3) to OKLab."""
    values = np.asarray(rgb, dtype=float)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ np.linalg.inv(_LMS_TO_RGB).T) @ np.linalg.inv(_TO_LMS).T)


@lru_cache(maxsize=8)
def lookup_table(palette: str) -> Colours:
    """Return 256 colours of a palette, from x = 0 to x = 1 (or from low to high), as sRGB bytes of shape (256, 3).

    Parameters
    ----------
    palette : str
        "uniform" (default of composition maps), "lim2016" (green to red), or the name of a matplotlib colour map.

    Raises
    ------
    OptionError
        If there is no such palette.
    """
    if palette == "uniform":
        table = _uniform(256)
    elif palette == "lim2016":
        x = np.linspace(0.0, 1.0, 256)[:, None]
        table = np.minimum(1.0, 2.0 * np.concatenate([x, 1.0 - x, 0.0 * x], axis=1))
    else:
        import matplotlib as mpl

        if palette not in mpl.colormaps:
            raise OptionError("no such palette", field="palette", value=palette, limit="uniform, cividis, lim2016")
        table = mpl.colormaps[palette](np.linspace(0.0, 1.0, 256))[:, :3]
    colours = np.rint(255 * table).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def _uniform(count: int) -> NDArray[np.float64]:
    path = np.linspace(0.0, 1.0, 2001)
    lightness = 0.42 + 0.45 * path
    hue = np.deg2rad(264.0 + 191.0 * path)
    chroma = 0.15
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(lab, axis=0), axis=1))])
    even = np.interp(np.linspace(0.0, length[-1], count), length, path)
    return srgb_from_oklab(np.stack([np.interp(even, path, lab[:, k]) for k in range(3)], axis=-1))


def scalar_colours(values: ArrayLike, low: float, high: float, palette: str) -> Colours:
    """Return sRGB bytes (..., 3) of values between `low` and `high`; beyond them the end colours, NaN as background."""
    array = np.asarray(values, dtype=float)
    span = high - low if high > low else 1.0
    index = np.clip(np.nan_to_num((array - low) / span), 0.0, 1.0) * 255
    return _over_background(lookup_table(palette)[np.rint(index).astype(int)], array)


def composition_colours(x: ArrayLike, brightness: ArrayLike = 1.0, palette: str = "uniform") -> Colours:
    """Return the colours of a composition map.

    Parameters
    ----------
    x : array_like
        Lithium fraction, any shape; clipped to [0, 1] for display only. NaN gives the background colour.
    brightness : array_like
        Amount over the amount of full brightness, broadcast against `x`; clipped to [0, 1].
    palette : str
        See `lookup_table`.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
        sRGB bytes: the palette's colour times the brightness.
    """
    array, scale = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(brightness, dtype=float))
    full = scalar_colours(array, 0.0, 1.0, palette)
    dimmed = np.rint(full * np.clip(np.nan_to_num(scale), 0.0, 1.0)[..., None]).astype(np.uint8)
    return _over_background(dimmed, array)


def _over_background(colours: Colours, values: NDArray[np.float64]) -> Colours:
    return np.where(np.isnan(values)[..., None], np.asarray(BACKGROUND, dtype=np.uint8), colours)


def hatch(colours: Colours, missing: ArrayLike) -> Colours:
    """Return the picture (y, x, 3) with diagonal grey stripes, two pixels wide, where `missing` (y, x) is true."""
    rows, columns = np.indices(colours.shape[:2])
    stripes = np.asarray(HATCH, dtype=np.uint8)[((rows + columns) // 2) % 2]
    return np.asarray(np.where(np.asarray(missing, dtype=bool)[..., None], stripes, colours))
