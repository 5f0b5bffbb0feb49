"""Whether fast domains follow the facets of the particle or are elliptic (Lim 2016, fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.crops import SIGNAL, Crop, check_video, crops, noise_gain, noise_pattern
from lithiscope.kinetics.domains import UNDECIDED
from lithiscope.kinetics.kernels.directions import facet_angles
from lithiscope.kinetics.kernels.domains import middle_and_contrast
from lithiscope.kinetics.kernels.edges import Edge, distance_from, edge_at, fit_profile, smooth_by_planes
from lithiscope.kinetics.kernels.shapes import (
    Edges,
    covered,
    fit_ellipses,
    fit_polygons,
    from_ellipse,
    from_polygon,
    outline_share,
    parallel_share,
)
from lithiscope.kinetics.pathways_options import DomainShapeOptions
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

FACETED, ELLIPTIC, NEITHER, OPEN = "faceted", "elliptic", "neither", "cannot tell"
_SPECK = 8  # pixels, below which it is no domain
_ROUNDS = 4  # corrections of a shape for what the analysis does to it
_WAVES = 2.0  # pixels over which a rough edge strays
_EXACT = 1e-6  # um, below which no misfit means anything
_LEAST_PIECES = 10  # of an edge, twice the parameters of an ellipse
_REACH = 5.0  # pixels on either side of an edge that say how sharp it is
_NUMBERS = (
    "area", "inner_edge", "aspect_ratio", "aspect_ratio_std", "ellipse_misfit", "ellipse_misfit_std", "facet_misfit",
    "facet_misfit_std", "ellipse_p_value", "facet_p_value", "parallel_share", "parallel_share_random",
    "parallel_p_value",
)  # fmt: skip


def domain_shapes(
    domains: xr.Dataset,
    video: xr.Dataset,
    *,
    applied_c_rate: Mapping[int, float] | None = None,
    options: DomainShapeOptions = DomainShapeOptions(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Judge the shape of every fast domain in every half cycle.

    The frames with domains are averaged, each from its own threshold in units of its own contrast and weighted by
    contrast over noise squared, so that the edge is that of the whole half cycle and lies between pixels.

    Parameters
    ----------
    domains : domain_video
        As `fast_domains` makes it.
    video : composition_video
        The video that the domains are from, with standard deviations.
    applied_c_rate : mapping of int to float, optional
        C-rate of the cell in every half cycle, 1/h.
    options : DomainShapeOptions
        Facets, smoothing, significance.
    reporter : Reporter
        Told about every particle.

    Returns
    -------
    domain_shape
        Two shapes are fitted to the part of the edge that lies inside the particle: the best ellipse (no larger than
        the particle), and the best polygon whose sides run along the facets. The figure that tells them apart is the
        ratio of their misfits. Pictures of both shapes, as blurred and as noisy as the domain is and with edges that
        stray by the roughness, are taken through the same steps: `ellipse_p_value` is the share of the ellipses that
        look as faceted as the domain, `facet_p_value` that of the polygons that look as elliptic. A shape is ruled out
        below the significance; ``faceted`` and ``elliptic`` are what is left, ``neither`` when nothing is,
        ``cannot tell`` when both stand or there are too few pixels (`reason`). A polygon that does not follow the
        facets is ``neither`` or, where it is small, ``elliptic``. `parallel_share` is the share of the edge within the
        tolerance of a facet's direction, beside that of the same domain turned to all orientations. Errors are those
        of the noise of the pixels.

    Raises
    ------
    AnalysisError
        If the video has no lithium fraction or standard deviation, or there is no domain.
    StageError
        If domains and video do not belong together.
    """
    stages.check(domains, "domain_video")
    spacing = _checked(domains, video)
    names = [str(name) for name in domains["particle"].values]
    numbers = [int(number) for number in np.unique(domains["label"].values) if number]
    rng, rows = np.random.default_rng(options.seed), []
    gain = noise_gain(video)
    particles = crops(video, domains["label"], dict(zip(numbers, names, strict=True)))
    for crop in reporter.track(particles, label="shapes of domains", total=len(names)):
        particle = _Particle.of(crop, spacing, options)
        for number, direction in zip(domains["half_cycle"].values, domains["direction"].values, strict=True):
            code = domains["domain"].values[:, *crop.window]
            decided = ((code != UNDECIDED) & crop.mask).any(axis=(1, 2))
            frames = np.flatnonzero((domains["time_half_cycle"].values == number) & decided)
            picture = _mean_picture(crop, frames, int(direction), gain, options)
            if picture is None:
                continue
            shapes = _shapes(picture, particle, spacing, options, rng)
            rows += [(crop, int(number), int(direction), shape) for shape in shapes]
    if not rows:
        raise AnalysisError("no particle has a fast domain", field="domain", value="none", remedy="see domain_table")
    return _assembled(video, rows, applied_c_rate, options)


