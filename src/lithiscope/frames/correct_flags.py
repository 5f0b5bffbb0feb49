"""What of a recording can be used: flags of missing and saturated pixels, of lines without beam, and spikes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.frames.correct_options import CorrectOptions
from lithiscope.frames.kernels.counts import (
    counting_variance,
    largest_counts,
    piled_level,
    prominence,
    third_brightest,
)
from lithiscope.frames.kernels.lines import dim_lines, line_brightness, lost_lines, too_bright
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


class Judged(NamedTuple):
    """What only all scans together tell.

    Attributes
    ----------
    saturation : float or None
        Counts from which on a pixel is saturated.
    lost : (time, energy, y) bool array
        Lines without beam.
    empty : (time, energy) bool array
        Frames without any pixel that can be used.
    """

    saturation: float | None
    lost: np.ndarray
    empty: np.ndarray


def judge(recording: xr.Dataset, dark: float, options: CorrectOptions) -> Judged:
    """Go through a recording, one scan at a time, for what only all scans together tell.

    Parameters
    ----------
    recording : Dataset
        Stage recording, dims (time, energy, y, x).
    dark : float
        Mean counts without light.
    options : CorrectOptions
        Saturation, and what counts as a lost line.
    """
    level = options.saturation or recording.attrs.get("saturation") or _unstated_saturation(recording)
    shape = recording["counts"].shape[:3]
    brightness, useless = np.empty(shape), np.empty(shape, dtype=bool)
    nothing = Judged(None if level is None else float(level), np.zeros(shape, dtype=bool), np.zeros(shape[:2], bool))
    for t in range(shape[0]):
        scan, bits = written(recording, t, nothing)
        brightness[t] = line_brightness(blank_fatal(scan, bits)) - dark
        useless[t] = fatal_mask(bits).all(axis=-1)
    lost = lost_lines(brightness, options.dump_fraction, options.counts_per_photon)
    if lost.any():
        _warn_of_lost_lines(recording, lost)
    dim, share = dim_lines(np.where(lost, np.nan, brightness), options.counts_per_photon)
    if dim.any():
        _warn_of_dim_lines(recording, dim, share)
    times_usual = too_bright(brightness, options.counts_per_photon)
    if np.isfinite(times_usual).any():
        _warn_of_bright_frames(recording, times_usual)
    return Judged(nothing.saturation, lost, np.asarray((lost | useless).all(axis=-1)))


def written(recording: xr.Dataset, t: int, judged: Judged) -> tuple[FloatArray, np.ndarray]:
    """Return the counts of a scan, and its flags with those of missing and saturated pixels and of lost lines."""
    scan = np.asarray(recording["counts"].variable[t].values, dtype=float)
    known = recording["counts_flag"].variable[t].values if "counts_flag" in recording else 0
    bits = np.array(np.broadcast_to(known, scan.shape), dtype=np.uint16)
    if judged.saturation is not None:
        with np.errstate(invalid="ignore"):
            bits[scan >= judged.saturation] |= flag_bit("saturated")
    bits[~np.isfinite(scan) & ~fatal_mask(bits)] |= flag_bit("missing")
    bits[judged.lost[t]] |= flag_bit("missing")
    return scan, bits


def _unstated_saturation(recording: xr.Dataset) -> float | None:
    counts = recording["counts"].variable
    found = [largest_counts(np.asarray(counts[t].values)) for t in range(counts.shape[0])]
    values, numbers = (np.concatenate(parts) for parts in zip(*found, strict=True))
    level = piled_level(values, numbers)
    if level is not None:
        warnings.warn(
            f"{numbers[values == level].sum()} pixels hold exactly the largest count, {level:g}: the detector seems "
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


def _warn_of_dim_lines(recording: xr.Dataset, dim: np.ndarray, share: FloatArray) -> None:
    found = [
        f"{frame_name(recording, int(t), int(k))}: lines {_runs(dim[t, k])} ({share[t, k]:.2f} times)"
        for t, k in np.argwhere(dim.any(axis=-1))
    ]
    warnings.warn(
        f"{int(dim.sum())} lines are darker than they or their neighbours are in any other frame: {_first(found, 4)} "
        "(counted from 0); did the beam dip? Their optical density is too high and their x is wrong: leave the scan "
        "out (particles.table.exclude)",
        LithiscopeWarning,
        stacklevel=4,
    )


def _warn_of_bright_frames(recording: xr.Dataset, times_usual: FloatArray) -> None:
    found = [
        f"{frame_name(recording, int(t), int(k))}: {times_usual[t, k]:.0f} times"
        for t, k in np.argwhere(np.isfinite(times_usual))
    ]
    warnings.warn(
        f"{len(found)} frames are far brighter than the others and hard to believe: {_first(found, 4)}; look at their "
        "files, and leave them out if the counts are wrong",
        LithiscopeWarning,
        stacklevel=4,
    )


def _runs(lines: np.ndarray) -> str:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lines, [False]])))
    return ", ".join(f"{a}-{b - 1}" if b - a > 1 else f"{a}" for a, b in edges.reshape(-1, 2))


class Written(NamedTuple):
    """A scan as the detector wrote it: counts, flags, and where spikes are (None: not looked for)."""

    counts: FloatArray
    flag: np.ndarray
    spike: np.ndarray | None


class _Seen(NamedTuple):
    counts: FloatArray
    flag: np.ndarray
    tall: np.ndarray
    hint: np.ndarray


def scans_as_written(recording: xr.Dataset, judged: Judged, options: CorrectOptions) -> Iterator[Written]:
    """Yield the scans one after the other; of those that are needed to find spikes, three are held."""
    numbers = range(recording.sizes["time"])
    if not options.despike:
        for t in numbers:
            yield Written(*written(recording, t, judged), None)
        return
    ahead: Iterator[_Seen | None] = chain((_seen(recording, t, judged, options) for t in numbers), [None])
    before, now = None, next(ahead)
    for after in ahead:
        if now is not None:
            yield Written(now.counts, now.flag, _spikes(before, now, after))
        before, now = now, after


def _seen(recording: xr.Dataset, t: int, judged: Judged, options: CorrectOptions) -> _Seen:
    """Return a scan with the pixels that stand out of their neighbours, and where one half as tall is near."""
    from scipy.ndimage import maximum_filter

    scan, bits = written(recording, t, judged)
    tall, hint = np.zeros((2, *scan.shape), dtype=bool)
    for k, counts in enumerate(blank_fatal(scan, bits)):
        height = prominence(counts, _spike_variance(counts, options), options.spike_sigma / 2)
        tall[k] = height > options.spike_sigma
        # A structure may have drifted by a pixel from one frame to the next.
        hint[k] = maximum_filter(height > 0, size=3)
    return _Seen(scan, bits, tall, hint)


def _spikes(before: _Seen | None, now: _Seen, after: _Seen | None) -> np.ndarray:
    """Return where a pixel stands out of its neighbours, and not also in the frames that show the same place.

    These are the frames a few energies away, and those one scan before and after.
    """
    spike, energies = now.tall.copy(), len(now.tall)
    for k in range(energies):
        near = [now.hint[k + step] for step in (-2, -1, 1, 2) if 0 <= k + step < energies]
        others = [*near, *(scan.hint[k] for scan in (before, after) if scan is not None)]
        if others:  # one of three or four may be another spike close by
            spike[k] &= np.sum(others, axis=0) <= len(others) // 3
    return spike


def _spike_variance(counts: FloatArray, options: CorrectOptions) -> FloatArray:
    # One photon more than the neighbours saw, or a single count among zeros would be a spike.
    level = np.maximum(np.where(np.isfinite(counts), third_brightest(counts), 0.0), 0.0)
    gain = options.counts_per_photon
    return counting_variance(level + gain, 0.0, gain, options.read_noise) + (options.flicker * level) ** 2
