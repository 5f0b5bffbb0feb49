"""The data: one half cycle of one particle, cut out of a composition video."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.kinetics.crops import noise_gain

if TYPE_CHECKING:
    import xarray as xr

_X = "lithium_fraction"
_MEAN = "mean_lithium_fraction"
_FEWEST_FRAMES = 3
_FEWEST_PIXELS = 12
_PASSES = 3  # of frames and pixels, and of x
_VARIED = 0.2  # range of x over which its noise changes visibly
_USUAL = 2.0  # times the expected standard deviation, above which one has a reason of its own


@dataclass(frozen=True)
class HalfCycle:
    """What was seen of one particle in one half cycle, in a box around it.

    Attributes
    ----------
    video : int
        Number of the video in the list that was given.
    particle, number : int
        Label of the particle, and number of the half cycle.
    direction : int
        +1 lithiation, -1 delithiation, 0 unknown.
    frames : array, shape (time,)
        Indices of the frames in the video.
    seconds : array, shape (time,)
        From the first of these frames.
    x : array, shape (time, y, x)
        Measured lithium fraction; 0 where it is not known.
    weight : array, shape (time, y, x)
        One over the standard deviation that the noise had when pixels were independent; 0 where x is not known.
    gain : array, shape (time,)
        Standard deviation that resampling left of that, as a share. It made neighbours alike, so that means of many
        pixels, and all that is smooth, are no better known than before.
    frame_std : array, shape (time,)
        Standard deviation common to a frame.
    volts, volt_weight : array, shape (time,)
        Measured voltage in V, and one over its standard deviation: 0 where there is no voltage, infinite where there is
        no standard deviation.
    means, mean_weight : array, shape (time,)
        Measured mean composition of the particle, and the same.
    mask : array of bool, shape (y, x)
        Where the particle is.
    corner : (int, int)
        Row and column of the box in the video.
    spacing : (float, float)
        nm.
    """

    video: int
    particle: int
    number: int
    direction: int
    frames: np.ndarray
    seconds: np.ndarray
    x: np.ndarray
    weight: np.ndarray
    gain: np.ndarray
    frame_std: np.ndarray
    volts: np.ndarray
    volt_weight: np.ndarray
    means: np.ndarray
    mean_weight: np.ndarray
    mask: np.ndarray
    corner: tuple[int, int]
    spacing: tuple[float, float]

    @property
    def key(self) -> tuple[int, int]:
        """Return which particle it is: (video, label)."""
        return self.video, self.particle

    @property
    def name(self) -> str:
        """Return the name of the particle and the half cycle, for people."""
        return f"video {self.video + 1}, particle {self.particle}, half cycle {self.number}"

    def mean(self) -> np.ndarray:
        """Return the mean composition of each frame, shape (time,): of the known pixels, or as told without them."""
        known = self.weight > 0
        count = known.sum((1, 2))
        of_pixels = np.where(known, self.x, 0.0).sum((1, 2)) / np.maximum(count, 1)
        return np.asarray(np.where((count < _FEWEST_PIXELS) & (self.mean_weight > 0), self.means, of_pixels))

    def told(self) -> np.ndarray:
        """Return whether anything is known of each frame, bool, shape (time,)."""
        return np.asarray((self.weight > 0).any((1, 2)) | (self.volt_weight > 0) | (self.mean_weight > 0))

    def windows(self, count: int) -> list[HalfCycle]:
        """Return the half cycle in so many stretches; a frame at a seam belongs to both, with half its weight.

        Seams are at frames with pixels where there are any: a stretch begins at what was seen. So there may be fewer.
        """
        last, seen = len(self.seconds) - 1, (self.weight > 0).any((1, 2))
        inner = np.flatnonzero(seen if seen.any() else np.ones_like(seen))
        places = np.unique([0, *inner, last])
        edges = places[np.unique(np.linspace(0, len(places) - 1, count + 1).round().astype(int))]
        parts = []
        for first, last in pairwise(edges):
            names = ("frames", "x", "weight", "gain", "frame_std", "volts", "volt_weight", "means", "mean_weight")
            cut = {name: getattr(self, name)[first : last + 1].copy() for name in names}
            for place, inner in ((0, first > 0), (-1, last < len(self.seconds) - 1)):
                for name in ("weight", "volt_weight", "mean_weight"):
                    cut[name][place] *= np.sqrt(0.5) if inner else 1.0
            seconds = self.seconds[first : last + 1] - self.seconds[first]
            parts.append(HalfCycle(**{**self.__dict__, **cut, "seconds": seconds}))
        return parts


def half_cycles(videos: Sequence[xr.Dataset], *, particles: Sequence[int] | None = None) -> list[HalfCycle]:
    """Cut the half cycles of every particle out of composition videos, all in boxes of one shape.

    A pixel is used where it belongs to the particle, is finite, and has no fatal flag.

    Parameters
    ----------
    videos : sequence of composition_video
        With lithium_fraction, its standard deviation, times, and the half cycle of each frame.
    particles : sequence of int, optional
        Labels to use; without it all.

    Returns
    -------
    list of HalfCycle
        In order of video, particle and half cycle.

    Raises
    ------
    AnalysisError
        If something needed is missing, a standard deviation is not positive, or nothing remains.
    """
    cuts = [cut for number, video in enumerate(videos) for cut in _of_video(number, video, particles)]
    if not cuts:
        raise AnalysisError(
            "no half cycle of a particle has enough frames to learn from",
            field="half_cycle",
            value=0,
            limit=f"{_FEWEST_FRAMES} frames with known pixels",
            remedy="check the coordinates half_cycle and direction, the flags, and the particles that were chosen",
        )
    if len({cut.spacing for cut in cuts}) > 1:
        raise AnalysisError(
            "videos with pixels of different size share no program",
            field="x",
            value=sorted({cut.spacing for cut in cuts}),
            remedy="learn from each pixel size on its own",
        )
    height, width = (max(cut.mask.shape[axis] for cut in cuts) for axis in (0, 1))
    return [_padded(cut, height, width) for cut in cuts]


def _of_video(number: int, video: xr.Dataset, particles: Sequence[int] | None) -> list[HalfCycle]:
    _refuse(video)
    label = video["label"].values if "label" in video else video["mask"].values.astype(int)
    spacing = tuple(1e3 * abs(float(np.diff(video[axis].values).mean())) for axis in ("y", "x"))
    wanted = [int(one) for one in np.unique(label[label > 0]) if particles is None or int(one) in particles]
    half_cycle = video["half_cycle"].values.astype(int)
    if _MEAN in video and len(np.unique(label[label > 0])) > 1:
        raise AnalysisError(
            "the mean composition of a video is that of its only particle",
            field=f"{_MEAN} (video {number + 1})",
            value=len(np.unique(label[label > 0])),
            limit="1 particle",
            remedy="cut the video into one for each particle",
        )
    cuts = []
    for particle in wanted:
        for one in np.unique(half_cycle[half_cycle >= 0]):
            frames = np.flatnonzero(half_cycle == one)
            cut = _cut(number, video, label == particle, particle, int(one), frames, spacing)
            if cut is not None:
                cuts.append(cut)
    return cuts


def _refuse(video: xr.Dataset) -> None:
    needed = {_X: video, f"{_X}_std": video, "time": video.coords, "half_cycle": video.coords}
    for name, where in needed.items():
        if name not in where:
            raise AnalysisError(
                "learning needs more than this video holds",
                field=name,
                value="absent",
                remedy="give a composition video with its uncertainty, times and half cycles",
            )
    if "label" not in video and "mask" not in video:
        raise AnalysisError("learning needs to know where the particles are", field="label", value="absent")
    if video[_X].ndim != 3:
        raise AnalysisError(
            "learning works on pictures, one x for each pixel",
            field=_X,
            value=video[_X].dims,
            limit="time y x",
            remedy="project the volume along the beam",
        )


def _cut(
    number: int,
    video: xr.Dataset,
    mask: np.ndarray,
    particle: int,
    half_cycle: int,
    frames: np.ndarray,
    spacing: tuple[float, ...],
) -> HalfCycle | None:
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    inside = mask[box]
    x = video[_X].values[frames][:, box[0], box[1]].astype(float)
    std = video[f"{_X}_std"].values[frames][:, box[0], box[1]].astype(float)
    known = inside & np.isfinite(x) & np.isfinite(std)
    if f"{_X}_flag" in video:
        known &= ~stages.fatal_mask(video[f"{_X}_flag"].values[frames][:, box[0], box[1]])
    where = f"video {number + 1}, particle {particle}, half cycle {half_cycle}"
    if np.any(std[known] <= 0):
        raise AnalysisError(
            "a standard deviation is not positive",
            field=f"{_X}_std ({where})",
            value=float(std[known].min()),
            limit="above 0",
            remedy="give the uncertainty of each pixel; without noise there is nothing to weigh by",
        )
    volts, volt_weight = _of_frames(video, "voltage_volt", "V", frames, where)
    means, mean_weight = _of_frames(video, _MEAN, "1", frames, where)
    seen = (known.sum((1, 2)) >= _FEWEST_PIXELS) | (mean_weight > 0)
    if seen.sum() < _FEWEST_FRAMES:
        warnings.warn(
            f"{where} is left out: {int(seen.sum())} frames with known pixels or mean are fewer than {_FEWEST_FRAMES}",
            LithiscopeWarning,
            stacklevel=5,
        )
        return None
    time = video["time"].values[frames].astype(float)
    if not np.isfinite(time).all() or np.any(np.diff(time) <= 0):
        raise AnalysisError(
            "the frames are not in order of time", field=f"time ({where})", value=time.tolist(), limit="increasing"
        )
    std_of_frame = f"{_X}_frame_std"
    frame_std = video[std_of_frame].values[frames].astype(float) if std_of_frame in video else np.zeros(len(frames))
    direction = int(video["direction"].values[frames[0]]) if "direction" in video.coords else 0
    gain = _gain(video, frames, where)
    return HalfCycle(
        number,
        particle,
        half_cycle,
        direction,
        frames,
        time - time[0],
        np.where(known, x, 0.0),
        gain[:, None, None]
        * np.where(known, 1 / expected_std(np.where(known, std, np.nan), np.where(known, x, np.nan)), 0.0),
        gain,
        np.nan_to_num(frame_std),
        volts,
        volt_weight,
        means,
        mean_weight,
        inside,
        (int(rows[0]), int(columns[0])),
        (spacing[0], spacing[1]),
    )


def _gain(video: xr.Dataset, frames: np.ndarray, where: str) -> np.ndarray:
    """Return what resampling left of the standard deviation of each frame."""
    gain: np.ndarray = noise_gain(video)[frames]
    if not (np.isfinite(gain) & (gain > 0)).all():
        raise AnalysisError(
            "what resampling left of the noise is a positive share",
            field=f"noise_gain ({where})",
            value=gain.tolist(),
            limit="above 0",
            remedy="leave noise_gain out if the pictures were not resampled",
        )
    return gain


def expected_std(std: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the standard deviations that pixels should have, apart from their own noise; 1 where there is none.

    That of x is told from the counts of its own pixel and frame. The same noise makes it small and x large, so weights
    from it move a mean by up to 0.014. Pixels differ by their thickness, frames by their light, and the variance of a
    share is a parabola in x: the mean variance of a frame over pixels times that of a pixel over time times a parabola
    in the mean x of the pixels around, which have noise of their own. Deviations of more than twice what is expected
    have a reason, and are kept.

    Parameters
    ----------
    std : array, shape (time, y, x)
        As told; NaN where x is not known.
    x : array, shape (time, y, x)
        Lithium fraction; NaN where it is not known.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing is known of a pixel or frame
        rough = _product_of(std, np.nanmedian)
        usual = std <= _USUAL * rough
        variance, around = np.where(usual, std**2, np.nan), _around(x)
        by_x = np.ones_like(std)
        for _ in range(_PASSES):
            product = _product_of(variance / by_x, np.nanmean)
            by_x = _parabola(variance / product, around)
        expected = np.sqrt(product * by_x)
    return np.asarray(np.where(np.isfinite(std), np.where(usual & np.isfinite(expected), expected, std), 1.0))


def _product_of(values: np.ndarray, middle: Callable[..., np.ndarray]) -> np.ndarray:
    """Return the middle of each frame over its pixels times that of each pixel over time, in units of its frames."""
    of_frame = middle(values, axis=(1, 2), keepdims=True)
    return np.asarray(of_frame * middle(values / of_frame, axis=0))


def _around(x: np.ndarray) -> np.ndarray:
    """Return the mean of the up to eight known pixels around each, without itself; NaN where there is none."""
    from scipy.ndimage import convolve

    ring = np.ones((1, 3, 3))
    ring[0, 1, 1] = 0.0
    known = np.isfinite(x)
    count = convolve(known.astype(float), ring, mode="constant")
    total = convolve(np.where(known, x, 0.0), ring, mode="constant")
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1.0), np.nan))


def _parabola(ratio: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the parabola in x that is nearest to some ratios; 1 where x is not known, or does not vary."""
    known = np.isfinite(ratio) & np.isfinite(x)
    if not known.any() or np.ptp(x[known]) < _VARIED:
        return np.ones_like(ratio)
    terms = np.polynomial.polynomial.polyfit(x[known], ratio[known], 2)
    inside = np.clip(x, *np.quantile(x[known], (0.01, 0.99)))  # no further than it was seen
    found = np.polynomial.polynomial.polyval(inside, terms)
    return np.asarray(np.where(np.isfinite(found), np.maximum(found, _USUAL**-2), 1.0))


def _of_frames(
    video: xr.Dataset, name: str, unit: str, frames: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return a number of each frame, and one over its standard deviation: 0 where it is not known."""
    if name not in video:
        return np.zeros(len(frames)), np.zeros(len(frames))
    values = video[name].values[frames].astype(float)
    std = video[f"{name}_std"].values[frames].astype(float) if f"{name}_std" in video else np.zeros(len(frames))
    known = np.isfinite(values)
    if np.any(std[known] < 0):
        raise AnalysisError(
            "a standard deviation is negative",
            field=f"{name}_std ({where})",
            value=std.tolist(),
            limit=f"0 {unit} or more",
        )
    with np.errstate(divide="ignore"):
        weight = 1 / np.nan_to_num(std)
    return np.where(known, values, 0.0), np.where(known, weight, 0.0)


def _padded(cut: HalfCycle, height: int, width: int) -> HalfCycle:
    """Return the same in a box of the given shape."""
    add = ((0, height - cut.mask.shape[0]), (0, width - cut.mask.shape[1]))
    new = {name: np.pad(getattr(cut, name), ((0, 0), *add)) for name in ("x", "weight")}
    return HalfCycle(**{**cut.__dict__, **new, "mask": np.pad(cut.mask, add)})