def _checked(domains: xr.Dataset, video: xr.Dataset) -> tuple[float, float]:
    if "z" in domains.dims or f"{SIGNAL}_std" not in video:
        raise AnalysisError(
            "shapes are judged in pictures with standard deviations",
            field=f"{SIGNAL}_std",
            limit="(time, y, x)",
            remedy="select one plane, or use a video that knows its noise",
        )
    check_video(video, domains["label"])
    if domains.sizes["time"] != video.sizes["time"] or not np.allclose(domains["time"].values, video["time"].values):
        raise StageError(
            "domains and video are of different frames",
            field="time",
            value=domains.sizes["time"],
            limit=f"the {video.sizes['time']} frames of the video",
            remedy="find the domains in the same video",
        )
    step_y, step_x = (abs(float(video[dim].values[1] - video[dim].values[0])) for dim in ("y", "x"))
    return step_y, step_x


class _Particle(NamedTuple):
    mask: np.ndarray
    facets: np.ndarray  # degrees in the pixels' own frame
    has_facets: bool
    largest: float  # um

    @classmethod
    def of(cls, crop: Crop, spacing: tuple[float, float], options: DomainShapeOptions) -> _Particle:
        facets = np.asarray(options.facets, dtype=float) % 180
        stated = len(facets) > 0
        if not stated:
            facets = facet_angles(crop.mask, spacing, options.facet_count)
        share = outline_share(crop.mask, spacing, facets, options.tolerance)
        places = np.argwhere(crop.mask) * spacing
        largest = float(np.hypot(*np.ptp(places, axis=0)))
        return cls(crop.mask, facets, stated or share >= options.min_outline_share, largest)


class _Picture(NamedTuple):
    """Mean of the frames of a half cycle: how far every pixel is ahead, and the noise of it before resampling."""

    ahead: np.ndarray  # (y, x)
    noise: np.ndarray


def _mean_picture(
    crop: Crop, frames: np.ndarray, direction: int, gain: np.ndarray, options: DomainShapeOptions
) -> _Picture | None:
    size, pattern = noise_pattern(crop, gain)
    frames = frames[np.isfinite(size[frames]) & (size[frames] > 0)]
    known = np.isfinite(crop.x[frames]).all(axis=0) & np.isfinite(pattern)
    if not len(frames) or known.sum() < options.min_pixels:
        return None
    x = np.where(known, crop.x[frames], np.nan)
    middle, contrast = middle_and_contrast(smooth_by_planes(x, options.smoothing)[:, known])
    weight = (contrast / size[frames]) ** 2
    ahead = np.einsum("f,fyx->yx", weight / contrast, direction * (x - middle[:, None, None])) / weight.sum()
    return _Picture(ahead, np.where(known, pattern, np.nan) / np.sqrt(weight.sum()))


class _Shape(NamedTuple):
    pixels: int
    centre: tuple[float, float]  # (x, y), um in the crop
    numbers: dict[str, float]
    verdict: str
    reason: str


def _shapes(
    picture: _Picture,
    particle: _Particle,
    spacing: tuple[float, float],
    options: DomainShapeOptions,
    rng: np.random.Generator,
) -> list[_Shape]:
    """Judge every domain of a picture."""
    from scipy.ndimage import label

    smooth = smooth_by_planes(picture.ahead[None], options.smoothing)[0]
    known = np.isfinite(smooth)
    level = float(middle_and_contrast(smooth[known][None])[0][0])
    parts, count = label(known & (smooth > level))
    found = []
    for number in range(1, count + 1):
        domain = parts == number
        if domain.sum() >= _SPECK:
            alone = np.where((parts > 0) & ~domain, level - 1e-6, smooth)
            scene = _Scene(picture, domain, (parts > 0) & ~domain, level, spacing, options)
            found.append(_judged(scene, alone, particle, rng))
    return found


class _Scene(NamedTuple):
    picture: _Picture
    domain: np.ndarray
    others: np.ndarray
    level: float
    spacing: tuple[float, float]
    options: DomainShapeOptions

    def edge(self, alone: np.ndarray) -> Edge | None:
        """Return the edge of the domain inside the particle, in a picture that holds no other."""
        return edge_at(alone, self.level, self.spacing, 2 * max(self.spacing))


