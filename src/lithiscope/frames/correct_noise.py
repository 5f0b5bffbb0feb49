"""How much pixels scatter beyond counting: flicker as stated, or as the brightest pixels show it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.frames.correct_flags import frame_names
from lithiscope.frames.correct_options import CorrectOptions

if TYPE_CHECKING:
    import xarray as xr

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]

# Fewer bright pixels than this do not tell the noise of a frame.
_ENOUGH_PIXELS = 50
# Standard error of a measured scatter times the root of the number of pixels: neighbours share counts.
_SCATTER_ERROR = 0.98
_TOLERATED_EXCESS = 1.2


def excess_noise(scatter: FloatArray) -> FloatArray:
    """Return the relative scatter (time, energy) beyond what is predicted without flicker; NaN where unknown."""
    measured, predicted, level, number = np.moveaxis(scatter, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = np.sqrt(np.maximum(measured**2 - predicted**2, 0.0)) / level
        return np.where((number >= _ENOUGH_PIXELS) & (level > 0), excess, np.nan)


def flicker(recording: xr.Dataset, excess: FloatArray, options: CorrectOptions) -> FloatArray:
    """Return the flicker of each frame, (time, energy): as stated, or as measured."""
    known = np.isfinite(excess)
    if options.noise == "stated":
        return np.full(excess.shape, options.flicker)
    if not known.any():
        raise AnalysisError(
            "no frame tells its noise",
            file=recording.attrs.get("source"),
            field="noise",
            value="measured",
            limit=f"at least {_ENOUGH_PIXELS} bright pixels that have neighbours, in one frame",
            remedy="state the noise: counts_per_photon, read_noise, flicker",
        )
    return np.where(known, excess, np.median(excess[known]))


def noise_ratio(scatter: FloatArray, relative: FloatArray) -> FloatArray:
    """Return measured over stated standard deviation (time, energy) with that flicker; NaN where unknown."""
    measured, predicted, level, number = np.moveaxis(scatter, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number >= _ENOUGH_PIXELS, measured / np.hypot(predicted, relative * level), np.nan)


def warn_of_scatter(recording: xr.Dataset, scatter: FloatArray, ratio: FloatArray) -> None:
    """Warn of frames whose brightest pixels scatter more than stated by over 20 % and by more than chance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        bad = ratio > _TOLERATED_EXCESS * (1 + 3 * _SCATTER_ERROR / np.sqrt(scatter[..., 3]))
    if bad.any():
        warnings.warn(
            f"bright pixels scatter up to {ratio[bad].max():.2f} times as much as stated, in {bad.sum()} of {bad.size} "
            f"frames ({frame_names(recording, bad)}): error bars would be too small; state flicker, read_noise and "
            "counts_per_photon of the beamline, or set noise to measured",
            LithiscopeWarning,
            stacklevel=3,
        )


def add_flicker(std: np.ndarray, signal: np.ndarray, flicker: FloatArray) -> None:
    """Add the flicker of each frame to the standard deviations, in place."""
    for t in range(len(std)):
        std[t] = np.hypot(std[t], flicker[t][:, None, None] * signal[t])
