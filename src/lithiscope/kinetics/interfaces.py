"""Width of the boundary between rich and poor inside a particle, and its motion along its normal (Koo 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.crops import (
    SIGNAL,
    Crop,
    check_video,
    crops,
    half_cycles,
    noise_gain,
    noise_pattern,
    particle_names,
)
from lithiscope.kinetics.interface_motion import mean_over_half_cycles, velocities
from lithiscope.kinetics.kernels.domains import middle_and_contrast
from lithiscope.kinetics.kernels.edges import (
    STARTS,
    Edge,
    Profile,
    distance_from,
    edge_at,
    fit_profile,
    smooth_by_planes,
    step,
    width_per_scale,
)
from lithiscope.kinetics.pathways_options import InterfaceOptions
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

BOUNDARY, NO_CONTRAST, FEW_PIXELS = "boundary", "no contrast", "too few pixels"
NOT_RESOLVED, NO_PLATEAU = "sharper than the resolution", "wider than the particle shows"
_FWHM = 2 * np.sqrt(2 * np.log(2))
_LEAST_SCALE = 0.3  # of a pixel, below which pixels cannot tell a width
_SMOOTHEST = 4.0  # pixels
_LEAST_SIDE = 0.03  # share of the pixels beyond either end of the step, that shows the side
_TRIALS = 200  # pictures of noise alone that say how much contrast it makes
_STRAIGHT = 0.3  # length of the mean normal from which there is one direction
_NUMBERS = (
    "width", "width_std", "width_upper", "apparent_width", "apparent_width_std", "slope", "slope_std", "contrast",
    "contrast_std", "rich", "poor", "position", "position_std", "normal_angle", "normal_angle_std", "straightness",
    "length", "chi_square",
)  # fmt: skip
_FLAGGED = ("width", "slope", "contrast", "position", "normal_angle")


def interfaces(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    applied_c_rate: Mapping[int, float] | None = None,
    options: InterfaceOptions = InterfaceOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Measure the boundary between lithium-rich and lithium-poor in every particle and frame.

    The boundary is the line on which the smoothed composition is half way between its two sides. The composition
    itself, not smoothed, is fitted by a step against the distance from that line along its normal; the fit then places
    the line anew. A smoothing of the line, and noise in it, widen the step: what they do to simulated pictures of the
    fitted step with the same noise is taken out, and the scatter over these is the error.

    Parameters
    ----------
    video : composition_video
        Pictures with standard deviations and coordinates half_cycle and direction along time.
    labels : DataArray of int, shape (y, x)
        Particle numbers.
    ids : mapping of int to str, optional
        Name of every particle number.
    applied_c_rate : mapping of int to float, optional
        C-rate of the cell in every half cycle, 1/h.
    options : InterfaceOptions
        Profile, resolution, and what counts as a boundary.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    interface_table
        `width` is the range of x over its greatest slope (2.507 sigma of an error function), with the probe's width
        taken out in quadrature where `resolution` is stated; `apparent_width` is as it appears. NaN with the flag
        ``unsolvable`` where `state` is not ``boundary``: no contrast beyond noise, sharper than the resolution (then
        `width_upper` holds), or so wide that the particle does not show both sides. Errors are enlarged by the root of
        chi-square per degree of freedom where the pixels do not follow the profile. `position` and `normal_angle` need
        a boundary that is not closed. `velocity` is the mean distance between the lines of two frames in sequence,
        along the normal, over the time between them: positive where the rich side grows; NaN between half cycles.
        `mean_velocity` is the sum of the ways over the sum of the times, in which the error of a frame between two
        intervals cancels.

    Raises
    ------
    AnalysisError
        If the video is a volume, has no lithium fraction or standard deviation, or its frames no half cycle.
    StageError
        If the labels do not fit.
    """
    spacing = _checked(video, labels)
    names = particle_names(labels, ids)
    cycle = half_cycles(video)
    gain, rng = noise_gain(video), np.random.default_rng(options.seed)
    found = [
        _of_particle(crop, gain, spacing, options, rng)
        for crop in reporter.track(crops(video, labels, names), label="interfaces", total=len(names))
    ]
    return _assembled(video, list(names.values()), found, cycle, applied_c_rate, options)