def _judged(scene: _Scene, alone: np.ndarray, particle: _Particle, rng: np.random.Generator) -> _Shape:
    options, spacing = scene.options, scene.spacing
    row, column = np.nonzero(scene.domain)
    pixels, centre = len(row), (float(column.mean() * spacing[1]), float(row.mean() * spacing[0]))
    numbers = {"area": pixels * spacing[0] * spacing[1]}
    edge = scene.edge(alone)
    if edge is None or pixels < options.min_pixels or len(edge.length) < _LEAST_PIECES:
        return _Shape(pixels, centre, numbers, OPEN, "too few pixels")
    low = float(np.nanmin(alone)) - 1.0
    closed = edge_at(np.pad(np.where(np.isfinite(alone), alone, low), 1, constant_values=low), scene.level, spacing)
    whole = edge.length.sum() if closed is None else max(float(closed.length.sum()), float(edge.length.sum()))
    numbers["inner_edge"] = float(edge.length.sum() / whole)
    if numbers["inner_edge"] < options.min_edge:
        return _Shape(pixels, centre, numbers, OPEN, "mostly along the outline of the particle")
    numbers |= _parallel(scene, edge, particle)
    fits = _fitted([edge], particle, spacing)
    numbers |= {
        "ellipse_misfit": float(fits.ellipse_misfit[0]),
        "facet_misfit": float(fits.facet_misfit[0]),
    }
    seen = np.array(_sharpness(scene, scene.picture.ahead, edge))
    models = {name: _behind(scene, name, fits, seen, particle) for name in ("ellipse", "facet")}
    numbers["aspect_ratio"] = float(np.exp(np.abs(np.subtract(*models["ellipse"].shape[2:4]))))
    stray = options.roughness * min(spacing)
    again = {name: _simulated(scene, model, particle, stray, rng) for name, model in models.items()}
    if min(len(one.figure) for one in again.values()) < options.draws / 2:
        return _Shape(pixels, centre, numbers, OPEN, "too faint against the noise")
    numbers |= _p_values(float(fits.figure[0]), again)
    numbers |= _errors(_simulated(scene, models["ellipse"], particle, 0.0, rng))
    return _Shape(pixels, centre, numbers, *_verdict(numbers, particle, options))


def _parallel(scene: _Scene, edge: Edge, particle: _Particle) -> dict[str, float]:
    """Directions of the edge, from the slope of the picture smoothed once more, beside those of the facets."""
    smooth = smooth_by_planes(scene.picture.ahead[None], 1.5 * scene.options.smoothing)[0]
    gy, gx = np.gradient(smooth, *scene.spacing)
    place = np.rint(edge.middle[:, ::-1] / np.array(scene.spacing)).astype(int)
    slope = np.stack([gy[tuple(place.T)], gx[tuple(place.T)]])
    good = np.isfinite(slope).all(axis=0)
    if not good.any():
        return {}
    direction = np.rad2deg(np.arctan2(slope[0, good], slope[1, good])) + 90
    found = parallel_share(direction, edge.length[good], particle.facets, scene.options.tolerance)
    return {
        "parallel_share": found.share,
        "parallel_share_random": found.random,
        "parallel_p_value": found.p_value,
    }


class _Fits(NamedTuple):
    """Both shapes fitted to every edge."""

    ellipse: np.ndarray
    ellipse_misfit: np.ndarray
    polygon: np.ndarray
    facet_misfit: np.ndarray

    @property
    def aspect(self) -> np.ndarray:
        """Long over short axis."""
        return np.asarray(np.exp(np.abs(self.ellipse[:, 2] - self.ellipse[:, 3])))

    @property
    def figure(self) -> np.ndarray:
        """Logarithm of the ratio of the misfits: large for polygons, small for ellipses."""
        return np.asarray(np.log((self.ellipse_misfit + _EXACT) / (self.facet_misfit + _EXACT)))


def _fitted(edges: list[Edge], particle: _Particle, spacing: tuple[float, float]) -> _Fits:
    most = max(len(edge.length) for edge in edges)
    points, weight = np.zeros((len(edges), most, 2)), np.zeros((len(edges), most))
    for row, edge in enumerate(edges):
        points[row, : len(edge.length)], weight[row, : len(edge.length)] = edge.middle, edge.length
    all_edges = Edges(points, weight / weight.sum(axis=1, keepdims=True))
    ellipse, ellipse_misfit = fit_ellipses(all_edges, min(spacing), particle.largest)
    polygon, facet_misfit = fit_polygons(all_edges, particle.facets)
    return _Fits(ellipse, ellipse_misfit, polygon, facet_misfit)


