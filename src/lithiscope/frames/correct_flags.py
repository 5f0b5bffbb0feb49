"""What of a recording can be used: flags of missing and saturated pixels, of lines without beam, and spikes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.frames.correct_options import CorrectOptions
from lithiscope.frames.kernels.counts import (
    counting_variance,
    line_brightness,
    lost_lines,
    piled_level,
    prominence,
    third_brightest,
)
from lithiscope.progress import Reporter
from lithiscope.stages import blank_fatal, fatal_mask, flag_bit

if TYPE_CHECKING:
    import xarray as xr

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]

_DIMS = ("time", "energy", "y", "x")


def check_pictures(recording: xr.Dataset) -> None:
    """Refuse a recording whose counts have dims other than (time, energy, y, x), or no pixels."""
    if recording["counts"].dims != _DIMS:
        raise StageError(
            "pictures at several energies are needed",
            field="counts",
            value=recording["counts"].dims,
            limit="(time energy y x)",
            remedy="select one channel, or give the scan an energy axis",
        )
    if recording["counts"].size == 0:
        raise AnalysisError("there are no pictures", field="counts", value=recording["counts"].shape)


def frame_name(recording: xr.Dataset, t: int, k: int) -> str:
    """Return what a frame is called in messages."""
    return f"scan {t}, {float(recording['energy'][k]):g} eV"


def frame_names(recording: xr.Dataset, which: np.ndarray) -> str:
    """Return the names of the frames of a (time, energy) bool array, the first few of them."""
    return _first([frame_name(recording, int(t), int(k)) for t, k in np.argwhere(which)], 4)


def _first(texts: list[str], most: int) -> str:
    return "; ".join(texts[:most]) + (f"; and {len(texts) - most} more" if len(texts) > most else "")


def written_flags(recording: xr.Dataset, dark: float, options: CorrectOptions) -> np.ndarray:
    """Return the flags of a recording with those of missing and saturated pixels and of lines without beam."""
    counts = recording["counts"]
    known = recording["counts_flag"].values if "counts_flag" in recording else 0
    flag = np.array(np.broadcast_to(known, counts.shape), dtype=np.uint16)
    level = options.saturation or recording.attrs.get("saturation") or _unstated_saturation(recording)
    brightness = np.empty(flag.shape[:3])
    for t, bits in enumerate(flag):
        scan = np.asarray(counts[t].values, dtype=float)
        if level is not None:
            with np.errstate(invalid="ignore"):
                bits[scan >= float(level)] |= flag_bit("saturated")
        bits[~np.isfinite(scan) & ~fatal_mask(bits)] |= flag_bit("missing")
        brightness[t] = line_brightness(blank_fatal(scan, bits)) - dark
    lost = lost_lines(brightness, options.dump_fraction, options.counts_per_photon)
    if lost.any():
        flag[lost] |= flag_bit("missing")
        _warn_of_lost_lines(recording, lost)
    return flag


def _unstated_saturation(recording: xr.Dataset) -> float | None:
    counts = np.asarray(recording["counts"].values)
    level = piled_level(counts.reshape(len(counts), -1))
    if level is not None:
        warnings.warn(
            f"{np.count_nonzero(counts == level)} pixels hold exactly the largest count, {level:g}: the detector seems "
            "to saturate there, and they were flagged; state correct.saturation, or one never reached if it does not",
            LithiscopeWarning,
            stacklevel=4,
        )
    return level


def _warn_of_lost_lines(recording: xr.Dataset, lost: np.ndarray) -> None:
    found = [
        f"{frame_name(recording, int(t), int(k))}: lines {_runs(lost[t, k])}" for t, k in np.argwhere(lost.any(axis=-1))
    ]
    warnings.warn(
        f"{int(lost.sum())} lines were scanned without beam and are missing: {_first(found, 8)} "
        "(counted from 0, with the line before and after)",
        LithiscopeWarning,
        stacklevel=4,
    )


def _runs(lines: np.ndarray) -> str:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lines, [False]])))
    return ", ".join(f"{a}-{b - 1}" if b - a > 1 else f"{a}" for a, b in edges.reshape(-1, 2))


def find_spikes(recording: xr.Dataset, flag: np.ndarray, options: CorrectOptions, reporter: Reporter) -> np.ndarray:
    """Return where a pixel stands out of its neighbours, and not also in the frames before and after."""
    from scipy.ndimage import maximum_filter

    spike, hint = np.zeros((2, *flag.shape), dtype=bool)
    for t in reporter.track(range(flag.shape[0]), label="looking for spikes", total=flag.shape[0]):
        for k, bits in enumerate(flag[t]):
            counts = blank_fatal(np.asarray(recording["counts"][t, k].values, dtype=float), bits)
            height = prominence(counts, _spike_variance(counts, options), options.spike_sigma / 2)
            spike[t, k] = height > options.spike_sigma
            # A structure may have drifted by a pixel from one frame to the next.
            hint[t, k] = maximum_filter(height > 0, size=3)
    for t, k in np.ndindex(*flag.shape[:2]):
        others = [hint[at] for at in _beside(t, k, flag.shape)]
        if others:  # one of three or four may be another spike close by
            spike[t, k] &= np.sum(others, axis=0) <= len(others) // 3
    return np.asarray(spike)


def _spike_variance(counts: FloatArray, options: CorrectOptions) -> FloatArray:
    # One photon more than the neighbours saw, or a single count among zeros would be a spike.
    level = np.maximum(np.where(np.isfinite(counts), third_brightest(counts), 0.0), 0.0)
    gain = options.counts_per_photon
    return counting_variance(level + gain, 0.0, gain, options.read_noise) + (options.flicker * level) ** 2


def _beside(t: int, k: int, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the frames that show the same sample in the same place: a few energies away, or one scan."""
    near = [(t, k + step) for step in (-2, -1, 1, 2)] + [(t - 1, k), (t + 1, k)]
    return [(i, j) for i, j in near if 0 <= i < shape[0] and 0 <= j < shape[1]]
