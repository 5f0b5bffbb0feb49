"""What the residuals of a particle say: frames that stand out, patterns that are no noise, outlines, drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from lithiscope.learning.half_cycles import HalfCycle

if TYPE_CHECKING:
    import xarray as xr

_SURE = 5.0  # standard deviations of what noise alone would do
_FRAME = 0.5  # excess of the mean squared residual of a frame that a reader should know of
_WEIGHT = 0.5  # share of the weight of a half cycle that one frame may have
_LIKE = 0.1  # correlation of neighbouring residuals
_OUTLINE = 0.3  # excess of the mean squared residual of the outermost pixels
_MOVED = 0.1  # pixels
_SPACE, _TIME = (1, 2), (0,)  # axes
_LEVEL = 1e-2  # slope over the largest one, below which a shift that way is not looked for
_ONE_SIDED, _RARE = 0.5, 4.0  # correlation of ln k with the outline's slope, and of its standard deviations
_TOGETHER = 3.0  # pixels of an outline that are as good as one: a map of ln k is smooth


class Note(NamedTuple):
    """One way in which residuals differ from noise.

    Attributes
    ----------
    kind : str
        In few words.
    text : str
        In plain words, with what to do.
    """

    kind: str
    text: str


def notes_of(particle: xr.Dataset, cuts: Sequence[HalfCycle]) -> list[str]:
    """Return what a reader must know of one particle, in plain words.

    Parameters
    ----------
    particle : learned_particle
        With residuals.
    cuts : sequence of HalfCycle
        Its data, in the order of the frames.
    """
    mask = particle["log_rate_flag"].values == 0
    beside = [*_weights(cuts), *_leakage(particle["log_rate"].values, mask)]
    place = cuts[0].name.rsplit(",", 1)[0]
    return [f"{place}: {one}" for one in (*(note.text for note in structure_of(particle, cuts)), *beside)]


def structure_of(particle: xr.Dataset, cuts: Sequence[HalfCycle]) -> list[Note]:
    """Return how the residuals of one particle differ from noise; empty where they look like it.

    Parameters
    ----------
    particle : learned_particle
        With residuals.
    cuts : sequence of HalfCycle
        Its data, in the order of the frames.
    """
    residual = particle["residual"].values
    mask = particle["log_rate_flag"].values == 0
    known = np.concatenate([cut.weight > 0 for cut in cuts]) & mask
    residual = np.where(known, residual, 0.0)
    model = particle["lithium_fraction"].values
    weight = np.concatenate([cut.weight / cut.gain[:, None, None] for cut in cuts])
    finders: dict[str, Callable[[], list[str]]] = {
        "frames that fit worse": lambda: _frames(residual, known, cuts),
        "a pattern in space": lambda: _pattern(residual, known, _SPACE, _resampled(cuts)),
        "a pattern in time": lambda: _pattern(residual, known, _TIME),
        "a worse outline": lambda: _outline(residual, known, mask),
        "frames that look shifted": lambda: _drift(residual, model, weight * known, cuts),
    }
    return [Note(kind, text) for kind, find in finders.items() for text in find()]


def _frames(
    residual: Float[np.ndarray, "time y x"], known: Bool[np.ndarray, "time y x"], cuts: Sequence[HalfCycle]
) -> list[str]:
    found: list[str] = []
    count = np.maximum(known.sum((1, 2)), 1)
    square = (residual**2).sum((1, 2)) / count
    numbers = np.concatenate([cut.frames for cut in cuts])
    bad = square - 1 > np.maximum(_FRAME, _SURE * np.sqrt(2 / count))
    if bad.any():
        found.append(
            f"{_listed('frame', numbers[bad])} fit{'s' if bad.sum() == 1 else ''} worse than noise allows (mean "
            f"squared residual {square[bad].max():.1f}, not 1): look at the pictures, and leave bad ones out or set "
            "robust: true"
        )
    return found


def _weights(cuts: Sequence[HalfCycle]) -> list[str]:
    found = []
    for cut in cuts:
        share = (cut.weight**2).sum((1, 2))
        share = share / max(share.sum(), 1e-300)
        if share.max() > max(_WEIGHT, 2 / len(share)):
            found.append(
                f"frame {cut.frames[share.argmax()]} has {100 * share.max():.0f} % of the weight of its half cycle: "
                "check its standard deviation, for the result hangs on it"
            )
    return found


def _pattern(
    residual: Float[np.ndarray, "time y x"],
    known: Bool[np.ndarray, "time y x"],
    axes: Sequence[int],
    expected: float = 0.0,
) -> list[str]:
    like, pairs = _alike(residual, known, axes)
    like -= expected
    if abs(like) <= max(_LIKE, _SURE / np.sqrt(max(pairs, 1))):
        return []
    if axes == _SPACE:
        words = (
            "residuals of neighbouring pixels are alike: the maps are blurred by more than learning.blur says, "
            "were smoothed when they were resampled, or the model misses a pattern in space"
        )
    else:
        words = "residuals of a pixel follow on from frame to frame: the model misses what changes with time there"
    words = words if like > 0 else words.replace("are alike", "are opposed").replace("follow on", "alternate")
    return [f"{words} (correlation {like + expected:.2f}, noise has {expected:.2g})"]


def _resampled(cuts: Sequence[HalfCycle]) -> float:
    """Return the correlation of neighbouring pixels that resampling makes of noise.

    The mean over many pixels has the variance of before, which is that of independent pixels times one plus all
    correlations with a pixel. Nearly all of these are with its four nearest.
    """
    gain = np.concatenate([cut.gain for cut in cuts])
    return float(np.mean(gain**-2.0 - 1) / 4)


def _alike(
    residual: Float[np.ndarray, "time y x"], known: Bool[np.ndarray, "time y x"], axes: Sequence[int]
) -> tuple[float, int]:
    """Return the correlation of residuals with their neighbours along some axes, and how many pairs there are."""
    product, size, pairs = 0.0, 0.0, 0
    for axis in axes:
        a, b = (np.moveaxis(residual, axis, 0)[cut] for cut in (slice(1, None), slice(None, -1)))
        both = np.moveaxis(known, axis, 0)
        both = both[1:] & both[:-1]
        product += float((a * b)[both].sum())
        size += float((a**2 + b**2)[both].sum() / 2)
        pairs += int(both.sum())
    return product / max(size, 1e-300), pairs


def _outline(
    residual: Float[np.ndarray, "time y x"], known: Bool[np.ndarray, "time y x"], mask: Bool[np.ndarray, "y x"]
) -> list[str]:
    from scipy.ndimage import binary_erosion

    edge = mask & ~binary_erosion(mask)
    count = known[:, edge].sum(), known[:, mask & ~edge].sum()
    if min(count) == 0:
        return []
    square = (residual[:, edge] ** 2).sum() / count[0], (residual[:, mask & ~edge] ** 2).sum() / count[1]
    if square[0] - square[1] <= max(_OUTLINE, _SURE * np.sqrt(2 / count[0])):
        return []
    return [
        f"the outermost pixels fit worse than the rest (mean squared residual {square[0]:.2f} against "
        f"{square[1]:.2f}): they hold a part of the background. Erode the mask by a pixel"
    ]


def _drift(
    residual: Float[np.ndarray, "time y x"],
    model: Float[np.ndarray, "time y x"],
    weight: Float[np.ndarray, "time y x"],
    cuts: Sequence[HalfCycle],
) -> list[str]:
    """Compare the residuals with what a shift of the frame would make of them."""
    numbers = np.concatenate([cut.frames for cut in cuts])
    found = []
    for number, (r, x, w) in enumerate(zip(residual, model, weight, strict=True)):
        slopes = np.stack(np.gradient(x))
        slopes = np.where(np.isfinite(slopes) & (w > 0), slopes * w, 0.0).reshape(2, -1)
        # The residual is model less data: data that moved by d have x - d.slope. Along a front nothing moves.
        shift = np.linalg.lstsq(slopes.T, r.ravel(), rcond=_LEVEL)[0]
        sure = float(np.linalg.norm(shift @ slopes)) > _SURE
        if sure and np.hypot(*shift) > _MOVED:
            found.append((numbers[number], float(np.hypot(*shift))))
    if not found:
        return []
    return [
        f"{_listed('frame', np.array([one[0] for one in found]))} look{'s' if len(found) == 1 else ''} shifted against "
        f"the model, by up to {max(one[1] for one in found):.2f} pixels: register the frames again"
    ]


def _leakage(log_rate: Float[np.ndarray, "y x"], mask: Bool[np.ndarray, "y x"]) -> list[str]:
    """Compare ln k at the outline with the slope of the mask, which drift between energies or frames leaves there."""
    slopes = np.stack(np.gradient(mask.astype(float)))
    edge = mask & (np.hypot(*slopes) > 0)
    count = max(edge.sum() / _TOGETHER, 1)
    rate = np.where(edge, log_rate, 0.0)[edge]
    if rate.size < 2 or not rate.any():
        return []
    rate, ways = rate - rate.mean(), slopes[:, edge] - slopes[:, edge].mean(1, keepdims=True)
    fitted = ways.T @ np.linalg.lstsq(ways.T, rate, rcond=None)[0]
    like = float(np.sqrt((fitted**2).sum() / (rate**2).sum()))
    if like <= max(_ONE_SIDED, _RARE / np.sqrt(count)):
        return []
    return [
        f"ln k is high on one side of the outline and low on the other (correlation with its slope {like:.2f}), as "
        "drift between the energies of a scan would make it: look at the drift before believing the rates there"
    ]


def _listed(word: str, numbers: Sequence[int] | np.ndarray) -> str:
    """Return "frame 3", "frames 3 and 5" or "frames 3, 5, 7 and 4 more"."""
    shown = [str(one) for one in numbers[:3]]
    if len(numbers) > 3:
        return f"{word}s {', '.join(shown)} and {len(numbers) - 3} more"
    return f"{word} {shown[0]}" if len(shown) == 1 else f"{word}s {', '.join(shown[:-1])} and {shown[-1]}"