def _sharpness(scene: _Scene, picture: np.ndarray, edge: Edge) -> tuple[float, float, float]:
    """Return how far the domain and its surroundings are ahead, and ln of the standard deviation of the step, um."""
    known = np.isfinite(picture)
    row, column = np.nonzero(known)
    places = np.stack([column * scene.spacing[1], row * scene.spacing[0]], axis=1)
    away = distance_from(edge, places)
    used = ~away.beyond & ~scene.others[known] & (np.abs(away.value) < _REACH * max(scene.spacing))
    weight = np.where(used, 1 / scene.picture.noise[known] ** 2, 0.0)
    found = fit_profile(away.value[None], picture[known][None], weight[None], min(scene.spacing), "error_function")
    return float(found.high[0]), float(found.low[0]), float(np.log(found.scale[0]))


class _Model(NamedTuple):
    picture: np.ndarray  # (y, x), without noise
    shape: np.ndarray  # parameters of the ellipse or of the polygon
    slope: float  # of the picture across its edge, 1/um


def _behind(scene: _Scene, name: str, fits: _Fits, seen: np.ndarray, particle: _Particle) -> _Model:
    """Return a shape that, taken through the same steps without noise, is seen as the domain is.

    Smoothing rounds corners and shrinks small shapes, so that the shape behind differs from the one that is seen.
    """
    wanted = (fits.ellipse if name == "ellipse" else fits.polygon)[0]
    shape, step = wanted.copy(), seen.copy()
    free = np.array([1, 1, 1, 1, 0]) if name == "ellipse" else np.ones(len(wanted))
    for _ in range(_ROUNDS):
        picture = _picture(scene, name, shape, step, particle)
        edge = _largest_edge(scene, smooth_by_planes(picture[None], scene.options.smoothing)[0])
        if edge is None:
            break
        fit = _fitted([edge], particle, scene.spacing)
        got = (fit.ellipse if name == "ellipse" else fit.polygon)[0]
        if name == "ellipse" and (got[2] > got[3]) != (wanted[2] > wanted[3]):
            got = got[[0, 1, 3, 2, 4]]
        shape = shape + free * (wanted - got)
        step = step + seen - np.array(_sharpness(scene, picture, edge))
        step[2] = np.clip(step[2], np.log(0.05 * min(scene.spacing)), seen[2] + 0.5)
    # Of the smoothed picture, in which the edge is found.
    scale = np.hypot(np.exp(step[2]), scene.options.smoothing * min(scene.spacing))
    slope = float((step[0] - step[1]) / np.sqrt(2 * np.pi) / scale)
    return _Model(_picture(scene, name, shape, step, particle), shape, slope)


def _picture(scene: _Scene, name: str, shape: np.ndarray, step: np.ndarray, particle: _Particle) -> np.ndarray:
    def outside(points: np.ndarray) -> np.ndarray:
        if name == "ellipse":
            return from_ellipse(shape[None], points)
        return from_polygon(shape[None], points, particle.facets)

    share = covered(outside, scene.domain.shape, scene.spacing, float(np.exp(step[2])))
    return np.where(np.isfinite(scene.picture.noise), step[1] + (step[0] - step[1]) * share, np.nan)


def _largest_edge(scene: _Scene, smooth: np.ndarray) -> Edge | None:
    """Return the edge of the part that shares most with the domain."""
    from scipy.ndimage import label

    parts, count = label(np.nan_to_num(smooth, nan=-np.inf) > scene.level)
    if not count:
        return None
    mine = 1 + int(np.argmax(np.bincount(parts[scene.domain], minlength=count + 1)[1:]))
    return scene.edge(np.where((parts > 0) & (parts != mine), scene.level - 1e-6, smooth))