def _checked(video: xr.Dataset, labels: xr.DataArray) -> tuple[float, float]:
    """Return the distance of the pixels along y and x, um."""
    check_video(video, labels)
    if "z" in video[SIGNAL].dims or f"{SIGNAL}_std" not in video:
        raise AnalysisError(
            "boundaries are measured in pictures with standard deviations",
            field=f"{SIGNAL}_std",
            limit="(time, y, x)",
            remedy="select one plane, or use a video that knows its noise",
        )
    step_y, step_x = (float(video[dim].values[1] - video[dim].values[0]) for dim in ("y", "x"))
    if min(step_y, step_x) <= 0:
        raise AnalysisError(
            "positions do not ascend", field="y, x", value=(step_y, step_x), limit="above 0", remedy="sort the axes"
        )
    return step_y, step_x


class Boundary(NamedTuple):
    """What one frame says: numbers by name, the state, and the line itself with the place of the step on it."""

    numbers: dict[str, float]
    state: str
    edge: Edge | None = None
    place: float = 0.0


def _of_particle(
    crop: Crop, gain: np.ndarray, spacing: tuple[float, float], options: InterfaceOptions, rng: np.random.Generator
) -> list[Boundary]:
    size, pattern = noise_pattern(crop, gain)
    known = np.isfinite(pattern)
    if known.sum() < options.min_pixels or crop.std is None:
        return [Boundary({}, FEW_PIXELS)] * len(crop.x)
    noise = rng.standard_normal((_TRIALS, int(known.sum()))) * pattern[known]
    trials = _Scene(known, spacing, np.ones(int(known.sum())), options).smooth(noise, options.smoothing)[:, known]
    limit = float(np.quantile(middle_and_contrast(trials)[1], 1 - options.significance))
    return [
        _of_frame(
            np.where(known, crop.x[frame], np.nan), crop.std[frame], size[frame] * pattern, limit * size[frame],
            spacing, options, rng,
        )
        for frame in range(len(crop.x))
    ]  # fmt: skip


def _of_frame(
    x: np.ndarray,
    std: np.ndarray,
    noise: np.ndarray,
    limit: float,
    spacing: tuple[float, float],
    options: InterfaceOptions,
    rng: np.random.Generator,
) -> Boundary:
    """Measure one picture (y, x); `noise` is the standard deviation before resampling, `limit` the contrast of it."""
    inside = np.isfinite(x) & np.isfinite(std)
    if inside.sum() < options.min_pixels:
        return Boundary({}, FEW_PIXELS)
    scene = _Scene(inside, spacing, 1 / np.maximum(std[inside], 1e-9) ** 2, options)
    if middle_and_contrast(scene.smooth(x[inside][None], options.smoothing)[:, inside])[1][0] <= limit:
        return Boundary({}, NO_CONTRAST)
    found = scene.located(x[inside][None])
    edge = found.edge[0]
    if edge is None or not found.profile.high[0] - found.profile.low[0] >= options.min_contrast:
        return Boundary({}, NO_CONTRAST)
    high, low, place, scale = (float(values[0]) for values in found.profile[:4])
    distance = distance_from(edge, scene.points).value
    fitted = high - (high - low) * step((distance - place) / scale, options.shape)
    pictures = fitted + noise[inside] * rng.standard_normal((options.draws, len(fitted)))
    again = _against(edge, place, scene.located(pictures, found.profile), options)
    return _measured(edge, found.profile, again, scene, distance)


class _Located(NamedTuple):
    edge: list[Edge | None]
    profile: Profile


