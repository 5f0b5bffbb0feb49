"""The microscope: mean counts, statistics, places and times against formulas."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.instruments.stxm import (
    FEPO4,
    LIFEPO4,
    Ellipse,
    HalfCycle,
    MicroscopeOptions,
    MovingFront,
    Platelet,
    Scene,
    SolidSolution,
    acquire,
    hold,
    incident_counts,
    optical_density_per_nanometre,
    ring_current,
    scan_duration,
    scan_times,
    three_platelets,
)

STILL: dict[str, object] = {
    "drift_velocity": (0.0, 0.0),
    "drift_step": 0.0,
    "jitter": 0.0,
    "flicker_pixel": 0.0,
    "flicker_line": 0.0,
    "dark_counts": 0.0,
    "ring_lifetime": 1e12,
}


def microscope(**changed: object) -> MicroscopeOptions:
    return MicroscopeOptions(**{**STILL, **changed})


def slab(fraction: float) -> Scene:
    """A platelet so large that it fills the field."""
    return Scene((Platelet((1.0, 1.0), Ellipse(50.0, 50.0), SolidSolution()),), hold(fraction), height=2.0, width=2.0)


def z_score(values: NDArray[np.float64], mean: float) -> float:
    return float((values.mean() - mean) / np.sqrt(mean / values.size))


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_mean_counts_obey_beer_and_lambert(fraction: float) -> None:
    options = microscope(dark_counts=40.0, leakage=0.02)
    recording, truth = acquire(slab(fraction), [0.0], options=options, seed=3)
    energies = np.array(options.energies)
    lithiated, delithiated = (optical_density_per_nanometre(phase, energies) for phase in (LIFEPO4, FEPO4))
    passed = np.exp(-150 * (fraction * lithiated + (1 - fraction) * delithiated))
    photons = 1.6e4 * (1 + 0.005 * (energies - 703)) * 0.7 * 0.8 ** ((energies / 703) ** -2.7)
    mean = photons * (passed + 0.02) + 40
    np.testing.assert_allclose(truth["expected_counts"].values[0].mean(axis=(1, 2)), mean, rtol=1e-6)
    np.testing.assert_allclose(truth["incident"].values[0], photons, rtol=1e-8)
    for counts, expected in zip(recording["counts"].values[0].astype(float), mean, strict=True):
        assert abs(z_score(counts, expected)) < 4


def test_counts_scatter_as_poisson_and_flicker_adds_in_quadrature() -> None:
    plain = acquire(slab(0.5), [0.0], options=microscope(), seed=4).recording["counts"].values[0].astype(float)
    ratio = plain.var(axis=(1, 2)) / plain.mean(axis=(1, 2))
    # 1600 pixels: the variance is known to sqrt(2/1600) = 3.5 %; four standard errors.
    np.testing.assert_allclose(ratio, 1.0, atol=4 * np.sqrt(2 / 1600))
    flickering = acquire(slab(0.5), [0.0], options=microscope(flicker_pixel=0.03), seed=5)
    counts, mean = flickering.recording["counts"].values[0].astype(float), flickering.truth["expected_counts"].values[0]
    expected = mean + (0.03 * mean) ** 2
    np.testing.assert_allclose(((counts - mean) ** 2 / expected).mean(axis=(1, 2)), 1.0, atol=4 * np.sqrt(2 / 1600))


def test_line_flicker_is_common_to_a_line() -> None:
    counts = acquire(slab(0.5), [0.0], options=microscope(flicker_line=0.05), seed=6).recording["counts"].values[0]
    lines = counts.astype(float).mean(axis=2)
    spread = lines.std(axis=1) / lines.mean(axis=1)
    # 40 lines: the standard deviation is known to 1/sqrt(80) = 11 %; four standard errors.
    np.testing.assert_allclose(spread, 0.05, rtol=4 / np.sqrt(80))


def test_the_scene_is_found_exactly_where_the_drift_puts_it() -> None:
    options = MicroscopeOptions(**{**STILL, "drift_velocity": (3.0, -2.0), "drift_step": 0.02, "jitter": 0.03})
    scene = three_platelets("domains", protocol=hold(0.4))
    _, truth = acquire(scene, [0.0, 300.0], options=options, seed=7)
    drift = truth["drift"].values
    assert drift[0, 0].tolist() == [0.0, 0.0]
    assert 0.05 < np.abs(drift).max() < 0.5
    moved = [
        Platelet(
            (p.centre[0] + drift[1, 2, 0], p.centre[1] + drift[1, 2, 1]), p.outline, p.pathway, p.angle, p.thickness
        )
        for p in scene.platelets
    ]
    still = acquire(Scene(tuple(moved), scene.protocol), [0.0], options=microscope(), seed=0).truth
    np.testing.assert_allclose(truth["expected_counts"][1, 2], still["expected_counts"][0, 2], rtol=1e-6)


def test_steady_drift_and_random_walk_have_their_size() -> None:
    steady = acquire(slab(0.5), [0.0, 3600.0], options=microscope(drift_velocity=(0.3, -0.1)), seed=1).truth["drift"]
    np.testing.assert_allclose(steady.values[1, 0], [0.3, -0.1])
    tiny = Scene(slab(0.5).platelets, hold(0.5), height=0.1, width=0.1)
    walk = acquire(tiny, np.arange(200) * 100.0, options=microscope(drift_step=0.02), seed=2).truth["drift"].values
    steps = np.diff(walk.reshape(-1, 2), axis=0)
    # 1198 steps: the standard deviation is known to 2 %; four standard errors.
    assert steps.std() == pytest.approx(0.02, rel=4 / np.sqrt(2 * steps.size))


def test_every_energy_and_line_sees_the_front_at_its_own_time() -> None:
    front = Platelet((1.0, 1.0), Ellipse(50.0, 50.0), MovingFront(0.0, width=0.05))
    scene = Scene((front,), (HalfCycle(1, 0.0, 360.0),), height=2.0, width=2.0)
    options = microscope(probe_fwhm=0.0, dwell=1e-3, line_overhead=0.01, energy_change=1.0)
    recording, truth = acquire(scene, [0.0, 8.0], options=options, seed=1)
    # 40 lines of 40 ms + 10 ms: 2 s a frame, 1 s between energies.
    np.testing.assert_allclose(recording["exposure_mid"], [[1.0, 4.0, 7.0], [9.0, 12.0, 15.0]])
    np.testing.assert_allclose(recording["time"], [4.0, 12.0])
    y, x = scene.grid(0.05)
    for index, start in {(0, 0): 0.0, (0, 1): 3.0, (1, 2): 14.0}.items():
        when = start + 0.05 * (np.arange(40) + 0.5)
        fraction = scene.fraction(when[:, None], y[:, None], x)
        energy = options.energies[index[1]]
        lithiated, delithiated = (float(optical_density_per_nanometre(p, energy)) for p in (LIFEPO4, FEPO4))
        mean = incident_counts(energy, options) * np.exp(-150 * (fraction * lithiated + (1 - fraction) * delithiated))
        np.testing.assert_allclose(truth["expected_counts"].values[index], mean, rtol=1e-6)


def test_without_raster_skew_a_frame_is_one_moment() -> None:
    scene = Scene(slab(0.0).platelets, (HalfCycle(1, 0.0, 36.0),), height=2.0, width=2.0)
    expected = acquire(scene, [0.0], options=microscope(raster_skew=False)).truth["expected_counts"].values[0]
    skewed = acquire(scene, [0.0], options=microscope()).truth["expected_counts"].values[0]
    assert np.ptp(expected[2]) == 0
    assert np.ptp(skewed[2]) > 1


def test_the_probe_blurs_transmission_as_a_dense_convolution_does() -> None:
    from scipy.ndimage import gaussian_filter

    scene = three_platelets("front", protocol=(HalfCycle(1, 0.0, 1.0, 0.5, 0.5),))
    options = microscope(probe_fwhm=0.06)
    fine = np.arange(-0.3, 3.8, 0.00625)
    thickness, fraction = scene.material(0.0, fine[:, None], fine)
    lithiated, delithiated = (float(optical_density_per_nanometre(p, 713.0)) for p in (LIFEPO4, FEPO4))
    passed = np.exp(-thickness * (fraction * lithiated + (1 - fraction) * delithiated))
    blurred = gaussian_filter(passed, 0.06 / np.sqrt(8 * np.log(2)) / 0.00625)
    y, _ = scene.grid(0.05)
    at = np.round((y - fine[0]) / 0.00625).astype(int)
    expected = acquire(scene, [0.0], options=options).truth["expected_counts"].values[0, 2]
    # Five nodes, an edge of 30 nm and a probe of 25 nm: the quadrature is good to 3e-4 of the incident light.
    np.testing.assert_allclose(expected / incident_counts(713.0, options), blurred[np.ix_(at, at)], atol=4e-4)


def test_ring_current_decays_tops_up_and_carries_the_counts() -> None:
    options = microscope(ring_lifetime=3600.0, top_up_interval=1000.0)
    np.testing.assert_allclose(ring_current([0.0, 900.0, 1000.0, 1900.0], options), 0.5 * np.exp([0, -0.25, 0, -0.25]))
    recording, truth = acquire(slab(0.5), [0.0, 500.0], options=options, seed=8)
    ratio = recording["counts"].mean(("y", "x")).values
    np.testing.assert_allclose(ratio[1] / ratio[0], np.exp(-500 / 3600), rtol=4 * np.sqrt(2 / (3000 * 1600)))
    np.testing.assert_allclose(truth["incident"][1] / truth["incident"][0], np.exp(-500 / 3600))


def test_a_lost_beam_leaves_dark_counts_from_that_line_on() -> None:
    options = microscope(line_overhead=0.01, dark_counts=3.0, dump_times=(0.9,), dump_duration=0.5)
    counts = acquire(slab(0.5), [0.0], options=options, seed=9).recording["counts"].values[0, 0]
    # Lines take 50 ms and are timed in their middle: 0.925 s is line 18, 1.375 s is line 27.
    dark = counts.mean(axis=1) < 100
    assert np.flatnonzero(dark).tolist() == list(range(18, 28))
    assert abs(z_score(counts[dark].astype(float), 3.0)) < 4


def test_dead_time_saturation_and_spikes() -> None:
    options = microscope(dead_time=2e-8)
    counts, mean = (acquire(slab(0.5), [0.0], options=options, seed=10)[part] for part in (0, 1))
    true = mean["expected_counts"].values[0].mean(axis=(1, 2))
    np.testing.assert_allclose(counts["counts"][0].mean(("y", "x")), true / (1 + true * 2e-5), rtol=4 / np.sqrt(5e6))
    capped = acquire(slab(0.5), [0.0], options=microscope(saturation=5000.0)).recording
    assert capped["counts"].values.max() == 5000
    assert capped.attrs["saturation"] == 5000
    hit = acquire(slab(0.5), [0.0], options=microscope(spike_share=0.01, spike_counts=5e4), seed=11)
    spikes = hit.truth["spike"].values
    # 4800 draws of 1 %: 48 +- 7.
    assert 20 < spikes.sum() < 76
    assert hit.recording["counts"].values[spikes].mean() > 3 * hit.recording["counts"].values[~spikes].mean()


def test_one_seed_one_recording() -> None:
    scene = three_platelets("core", c_rate=2.0)
    first, again, other = (acquire(scene, [0.0, 300.0], seed=seed) for seed in (5, 5, 6))
    assert first.recording.identical(again.recording)
    assert first.truth.identical(again.truth)
    assert not np.array_equal(first.recording["counts"], other.recording["counts"])


def test_the_recording_is_one_and_can_be_cut_into_scans() -> None:
    recording, truth = acquire(three_platelets("core", c_rate=2.0), [0.0, 300.0])
    stages.check(recording, "recording")
    assert stages.check(recording.isel(time=[1]), "recording").sizes["time"] == 1
    assert recording["counts"].dims == truth["expected_counts"].dims == ("time", "energy", "y", "x")
    assert "lithium_fraction" not in recording


def test_scans_that_overlap_are_refused() -> None:
    scene = three_platelets()
    duration = scan_duration(scene, MicroscopeOptions())
    assert duration == pytest.approx(3 * 70 * (70 * 1e-3 + 0.05) + 2 * 10)
    with pytest.raises(OptionError, match="before the one before"):
        acquire(scene, [0.0, duration - 1.0])
    for times in ([], [0.0, float("nan")]):
        with pytest.raises(OptionError, match="finite times"):
            acquire(scene, times)


def test_scans_spread_over_the_half_cycles() -> None:
    scene = three_platelets(c_rate=2.0)
    options = MicroscopeOptions()
    times = scan_times(scene, options, per_half_cycle=4)
    middles = acquire(scene, times, options=options).recording["time"].values
    np.testing.assert_allclose(middles, [600, 1200, 1800, 2400, 3000, 3600, 4200, 4800], atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixel": 0.0},
        {"energies": ()},
        {"energies": (706.0, 703.0)},
        {"efficiency": 1.2},
        {"transmission": 0.0},
        {"incident_photons": -1.0},
        {"dwell": float("nan")},
        {"flicker": 0.1},
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError) as caught:
        MicroscopeOptions(**wrong)
    assert next(iter(wrong)) in str(caught.value) or "energies" in str(caught.value)
