"""Which edge of the images is which step of the current."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.cell.edges import CurrentEdges
from lithiscope.cell.options import ClockOptions
from lithiscope.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAST_SHARE = 0.5  # of the image edges that must find a partner
_ALIKE = 0.5  # how far the slopes at an edge may be from the currents at its step, each over the larger of its two


def match_edges(
    image_second: np.ndarray,
    image_std: np.ndarray,
    edges: CurrentEdges,
    *,
    slopes: np.ndarray | None = None,
    guess: float | None = None,
    options: ClockOptions = ClockOptions(),  # noqa: B008 - frozen
) -> tuple[np.ndarray, np.ndarray]:
    """Match edges seen in images to steps of the current; either side may have edges that the other lacks.

    Every offset that brings some pair together is tried; the one under which most edges find a partner within their
    errors and the largest drift wins. It must win clearly: cycles of equal length leave several offsets alike. An edge
    whose slopes are known is matched to steps of its kind only: where lithium begins to rise, the current turns
    negative.

    Parameters
    ----------
    image_second, image_std : ndarray (edges,)
        Times on the axis of the images and their standard deviations, s.
    edges : CurrentEdges
        Steps of the current.
    slopes : ndarray (edges, 2), optional
        Slope of the mean lithium fraction before and after each edge, 1/s.
    guess : float, optional
        Test time at image time 0 from absolute times, s; offsets are sought around it.
    options : ClockOptions
        Limits.

    Returns
    -------
    image, trace : ndarray of int (pairs,)
        Indices of the partners.

    Raises
    ------
    AnalysisError
        If the trace has no edges, too few match, or more than one offset fits.
    """
    if len(edges.second) == 0:
        raise AnalysisError(
            "the current of the trace has no steps",
            field="current_ampere",
            remedy="give markers (trace_second) or absolute times",
        )
    kind = _kinds(len(image_second), slopes, edges)
    offsets = np.concatenate([edges.second[steps] - second for steps, second in zip(kind, image_second, strict=True)])
    limit = options.largest_offset_second
    if limit is None and guess is not None:
        limit = options.absolute_within_second
    if limit is not None:
        offsets = offsets[np.abs(offsets - (guess or 0.0)) <= limit]
    found = [_partners(offset, image_second, image_std, edges, kind, options) for offset in np.unique(offsets)]
    counts = np.array([len(image) for image, _, _ in found])
    need = max(1, int(np.ceil(_LEAST_SHARE * len(image_second))))
    if len(counts) == 0 or counts.max() < need:
        raise AnalysisError(
            "the edges of the images do not fit the steps of the current",
            field="image_second",
            value=f"{len(image_second)} edges, {len(edges.second)} steps, at most {int(counts.max(initial=0))} match",
            limit=f"at least {need}"
            + ("" if limit is None else f", offsets within {limit:g} s of {guess or 0.0:.6g} s"),
            remedy="give markers or absolute times (recipe: cell.clock); frames too far apart to see the rests between "
            "half cycles cannot tell; or state larger errors (image_second_std), a wider largest_offset_second",
        )
    best = sorted((int(index) for index in np.flatnonzero(counts == counts.max())), key=lambda index: found[index][2])
    image, trace, _ = found[_unambiguous(best, found, image_second, edges, guess)]
    return image, trace


def _kinds(count: int, slopes: np.ndarray | None, edges: CurrentEdges) -> list[np.ndarray]:
    """Return, for each edge of the images, the steps of the current that it can be."""
    every = np.arange(len(edges.second))
    if slopes is None:
        return [every] * count
    # Positive current takes lithium out.
    steps = -_over_larger(np.column_stack([edges.before_ampere, edges.after_ampere]))
    return [every[np.all(np.abs(steps - one) <= _ALIKE, axis=1)] for one in _over_larger(slopes)]


def _over_larger(pairs: np.ndarray) -> np.ndarray:
    return np.asarray(pairs / np.maximum(np.abs(pairs).max(axis=1, keepdims=True), np.finfo(float).tiny))


def _partners(
    offset: float,
    images: np.ndarray,
    stds: np.ndarray,
    edges: CurrentEdges,
    kind: list[np.ndarray],
    options: ClockOptions,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the partners under an offset, one to one, and the mean squared distance over the tolerance."""
    wanted = images + offset
    nearest = np.array([_nearest(edges.second, steps, at) for steps, at in zip(kind, wanted, strict=True)])
    distance = np.where(nearest < 0, np.inf, np.abs(edges.second[nearest] - wanted))
    # The pair that defines the offset has its own error, hence the second term.
    error = np.hypot(np.hypot(stds, edges.second_std[nearest]), float(np.median(stds)))
    tolerance = options.matched_sigma * error + options.largest_drift * float(np.ptp(images)) + 1e-9
    image = np.flatnonzero(distance <= tolerance)
    keep = [int(group[np.argmin(distance[group])]) for group in _groups(nearest[image], image)]
    image = np.array(keep, dtype=np.int64)
    score = float(np.mean((distance[image] / tolerance[image]) ** 2)) if len(image) else np.inf
    return image, nearest[image], score


def _nearest(second: np.ndarray, steps: np.ndarray, at: float) -> int:
    """Return which of some steps is nearest to a moment; -1 without any."""
    if not len(steps):
        return -1
    place = int(np.searchsorted(second[steps], at))
    near = steps[max(place - 1, 0) : place + 1]
    return int(near[np.argmin(np.abs(second[near] - at))])


def _groups(owner: np.ndarray, members: np.ndarray) -> Iterable[np.ndarray]:
    for value in np.unique(owner):
        yield members[owner == value]


def _unambiguous(
    best: list[int],
    found: list[tuple[np.ndarray, np.ndarray, float]],
    images: np.ndarray,
    edges: CurrentEdges,
    guess: float | None,
) -> int:
    """Return which of the equally good offsets holds; `best` comes in the order of the distances."""
    offsets = np.array([np.median(edges.second[found[index][1]] - images[found[index][0]]) for index in best])
    # Offsets closer together than the steps of the current themselves are one answer.
    apart = 0.5 * float(np.diff(edges.second).min(initial=np.inf))
    rivals = np.abs(offsets - offsets[0]) > apart
    if not rivals.any():
        return best[0]
    if guess is None:
        shown = ", ".join(f"{value:.6g}" for value in [offsets[0], *offsets[rivals][:3]])
        raise AnalysisError(
            "the edges of the images fit the steps of the current at more than one offset",
            field="image_second",
            value=f"e.g. {shown} s",
            remedy="give absolute times (image_start_utc), a smaller largest_offset_second, or markers",
        )
    return best[int(np.argmin(np.abs(offsets - guess)))]