class _Scene(NamedTuple):
    """The pixels of a particle in one frame, and how a boundary is located among them."""

    inside: np.ndarray
    spacing: tuple[float, float]
    weight: np.ndarray
    options: InterfaceOptions

    @property
    def points(self) -> np.ndarray:
        """Places (x, y) of the pixels, um from the centre of the first pixel of the crop."""
        row, column = np.nonzero(self.inside)
        return np.stack([column * self.spacing[1], row * self.spacing[0]], axis=1)

    def smooth(self, x: np.ndarray, sigma: float) -> np.ndarray:
        """Smooth values (rows, pixels) to pictures (rows, y, x)."""
        pictures = np.full((len(x), *self.inside.shape), np.nan)
        pictures[:, self.inside] = x
        return smooth_by_planes(pictures, sigma)

    def located(self, x: np.ndarray, like: Profile | None = None) -> _Located:
        """Find the line and fit the step, then again half way between the fitted sides.

        The second line is as smooth as the width of the step allows: distances from a ragged line are too short.
        """
        pixel = min(self.spacing)
        starts = STARTS if like is None else (float(like.scale[0]) / pixel,)
        smooth = self.smooth(x, self.options.smoothing)
        found = self._fitted(x, smooth, middle_and_contrast(smooth[:, self.inside])[0], starts)
        scale = float((found.profile if like is None else like).scale[0]) / pixel
        smooth = self.smooth(x, min(max(self.options.smoothing, 0.5 * scale), _SMOOTHEST))
        low, high = np.percentile(smooth[:, self.inside], [2, 98], axis=1)
        level = np.clip((found.profile.high + found.profile.low) / 2, low, high)
        return self._fitted(x, smooth, level, starts)

    def _fitted(self, x: np.ndarray, smooth: np.ndarray, level: np.ndarray, starts: tuple[float, ...]) -> _Located:
        shortest = 2 * max(self.spacing)
        edges = [edge_at(one, float(at), self.spacing, shortest) for one, at in zip(smooth, level, strict=True)]
        distance, weight = np.zeros(x.shape), np.zeros(x.shape)
        for row, edge in enumerate(edges):
            if edge is not None:
                away = distance_from(edge, self.points)
                distance[row], weight[row] = away.value, np.where(away.beyond, 0.0, self.weight)
        few = (weight > 0).sum(axis=1) < self.options.min_pixels / 2
        profile = fit_profile(distance, x, weight, min(self.spacing), self.options.shape, starts)
        return _Located([None if lost else edge for edge, lost in zip(edges, few, strict=True)], profile)


class _Again(NamedTuple):
    """What simulated pictures of the fitted step gave: columns by name, (draws,)."""

    width: np.ndarray
    slope: np.ndarray
    contrast: np.ndarray
    position: np.ndarray
    angle: np.ndarray


def _against(edge: Edge, place: float, found: _Located, options: InterfaceOptions) -> _Again:
    """Compare lines and steps of simulated pictures with the line from which they were made."""
    rows = []
    direction = complex(*_mean_normal(edge))
    for row, one in enumerate(found.edge):
        if one is None:
            continue
        width = float(found.profile.scale[row]) * width_per_scale(options.shape)
        contrast = float(found.profile.high[row] - found.profile.low[row])
        away = distance_from(edge, one.middle)
        moved = float(np.average(away.value, weights=np.where(away.beyond, 1e-9, 1.0) * one.length))
        angle = float(np.angle(np.conj(direction) * complex(*_mean_normal(one)), deg=True))
        rows.append((width, contrast / width, contrast, moved + float(found.profile.place[row]) - place, angle))
    return _Again(*np.array(rows).reshape(-1, 5).T)


def _mean_normal(edge: Edge) -> np.ndarray:
    return np.asarray(edge.length @ edge.normal / edge.length.sum())


