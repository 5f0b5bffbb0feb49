"""Ellipses and polygons behind the edge of a domain, and simulated pictures of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lithiscope.kinetics.crops import Crop
from lithiscope.kinetics.kernels.directions import facet_angles
from lithiscope.kinetics.kernels.edges import Edge, distance_from, edge_at, fit_profile, smooth_by_planes
from lithiscope.kinetics.kernels.shapes import (
    Edges,
    covered,
    fit_ellipses,
    fit_polygons,
    from_ellipse,
    from_polygon,
    outline_share,
)
from lithiscope.kinetics.pathways_options import DomainShapeOptions

LEAST_PIECES = 10  # of an edge, twice the parameters of an ellipse
_ROUNDS = 4  # corrections of a shape for what the analysis does to it
_WAVES = 2.0  # pixels over which a rough edge strays
_EXACT = 1e-6  # um, below which no misfit means anything
_REACH = 5.0  # pixels on either side of an edge that say how sharp it is


class Particle(NamedTuple):
    """A particle: its pixels, the directions of its facets (degrees), whether it has any, its largest extent (um)."""

    mask: np.ndarray
    facets: np.ndarray
    has_facets: bool
    largest: float

    @classmethod
    def of(cls, crop: Crop, spacing: tuple[float, float], options: DomainShapeOptions) -> Particle:
        """Return the particle of a crop, its facets as stated or from its outline."""
        facets = np.asarray(options.facets, dtype=float) % 180
        stated = len(facets) > 0
        if not stated:
            facets = facet_angles(crop.mask, spacing, options.facet_count)
        share = outline_share(crop.mask, spacing, facets, options.tolerance)
        places = np.argwhere(crop.mask) * spacing
        largest = float(np.hypot(*np.ptp(places, axis=0)))
        return cls(crop.mask, facets, stated or share >= options.min_outline_share, largest)


class MeanPicture(NamedTuple):
    """Mean of the frames of a half cycle: how far every pixel is ahead, and the noise of it before resampling."""

    ahead: np.ndarray  # (y, x)
    noise: np.ndarray


class DomainScene(NamedTuple):
    """One domain in its picture: its pixels, those of the others, and the level that is its edge."""

    picture: MeanPicture
    domain: np.ndarray
    others: np.ndarray
    level: float
    spacing: tuple[float, float]
    options: DomainShapeOptions

    def edge(self, alone: np.ndarray) -> Edge | None:
        """Return the edge of the domain inside the particle, in a picture that holds no other."""
        return edge_at(alone, self.level, self.spacing, 2 * max(self.spacing))


class Fits(NamedTuple):
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


def fitted(edges: list[Edge], particle: Particle, spacing: tuple[float, float]) -> Fits:
    """Fit an ellipse and a polygon along the facets to every edge."""
    most = max(len(edge.length) for edge in edges)
    points, weight = np.zeros((len(edges), most, 2)), np.zeros((len(edges), most))
    for row, edge in enumerate(edges):
        points[row, : len(edge.length)], weight[row, : len(edge.length)] = edge.middle, edge.length
    all_edges = Edges(points, weight / weight.sum(axis=1, keepdims=True))
    ellipse, ellipse_misfit = fit_ellipses(all_edges, min(spacing), particle.largest)
    polygon, facet_misfit = fit_polygons(all_edges, particle.facets)
    return Fits(ellipse, ellipse_misfit, polygon, facet_misfit)


def sharpness(scene: DomainScene, picture: np.ndarray, edge: Edge) -> tuple[float, float, float]:
    """Return how far the domain and its surroundings are ahead, and ln of the standard deviation of the step, um."""
    known = np.isfinite(picture)
    row, column = np.nonzero(known)
    places = np.stack([column * scene.spacing[1], row * scene.spacing[0]], axis=1)
    away = distance_from(edge, places)
    used = ~away.beyond & ~scene.others[known] & (np.abs(away.value) < _REACH * max(scene.spacing))
    weight = np.where(used, 1 / scene.picture.noise[known] ** 2, 0.0)
    found = fit_profile(away.value[None], picture[known][None], weight[None], min(scene.spacing), "error_function")
    return float(found.high[0]), float(found.low[0]), float(np.log(found.scale[0]))


class Model(NamedTuple):
    """A shape, its picture (y, x) without noise, and the slope of the smoothed picture across its edge (1/um)."""

    picture: np.ndarray
    shape: np.ndarray
    slope: float


def behind(scene: DomainScene, name: str, fits: Fits, seen: np.ndarray, particle: Particle) -> Model:
    """Return a shape that, taken through the same steps without noise, is seen as the domain is.

    Smoothing rounds corners and shrinks small shapes, so that the shape behind differs from the one that is seen.
    """
    wanted = (fits.ellipse if name == "ellipse" else fits.polygon)[0]
    shape, step = wanted.copy(), seen.copy()
    free = np.array([1, 1, 1, 1, 0]) if name == "ellipse" else np.ones(len(wanted))
    for _ in range(_ROUNDS):
        picture = _picture(scene, name, shape, step, particle)
        edge = largest_edge(scene, smooth_by_planes(picture[None], scene.options.smoothing)[0])
        if edge is None:
            break
        fit = fitted([edge], particle, scene.spacing)
        got = (fit.ellipse if name == "ellipse" else fit.polygon)[0]
        if name == "ellipse" and (got[2] > got[3]) != (wanted[2] > wanted[3]):
            got = got[[0, 1, 3, 2, 4]]
        shape = shape + free * (wanted - got)
        step = step + seen - np.array(sharpness(scene, picture, edge))
        step[2] = np.clip(step[2], np.log(0.05 * min(scene.spacing)), seen[2] + 0.5)
    # Of the smoothed picture, in which the edge is found.
    scale = np.hypot(np.exp(step[2]), scene.options.smoothing * min(scene.spacing))
    slope = float((step[0] - step[1]) / np.sqrt(2 * np.pi) / scale)
    return Model(_picture(scene, name, shape, step, particle), shape, slope)


def _picture(scene: DomainScene, name: str, shape: np.ndarray, step: np.ndarray, particle: Particle) -> np.ndarray:
    def outside(points: np.ndarray) -> np.ndarray:
        if name == "ellipse":
            return from_ellipse(shape[None], points)
        return from_polygon(shape[None], points, particle.facets)

    share = covered(outside, scene.domain.shape, scene.spacing, float(np.exp(step[2])))
    return np.where(np.isfinite(scene.picture.noise), step[1] + (step[0] - step[1]) * share, np.nan)


def largest_edge(scene: DomainScene, smooth: np.ndarray) -> Edge | None:
    """Return the edge of the part that shares most with the domain."""
    from scipy.ndimage import label

    parts, count = label(np.nan_to_num(smooth, nan=-np.inf) > scene.level)
    if not count:
        return None
    mine = 1 + int(np.argmax(np.bincount(parts[scene.domain], minlength=count + 1)[1:]))
    return scene.edge(np.where((parts > 0) & (parts != mine), scene.level - 1e-6, smooth))


def simulated(scene: DomainScene, model: Model, particle: Particle, stray: float, rng: np.random.Generator) -> Fits:
    """Fit both shapes to pictures of one of them, whose edge strays (um) and whose pixels are noisy."""
    from scipy.ndimage import gaussian_filter

    size = (scene.options.draws, *model.picture.shape)
    noise = np.nan_to_num(scene.picture.noise) * rng.standard_normal(size)
    waves = gaussian_filter(rng.standard_normal(size), (0, _WAVES, _WAVES), mode="wrap") * 2 * np.sqrt(np.pi) * _WAVES
    pictures = model.picture + noise + stray * model.slope * waves
    found = [largest_edge(scene, smooth) for smooth in smooth_by_planes(pictures, scene.options.smoothing)]
    edges = [edge for edge in found if edge is not None and len(edge.length) >= LEAST_PIECES]
    if not edges:
        return Fits(np.empty((0, 5)), np.empty(0), np.empty((0, 0)), np.empty(0))
    return fitted(edges, particle, scene.spacing)
