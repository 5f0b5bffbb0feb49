from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import binom

from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics import domain_shapes, fast_domains
from lithiscope.kinetics.options import DomainShapeOptions
from truth import domain_truth

SHAPE, PIXEL, FINER = (44, 48), domain_truth.PIXEL, 6
FACET = 20.0  # degrees


def covered(shape):
    """Share of every pixel inside a shape, given in um from the middle."""
    y, x = (np.indices((SHAPE[0] * FINER, SHAPE[1] * FINER)) + 0.5) / FINER - 0.5
    y, x = (y - (SHAPE[0] - 1) / 2) * PIXEL, (x - (SHAPE[1] - 1) / 2) * PIXEL
    return shape(x, y).astype(float).reshape(SHAPE[0], FINER, SHAPE[1], FINER).mean(axis=(1, 3))


def turned(x, y, degrees):
    a = np.deg2rad(degrees)
    return x * np.cos(a) + y * np.sin(a), y * np.cos(a) - x * np.sin(a)


def box(degrees, width, height, cx=0.0, cy=0.0):
    def inside(x, y):
        u, v = turned(x - cx, y - cy, degrees)
        return (np.abs(u) < width / 2) & (np.abs(v) < height / 2)

    return inside


def ellipse(degrees, width, height, cx=0.0, cy=0.0):
    def inside(x, y):
        u, v = turned(x - cx, y - cy, degrees)
        return (2 * u / width) ** 2 + (2 * v / height) ** 2 < 1

    return inside


PLATELET = box(FACET, 2.0, 1.7)


def scene(domain, *, seed=0, contrast=0.5, sigma=0.065, particle=PLATELET, frames=7, direction=1):
    """A platelet with facets at 20 and 110 degrees whose domain runs ahead, seen by a probe of 0.07 um."""
    mask = covered(particle) > 0.5
    ahead = gaussian_filter(covered(domain), 0.03 / PIXEL)
    means = np.linspace(0.2, 0.8, frames)[::direction]
    x = means[:, None, None] + direction * contrast * (ahead - 0.3) * np.sin(np.pi * means)[:, None, None]
    x = np.where(mask, x + sigma * np.random.default_rng(seed).standard_normal(x.shape), np.nan)
    video = domain_truth.as_video(
        x, sigma, mask, 600.0 * np.arange(frames), np.zeros(frames, int), np.full(frames, direction)
    )
    return video, fast_domains(video, domain_truth.as_labels(mask))


def judged(domain, *, draws=39, rates=None, facets=(), **more):
    video, domains = scene(domain, **more)
    options = DomainShapeOptions(draws=draws, facets=facets)
    return domain_shapes(domains, video, applied_c_rate=rates, options=options)


def verdicts(domain, runs, **more):
    return [str(judged(domain, seed=seed, **more)["verdict"].values[0]) for seed in range(runs)]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (box(FACET, 0.9, 0.6), "faceted"),
        (ellipse(20.0, 1.0, 0.7), "elliptic"),
        (ellipse(65.0, 1.0, 0.6), "elliptic"),
        (ellipse(0.0, 0.5, 0.5), "elliptic"),
        (box(FACET + 35, 0.9, 0.6), "neither"),
    ],
)
def test_the_verdict_on_known_shapes(domain, expected):
    """Contrast 0.5, sigma 0.065, 7 frames, 80 to 250 pixels: four of four."""
    assert verdicts(domain, 4) == [expected] * 4


def test_a_shape_is_wrongly_ruled_out_no_more_often_than_the_significance():
    """Without roughness, ellipses of 140 pixels: p below 0.05 in 5 % of the runs, binomial limit at 1 in 1000."""
    low = 0
    for seed in range(16):
        video, domains = scene(ellipse(40.0, 0.8, 0.55), seed=seed)
        table = domain_shapes(domains, video, options=DomainShapeOptions(draws=39, roughness=0.0))
        low += float(table["ellipse_p_value"][0]) < 0.05
        assert float(table["facet_p_value"][0]) < 0.05
    assert low <= binom.ppf(0.999, 16, 0.05)