def _measured(edge: Edge, profile: Profile, again: _Again, scene: _Scene, distance: np.ndarray) -> Boundary:
    """Return the figures of a frame with their errors."""
    options, spacing = scene.options, scene.spacing
    high, low, place, scale = (float(values[0]) for values in profile[:4])
    if len(again.width) < options.draws / 2:
        return Boundary({}, NO_CONTRAST)
    per_scale, chi_square = width_per_scale(options.shape), float(profile.chi_square[0] / profile.freedom[0])
    enlarged = np.sqrt(max(1.0, chi_square))
    raw = scale * per_scale
    # The median: a few simulated steps that are wider than the particle would carry a mean away.
    apparent = max(raw - float(np.median(again.width) - raw), 0.2 * min(spacing) * per_scale)
    apparent_std = _spread(again.width) * enlarged
    normal = _mean_normal(edge)
    straight = float(np.hypot(*normal))
    centre = scene.points.mean(axis=0)
    numbers = {
        "apparent_width": apparent, "apparent_width_std": apparent_std, "contrast": high - low,
        "contrast_std": _spread(again.contrast) * enlarged, "rich": high, "poor": low, "chi_square": chi_square,
        "straightness": straight, "length": float(edge.length.sum()),
        "position_std": _spread(again.position) * enlarged,
    }  # fmt: skip
    if straight >= _STRAIGHT:
        mean = edge.length @ (edge.middle - centre) / edge.length.sum()
        numbers |= {
            "position": float(mean @ normal) / straight + place,
            "normal_angle": float(np.rad2deg(np.arctan2(normal[1], normal[0]))),
            "normal_angle_std": _spread(again.angle) * enlarged,
        }
    probe = 0.0 if options.resolution is None else options.resolution / _FWHM * np.sqrt(2 * np.pi)
    square, square_std = apparent**2 - probe**2, 2 * apparent * apparent_std
    numbers["width_upper"] = float(np.sqrt(max(square, 0.0) + 1.645 * square_std))
    if scale < _LEAST_SCALE * min(spacing) or square <= 2 * square_std * (probe > 0):
        return Boundary(numbers, NOT_RESOLVED, edge, place)
    seen = [np.mean(side * (distance - place) > apparent / 2) for side in (-1, 1)]
    if apparent_std > options.largest_error * apparent or min(seen) < _LEAST_SIDE:
        return Boundary(numbers, NO_PLATEAU, edge, place)
    width = float(np.sqrt(square))
    slope_std = _spread(again.slope) * enlarged * apparent / width
    numbers |= {
        "width": width,
        "width_std": square_std / (2 * width),
        "slope": (high - low) / width,
        # Of a width with the probe taken out, the error grows once more by the same factor.
        "slope_std": slope_std * (apparent / width) ** 2,
    }
    return Boundary(numbers, BOUNDARY, edge, place)


def _spread(values: np.ndarray) -> float:
    """Return the standard deviation; values beyond four times the middle two thirds are failed fits, and drawn in."""
    low, middle, high = np.quantile(values, [0.1587, 0.5, 0.8413])
    reach = 2 * (high - low)
    return float(np.std(np.clip(values, middle - reach, middle + reach), ddof=1))


def _assembled(
    video: xr.Dataset,
    names: list[str],
    found: list[list[Boundary]],
    cycle: tuple[np.ndarray, np.ndarray, np.ndarray],
    applied: Mapping[int, float] | None,
    options: InterfaceOptions,
) -> xr.Dataset:
    of_frame, numbers, directions = cycle
    columns = {name: np.array([[one.numbers.get(name, np.nan) for one in row] for row in found]) for name in _NUMBERS}
    variables: dict[str, tuple[str, Any]] = {name: ("particle time", values) for name, values in columns.items()}
    for name in _FLAGGED:
        lost = np.isnan(columns[name])
        variables[f"{name}_flag"] = ("particle time", lost * stages.flag_bit("unsolvable"))
    variables["state"] = ("particle time", np.array([[one.state for one in row] for row in found], dtype=str))
    motion = velocities(video, found)
    variables |= motion.variables
    variables |= mean_over_half_cycles(columns, motion, of_frame, numbers)
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array(names, dtype=str)),
        "time": ("time", video["time"].values),
        "time_half_cycle": ("time", of_frame),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", directions),
        **motion.coords,
    }
    if applied is not None:
        coords["applied_c_rate"] = ("half_cycle", [float(applied.get(int(n), np.nan)) for n in numbers])
    taken = "not taken out" if options.resolution is None else f"{options.resolution:g}"
    return stages.new("interface_table", variables, coords=coords, attrs={"shape": options.shape, "resolution": taken})
