"""Whether fast domains follow the facets of the particle or are elliptic (Lim 2016, fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.crops import SIGNAL, Crop, check_video, crops, noise_gain, noise_pattern
from lithiscope.kinetics.domain_models import (
    LEAST_PIECES,
    DomainScene,
    Fits,
    MeanPicture,
    Particle,
    behind,
    fitted,
    sharpness,
    simulated,
)
from lithiscope.kinetics.domains import UNDECIDED
from lithiscope.kinetics.kernels.domains import middle_and_contrast
from lithiscope.kinetics.kernels.edges import Edge, edge_at, smooth_by_planes
from lithiscope.kinetics.kernels.shapes import parallel_share
from lithiscope.kinetics.pathways_options import DomainShapeOptions
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

FACETED, ELLIPTIC, NEITHER, OPEN = "faceted", "elliptic", "neither", "cannot tell"
_SPECK = 8  # pixels, below which it is no domain
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
        particle = Particle.of(crop, spacing, options)
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
    step_y, step_x = (float(video[dim].values[1] - video[dim].values[0]) for dim in ("y", "x"))
    if min(step_y, step_x) <= 0:
        raise AnalysisError(
            "positions do not ascend", field="y, x", value=(step_y, step_x), limit="above 0", remedy="sort the axes"
        )
    return step_y, step_x


def _mean_picture(
    crop: Crop, frames: np.ndarray, direction: int, gain: np.ndarray, options: DomainShapeOptions
) -> MeanPicture | None:
    size, pattern = noise_pattern(crop, gain)
    frames = frames[np.isfinite(size[frames]) & (size[frames] > 0)]
    known = np.isfinite(crop.x[frames]).all(axis=0) & np.isfinite(pattern)
    if not len(frames) or known.sum() < options.min_pixels:
        return None
    x = np.where(known, crop.x[frames], np.nan)
    middle, contrast = middle_and_contrast(smooth_by_planes(x, options.smoothing)[:, known])
    weight = (contrast / size[frames]) ** 2
    ahead = np.einsum("f,fyx->yx", weight / contrast, direction * (x - middle[:, None, None])) / weight.sum()
    return MeanPicture(ahead, np.where(known, pattern, np.nan) / np.sqrt(weight.sum()))


class _Shape(NamedTuple):
    pixels: int
    centre: tuple[float, float]  # (x, y), um in the crop
    numbers: dict[str, float]
    verdict: str
    reason: str


def _shapes(
    picture: MeanPicture,
    particle: Particle,
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
            scene = DomainScene(picture, domain, (parts > 0) & ~domain, level, spacing, options)
            found.append(_judged(scene, alone, particle, rng))
    return found


def _judged(scene: DomainScene, alone: np.ndarray, particle: Particle, rng: np.random.Generator) -> _Shape:
    options, spacing = scene.options, scene.spacing
    row, column = np.nonzero(scene.domain)
    pixels, centre = len(row), (float(column.mean() * spacing[1]), float(row.mean() * spacing[0]))
    numbers = {"area": pixels * spacing[0] * spacing[1]}
    edge = scene.edge(alone)
    if edge is None or pixels < options.min_pixels or len(edge.length) < LEAST_PIECES:
        return _Shape(pixels, centre, numbers, OPEN, "too few pixels")
    low = float(np.nanmin(alone)) - 1.0
    closed = edge_at(np.pad(np.where(np.isfinite(alone), alone, low), 1, constant_values=low), scene.level, spacing)
    whole = edge.length.sum() if closed is None else max(float(closed.length.sum()), float(edge.length.sum()))
    numbers["inner_edge"] = float(edge.length.sum() / whole)
    if numbers["inner_edge"] < options.min_edge:
        return _Shape(pixels, centre, numbers, OPEN, "mostly along the outline of the particle")
    numbers |= _parallel(scene, edge, particle)
    fits = fitted([edge], particle, spacing)
    numbers |= {
        "ellipse_misfit": float(fits.ellipse_misfit[0]),
        "facet_misfit": float(fits.facet_misfit[0]),
    }
    seen = np.array(sharpness(scene, scene.picture.ahead, edge))
    models = {name: behind(scene, name, fits, seen, particle) for name in ("ellipse", "facet")}
    numbers["aspect_ratio"] = float(np.exp(np.abs(np.subtract(*models["ellipse"].shape[2:4]))))
    stray = options.roughness * min(spacing)
    again = {name: simulated(scene, model, particle, stray, rng) for name, model in models.items()}
    if min(len(one.figure) for one in again.values()) < options.draws / 2:
        return _Shape(pixels, centre, numbers, OPEN, "too faint against the noise")
    numbers |= _p_values(float(fits.figure[0]), again)
    numbers |= _errors(simulated(scene, models["ellipse"], particle, 0.0, rng))
    return _Shape(pixels, centre, numbers, *_verdict(numbers, particle, options))


def _parallel(scene: DomainScene, edge: Edge, particle: Particle) -> dict[str, float]:
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


def _p_values(figure: float, again: dict[str, Fits]) -> dict[str, float]:
    ellipse, facet = again["ellipse"], again["facet"]
    return {
        "ellipse_p_value": float((1 + np.sum(ellipse.figure >= figure)) / (1 + len(ellipse.figure))),
        "facet_p_value": float((1 + np.sum(facet.figure <= figure)) / (1 + len(facet.figure))),
    }


def _errors(again: Fits) -> dict[str, float]:
    """Return what the noise of the pixels alone does to the figures of an ellipse."""
    return {
        "aspect_ratio_std": float(np.std(again.aspect)),
        "ellipse_misfit_std": float(np.std(again.ellipse_misfit)),
        "facet_misfit_std": float(np.std(again.facet_misfit)),
    }


def _verdict(numbers: dict[str, float], particle: Particle, options: DomainShapeOptions) -> tuple[str, str]:
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
    number = np.array([number for _, number, _, _ in rows])
    place = [
        (x[crop.window[1].start] + found.centre[0],
         y[crop.window[0].start] + found.centre[1])
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