def test_few_pixels_and_much_noise_cannot_tell():
    small = judged(box(FACET, 0.25, 0.2), contrast=0.6)
    assert small["verdict"].values[0] == "cannot tell"
    assert small["reason"].values[0] == "too few pixels"
    assert np.isnan(small["aspect_ratio"].values[0])
    assert int(small["aspect_ratio_flag"][0]) == 1 << 5
    # 60 pixels: the wrong shape at most as often as the significance allows, at 1 in 1000.
    faint = verdicts(box(FACET, 0.35, 0.3), 5, contrast=0.25, frames=3)
    assert faint.count("cannot tell") >= 2
    assert faint.count("elliptic") <= binom.ppf(0.999, 5, 0.05)


def test_aspect_ratio_and_area_of_an_ellipse():
    """1.0 by 0.6 um: within 4 standard errors of 6 runs and 1 %; the smoothed edge holds the area to 3 %."""
    tables = [judged(ellipse(65.0, 1.0, 0.6), seed=seed, draws=19) for seed in range(6)]
    ratio = np.array([float(t["aspect_ratio"][0]) for t in tables])
    std = np.mean([float(t["aspect_ratio_std"][0]) for t in tables])
    assert abs(ratio.mean() - 1 / 0.6) < 4 * std / np.sqrt(6) + 0.016
    assert ratio.std(ddof=1) < 2.5 * std
    assert float(tables[0]["area"][0]) == pytest.approx(np.pi / 4 * 0.6, rel=0.06)
    assert float(tables[0]["inner_edge"][0]) == pytest.approx(1.0, abs=0.02)
    assert abs(float(tables[0]["position_x"][0]) - (SHAPE[1] - 1) / 2 * PIXEL) < 0.02


def test_share_of_the_edge_along_the_facets():
    along, across = judged(box(FACET, 0.9, 0.6)), judged(box(FACET + 45, 0.9, 0.6))
    assert along["parallel_share"].values[0] > 0.65
    assert along["parallel_p_value"].values[0] < 0.1
    assert across["parallel_share"].values[0] < 0.15
    # 15 degrees to either side of two facets, whole degrees.
    assert along["parallel_share_random"].values[0] == pytest.approx(60 / 180, abs=0.02)


def test_a_particle_without_facets_has_no_faceted_domains_unless_they_are_stated():
    disc, degrees = ellipse(0, 2.0, 2.0), (FACET, FACET + 90)
    assert judged(ellipse(0, 0.7, 0.7), particle=disc)["verdict"].values[0] == "elliptic"
    stated = judged(box(FACET, 0.9, 0.6), particle=disc, facets=degrees)
    assert stated["verdict"].values[0] == "faceted"
    assert stated.attrs["facets"] == "stated"
    # The directions that the pixels of a disc happen to show may be those of the box, or not.
    found = judged(box(0.0, 0.9, 0.6), particle=disc)
    assert found["verdict"].values[0] != "faceted"


def test_a_domain_along_the_outline_shows_too_little_of_its_edge():
    corner = judged(box(FACET, 2.4, 0.45, *(0.7 * np.array([-np.sin(np.deg2rad(20)), np.cos(np.deg2rad(20))]))))
    assert corner["reason"].values[0] == "mostly along the outline of the particle"


def test_two_domains_and_delithiation_have_rows_of_their_own():
    one, two = ellipse(0, 0.5, 0.5, -0.45, -0.2), ellipse(30, 0.6, 0.5, 0.4, 0.25)
    table = judged(lambda x, y: one(x, y) | two(x, y), direction=-1, rates={0: 0.6})
    assert table["domain"].values.tolist() == ["p01 0.1", "p01 0.2"]
    assert table["direction"].values.tolist() == [-1, -1]
    assert table["applied_c_rate"].values.tolist() == [0.6, 0.6]
    assert table["verdict"].values.tolist() == ["elliptic", "elliptic"]


def test_bad_input_is_refused():
    video, domains = scene(ellipse(0, 0.7, 0.7))
    with pytest.raises(AnalysisError, match="standard deviations"):
        domain_shapes(domains, video.drop_vars("lithium_fraction_std"))
    upside_down = {"y": slice(None, None, -1)}
    with pytest.raises(AnalysisError, match="do not ascend"):
        domain_shapes(domains.isel(upside_down), video.isel(upside_down))
    with pytest.raises(StageError, match="different frames"):
        domain_shapes(domains, video.isel(time=slice(1, None)))
    with pytest.raises(AnalysisError, match="no particle has a fast domain"):
        domain_shapes(domains.assign(domain=domains["domain"] * 0), video)