def _simulated(scene: _Scene, model: _Model, particle: _Particle, stray: float, rng: np.random.Generator) -> _Fits:
    """Fit both shapes to pictures of one of them, whose edge strays (um) and whose pixels are noisy."""
    from scipy.ndimage import gaussian_filter

    size = (scene.options.draws, *model.picture.shape)
    noise = np.nan_to_num(scene.picture.noise) * rng.standard_normal(size)
    waves = gaussian_filter(rng.standard_normal(size), (0, _WAVES, _WAVES), mode="wrap") * 2 * np.sqrt(np.pi) * _WAVES
    pictures = model.picture + noise + stray * model.slope * waves
    found = [_largest_edge(scene, smooth) for smooth in smooth_by_planes(pictures, scene.options.smoothing)]
    edges = [edge for edge in found if edge is not None and len(edge.length) >= _LEAST_PIECES]
    if not edges:
        return _Fits(np.empty((0, 5)), np.empty(0), np.empty((0, 0)), np.empty(0))
    return _fitted(edges, particle, scene.spacing)


def _p_values(figure: float, again: dict[str, _Fits]) -> dict[str, float]:
    ellipse, facet = again["ellipse"], again["facet"]
    return {
        "ellipse_p_value": float((1 + np.sum(ellipse.figure >= figure)) / (1 + len(ellipse.figure))),
        "facet_p_value": float((1 + np.sum(facet.figure <= figure)) / (1 + len(facet.figure))),
    }


def _errors(again: _Fits) -> dict[str, float]:
    """Return what the noise of the pixels alone does to the figures of an ellipse."""
    return {
        "aspect_ratio_std": float(np.std(again.aspect)),
        "ellipse_misfit_std": float(np.std(again.ellipse_misfit)),
        "facet_misfit_std": float(np.std(again.facet_misfit)),
    }


def _verdict(numbers: dict[str, float], particle: _Particle, options: DomainShapeOptions) -> tuple[str, str]:
    ellipse, facet = (numbers[name] >= options.significance for name in ("ellipse_p_value", "facet_p_value"))
    if ellipse and facet:
        return OPEN, "both shapes are possible in this noise"
    if not ellipse and not facet:
        return NEITHER, ""
    if ellipse:
        return ELLIPTIC, ""
    return (FACETED, "") if particle.has_facets else (OPEN, "the particle has no straight facets")


def _assembled(
    video: xr.Dataset,
    rows: list[tuple[Crop, int, int, _Shape]],
    applied: Mapping[int, float] | None,
    options: DomainShapeOptions,
) -> xr.Dataset:
    columns = {
        name: np.array([found.numbers.get(name, np.nan) for *_, found in rows], dtype=float) for name in _NUMBERS
    }
    variables: dict[str, tuple[str, Any]] = {name: ("domain", values) for name, values in columns.items()}
    for name in ("aspect_ratio", "ellipse_misfit", "facet_misfit"):
        variables[f"{name}_flag"] = ("domain", np.isnan(columns[name]) * stages.flag_bit("unsolvable"))
    variables["pixel_count"] = ("domain", np.array([found.pixels for *_, found in rows]))
    for name in ("verdict", "reason"):
        variables[name] = ("domain", np.array([getattr(found, name) for *_, found in rows], dtype=str))
    y, x = (np.asarray(video[dim].values, dtype=float) for dim in ("y", "x"))
    step_y, step_x = (float(axis[1] - axis[0]) for axis in (y, x))
    number = np.array([number for _, number, _, _ in rows])
    place = [
        (x[crop.window[1].start] + np.sign(step_x) * found.centre[0],
         y[crop.window[0].start] + np.sign(step_y) * found.centre[1])
        for crop, _, _, found in rows
    ]  # fmt: skip
    coords: dict[str, tuple[str, Any]] = {
        "domain": ("domain", _names(rows)),
        "particle": ("domain", np.array([crop.name for crop, *_ in rows], dtype=str)),
        "half_cycle": ("domain", number),
        "direction": ("domain", np.array([direction for _, _, direction, _ in rows])),
        "position_x": ("domain", [one[0] for one in place]),
        "position_y": ("domain", [one[1] for one in place]),
    }
    if applied is not None:
        coords["applied_c_rate"] = ("domain", [float(applied.get(int(n), np.nan)) for n in number])
    facets = "stated" if options.facets else "from the outline of each particle"
    return stages.new("domain_shape", variables, coords=coords, attrs={"facets": facets})


def _names(rows: list[tuple[Crop, int, int, _Shape]]) -> np.ndarray:
    """Return "particle half-cycle.number" of every domain."""
    seen: dict[tuple[str, int], int] = {}
    names = []
    for crop, number, _, _ in rows:
        seen[crop.name, number] = seen.get((crop.name, number), 0) + 1
        names.append(f"{crop.name} {number}.{seen[crop.name, number]}")
    return np.array(names, dtype=str)
