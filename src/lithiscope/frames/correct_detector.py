"""From counts as written to the counts that light made: dead time, dark counts, ring current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.frames.correct_flags import check_pictures, frame_name, frame_names
from lithiscope.frames.correct_options import CorrectOptions
from lithiscope.frames.kernels.counts import counting_variance, live_counts, repaired
from lithiscope.stages import blank_fatal, check, flag_bit

if TYPE_CHECKING:
    import xarray as xr

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]


# A pixel holds light when it is so many sigma above its dark counts; of noise alone fewer than this share are.
_CERTAIN, _LIT = 3.0, 0.01


class Detector(NamedTuple):
    """What changes from frame to frame, dims (time, energy, 1, 1): dead time over dwell, factors of dark and light."""

    dead_share: FloatArray
    dark_scale: FloatArray
    light_scale: FloatArray


class Dark(NamedTuple):
    """Dark counts of a pixel as written, the variance of that estimate (both broadcast to (y, x)) and their dwell."""

    counts: FloatArray
    variance: FloatArray
    dwell: float | None = None


def detector(recording: xr.Dataset, empty: np.ndarray, background: Dark, options: CorrectOptions) -> Detector:
    """Return dead time over dwell and the factors of dark and light for every frame, the `empty` ones too."""
    dead_share: FloatArray = np.zeros(empty.shape)
    dark_scale: FloatArray = np.ones(empty.shape)
    if options.dead_time > 0:
        dead_share = options.dead_time / _per_frame(recording, "dwell", empty, option="dead_time")
    if background.dwell is not None and "dwell" in recording:
        dark_scale = _per_frame(recording, "dwell", empty, option="dark") / background.dwell
    if np.max(background.counts) * np.max(dark_scale * dead_share) >= 1:
        raise AnalysisError(
            "dark counts alone keep the detector dead",
            field="dark",
            value=float(np.max(background.counts)),
            limit=f"below {1 / float(np.max(dark_scale * dead_share)):g} counts in the dwell",
            remedy="check dark counts, dead_time (s) and dwell",
        )
    light_scale = _light_scale(recording, empty, options)
    return Detector(*(part[..., None, None] for part in (dead_share, dark_scale, light_scale)))


def _light_scale(recording: xr.Dataset, empty: np.ndarray, options: CorrectOptions) -> FloatArray:
    if options.ring_current == "none":
        return np.ones(empty.shape)
    current = _per_frame(recording, "ring_current", empty, option="ring_current")
    used = current[~empty]
    wanted = float(used.mean()) if options.ring_current == "mean" and used.size else options.ring_current
    return np.ones(empty.shape) if isinstance(wanted, str) else np.asarray(wanted / current)


def _per_frame(recording: xr.Dataset, name: str, empty: np.ndarray, *, option: str) -> FloatArray:
    """Return a positive variable with dims (time, energy); 1 for frames without a value, which nothing is done to."""
    if name not in recording:
        raise OptionError(
            f"the correction needs a {name.replace('_', ' ')}, and the recording has none",
            field=option,
            limit=f"a recording with {name}",
            remedy=f"leave {option} out",
        )
    values = recording[name].broadcast_like(recording["counts"][:, :, 0, 0]).transpose("time", "energy").values
    with np.errstate(invalid="ignore"):
        bad = ~(np.isfinite(values) & (values > 0)) & ~empty
    if bad.any():
        raise AnalysisError(
            f"the {name.replace('_', ' ')} of frames is missing or not positive ({frame_names(recording, bad)})",
            field=name,
            value=", ".join(f"{v:g}" for v in values[bad][:4]),
            limit="above 0 in every frame that was measured",
            remedy=f"leave {option} out, or leave these frames out",
        )
    return np.where(empty, 1.0, values)


def dark_counts(
    recording: xr.Dataset, dark: float | np.ndarray | xr.DataArray | xr.Dataset, options: CorrectOptions
) -> Dark:
    """Return dark counts, from a number, a picture or dark frames, with the variance of that estimate."""
    import xarray as xr

    shape = recording["counts"].shape[2:]
    values, number, dwell = (
        _mean_of_dark_frames(dark) if isinstance(dark, xr.Dataset) else (np.asarray(dark, dtype=float), 1.0, None)
    )
    if values.shape not in {(), shape} or not np.all(np.isfinite(values)) or (values.ndim == 0 and values < 0):
        raise AnalysisError(
            "the dark counts cannot be used",
            field="dark",
            value=float(values) if values.ndim == 0 else f"{values.shape}, {(~np.isfinite(values)).sum()} not finite",
            limit=f"a number from 0, or finite counts of shape {shape}",
            remedy="measure dark frames of the same field, or give their mean as a number",
        )
    if values.ndim == 0:  # a number is taken as exact
        return Dark(values.reshape(1, 1), np.zeros((1, 1)))
    variance = counting_variance(values, 0.0, options.counts_per_photon, options.read_noise) / number
    return Dark(values, variance, dwell)


def _mean_of_dark_frames(dark: xr.Dataset) -> tuple[FloatArray, FloatArray | float, float | None]:
    check(dark, "recording")
    check_pictures(dark)
    counts = np.asarray(dark["counts"].values, dtype=float)
    counts = blank_fatal(counts, dark["counts_flag"].values) if "counts_flag" in dark else counts
    finite = np.isfinite(counts)
    number = finite.sum(axis=(0, 1)).astype(float)
    with np.errstate(invalid="ignore"):
        mean = np.where(finite, counts, 0.0).sum(axis=(0, 1)) / number
    if "dwell" not in dark:
        return mean, number, None
    return mean, number, float(_per_frame(dark, "dwell", ~finite.any(axis=(2, 3)), option="dark").mean())


def written_counts(
    scan: FloatArray, bits: np.ndarray, spike: np.ndarray | None, dead_share: FloatArray, options: CorrectOptions
) -> tuple[FloatArray, FloatArray]:
    """Return counts of one scan with spikes repaired, and their variance; the bits of repaired pixels are set."""
    counts = blank_fatal(scan, bits)
    spread = np.zeros(counts.shape)
    for k in range(counts.shape[0]) if spike is not None else ():
        where = spike[k]  # type: ignore[index]
        counts[k][where], spread[k][where] = repaired(counts[k], where)
        bits[k][where] |= np.where(np.isfinite(counts[k][where]), flag_bit("repaired"), flag_bit("missing"))
    return counts, np.maximum(
        spread, counting_variance(counts, dead_share, options.counts_per_photon, options.read_noise)
    )


def check_rate(
    recording: xr.Dataset, t: int, counts: FloatArray, dead_share: FloatArray, options: CorrectOptions
) -> None:
    """Refuse counts that a detector with this dead time cannot have written."""
    busy = np.where(np.isfinite(counts), counts, 0.0) * dead_share
    if busy.max() >= 1:
        k, y, x = (int(i) for i in np.unravel_index(int(np.argmax(busy)), busy.shape))
        raise AnalysisError(
            f"a pixel counted more than its dead time allows ({frame_name(recording, t, k)}, line {y}, column {x})",
            field="dead_time",
            value=f"{counts[k, y, x]:g} counts, each dead for {options.dead_time:g} s",
            limit=f"below {1 / float(np.broadcast_to(dead_share, busy.shape)[k, y, x]):g} counts in the dwell",
            remedy="check dead_time (s) and the dwell of the file, state a saturation, or let despike repair spikes",
        )


def light_counts(
    counts: FloatArray, variance: FloatArray, background: Dark, frame: Detector
) -> tuple[FloatArray, FloatArray]:
    """Return the counts that light made, at one ring current, and their variance."""
    arrived, slope = live_counts(counts, frame.dead_share)
    dark, dark_slope = live_counts(background.counts * frame.dark_scale, frame.dead_share)
    spread = variance * slope**2 + background.variance * (frame.dark_scale * dark_slope) ** 2
    return np.asarray((arrived - dark) * frame.light_scale), np.asarray(spread * frame.light_scale**2)


class Seen:
    """What was seen of the pixels of a series, to tell whether its dark counts can be true."""

    def __init__(self) -> None:
        self._pixels = self._lit = 0
        self._counts = 0.0

    def add(self, counts: FloatArray, picture: FloatArray, variance: FloatArray) -> None:
        """Take counts of one scan as written, and what light made of them with its variance; NaN is left out."""
        known = np.isfinite(picture)
        with np.errstate(invalid="ignore"):
            self._lit += int(np.count_nonzero(picture > _CERTAIN * np.sqrt(variance)))
        self._pixels += int(np.count_nonzero(known))
        self._counts += float(np.sum(counts, where=known))

    def refuse_dark(self, background: Dark) -> None:
        """Refuse dark counts that leave nothing of the counts of all pixels seen.

        Few counts alone are no reason: the dark counts must be at least half of what the detector wrote.

        Raises
        ------
        AnalysisError
            If hardly any pixel is above its dark counts by more than its error.
        """
        dark, counts = float(background.counts.mean()), self._counts / max(self._pixels, 1)
        if self._pixels and self._lit <= _LIT * self._pixels and dark > counts / 2:
            raise AnalysisError(
                "the dark counts exceed the counts: no light is left",
                field="dark_counts",
                value=f"{dark:.4g} of {counts:.4g} counts",
                limit="well below the counts with light",
                remedy="state the counts of a pixel in one dwell without light, or give dark frames taken with the "
                "shutter closed",
            )
