"""Scenes: the clock of the half cycles, the material under a point, and the truth as a video."""

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.instruments.stxm import Ellipse, HalfCycle, Platelet, Scene, SolidSolution, hold, three_platelets

DISC = Platelet((1.0, 1.0), Ellipse(0.5, 0.5), SolidSolution())
CYCLE = (HalfCycle(1, 600.0, 2.0), HalfCycle(-1, 3000.0, 0.6))


def test_half_cycles_keep_the_time_of_their_rate() -> None:
    scene = Scene((DISC,), CYCLE)
    # 2C lasts 1800 s, 0.6C 6000 s; before, between and after them the composition is held.
    times = np.array([0.0, 600.0, 1500.0, 2400.0, 2900.0, 3000.0, 6000.0, 9000.0, 1e5])
    np.testing.assert_allclose(scene.fraction(times, 1.0, 1.0), [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0], atol=1e-12)
    assert scene.progress(times)[1].tolist() == [1, 1, 1, 1, 1, -1, -1, -1, -1]


def test_thickness_falls_smoothly_at_the_rim() -> None:
    scene = Scene((DISC,), hold(0.5))
    assert scene.thickness(1.0, 1.0) == pytest.approx(150.0)
    assert scene.thickness(1.0, 1.5) == pytest.approx(75.0)
    # One standard deviation of the edge outside: 150 (1 - Phi(1)).
    assert scene.thickness(1.0, 1.53) == pytest.approx(150 * 0.1586553, rel=1e-5)


def test_turning_a_platelet_turns_its_outline() -> None:
    turned = Scene((Platelet((1.0, 1.0), Ellipse(0.6, 0.3), SolidSolution(), angle=90.0),), hold(0.5))
    assert turned.thickness(1.6, 1.0) == pytest.approx(75.0)
    assert turned.thickness(1.0, 1.3) == pytest.approx(75.0)


def test_time_and_place_broadcast_without_interpolation() -> None:
    scene = three_platelets("domains", c_rate=2.0)
    y, x = scene.grid(0.1)
    times = np.linspace(600.0, 2400.0, 5)
    cube = scene.fraction(times[:, None, None], y[:, None], x)
    assert cube.shape == (5, 35, 35)
    single = scene.fraction(times[3], y[7], x[11])
    assert cube[3, 7, 11] == pytest.approx(float(single), abs=1e-14)


@pytest.mark.parametrize("condition", ["uniform", "front", "core", "domains", "mixed"])
def test_three_platelets_are_lithiated_and_delithiated(condition: str) -> None:
    video = three_platelets(condition, c_rate=0.6).video([0.0, 3600.0, 6900.0, 10200.0, 13200.0])  # type: ignore[arg-type]
    stages.check(video, "composition_video")
    assert video.attrs["signal"] == "lithium_fraction"
    assert video.attrs["origin"] == "simulation"
    assert video["direction"].values.tolist() == [1, 1, 1, -1, -1]
    for number in (1, 2, 3):
        inside = video["lithium_fraction"].values[:, video["label"].values == number]
        # About 1 um wide on 50 nm pixels: [L] speaks of about 500 pixels a particle.
        assert 300 < inside.shape[1] < 700
        np.testing.assert_allclose(inside[[0, 2, 4]], [[0.0], [1.0], [0.0]] * np.ones(inside.shape[1]), atol=1e-6)
        assert 0.3 < inside[1].mean() < 0.8
        assert (inside[1].std() < 1e-6) == (condition == "uniform")


def test_fast_domains_are_fast_both_ways() -> None:
    scene = three_platelets("domains", c_rate=0.6)
    y, x = scene.grid(0.05)
    inside = scene.label(y[:, None], x) == 1
    gained = scene.fraction(3600.0, y[:, None], x)[inside]
    lost = 1 - scene.fraction(10200.0, y[:, None], x)[inside]
    np.testing.assert_allclose(gained, lost, atol=1e-12)


def test_platelets_do_not_touch_each_other_or_the_edge() -> None:
    scene = three_platelets()
    y, x = scene.grid(0.05)
    thickness = scene.thickness(y[:, None], x)
    edge = np.concatenate([thickness[0], thickness[-1], thickness[:, 0], thickness[:, -1]])
    assert edge.max() < 0.1
    assert thickness.max() < 160.001


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: HalfCycle(2, 0.0, 1.0), "direction"),
        (lambda: HalfCycle(1, 0.0, 0.0), "rate"),
        (lambda: HalfCycle(1, 0.0, 1.0, 0.7, 0.2), "progress"),
        (lambda: Scene((), CYCLE), "platelet"),
        (lambda: Scene((DISC,), ()), "half cycle"),
        (lambda: Scene((DISC,), (HalfCycle(1, 0.0, 2.0), HalfCycle(-1, 100.0, 2.0))), "overlap"),
        (lambda: three_platelets("spiral"), "condition"),  # type: ignore[arg-type]
    ],
)
def test_a_scene_that_cannot_be_is_refused(bad: object, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        bad()  # type: ignore[operator]
