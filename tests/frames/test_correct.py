"""Corrected counts against the truth of the virtual microscope, and bad input one by one."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.composition.xray import optical_density
from lithiscope.errors import AnalysisError, LithiscopeError, LithiscopeWarning, OptionError, StageError
from lithiscope.frames.correct import correct, correct_parts, joined_notes
from lithiscope.frames.correct_options import CorrectOptions
from lithiscope.instruments.stxm import (
    Acquisition,
    Ellipse,
    MicroscopeOptions,
    Platelet,
    Scene,
    SolidSolution,
    acquire,
    hold,
    ring_current,
    scan_duration,
    scan_times,
    three_platelets,
)
from lithiscope.stages import fatal_mask, flag_bit

STILL: dict[str, Any] = {"drift_velocity": (0.0, 0.0), "drift_step": 0.0, "jitter": 0.0, "flicker_pixel": 0.0}
QUIET: dict[str, Any] = {**STILL, "dark_counts": 0.0, "ring_lifetime": 1e12}


@cache
def platelets(scans: int = 3, seed: int = 1, **changed: Any) -> Acquisition:
    options = MicroscopeOptions(**{**STILL, **changed})
    scene = three_platelets("mixed")
    times = scan_times(scene, options, per_half_cycle=max(scans, 2))[:scans]
    return acquire(scene, times, options=options, seed=seed)


def slab() -> Scene:
    """A platelet so large that it fills the field."""
    return Scene((Platelet((1.0, 1.0), Ellipse(50.0, 50.0), SolidSolution()),), hold(0.5), height=2.0, width=2.0)


def made(counts: Any, **more: Any) -> xr.Dataset:
    """A recording of bare counts (time, energy, y, x)."""
    counts = np.asarray(counts, dtype=float)
    times, energies, height, width = counts.shape
    attrs = more.pop("attrs", {})
    return stages.new(
        "recording",
        {"counts": ("time energy y x", counts), **more},
        coords={
            "time": ("time", 60.0 * np.arange(times)),
            "energy": ("energy", 700.0 + np.arange(energies)),
            "y": ("y", 0.05 * np.arange(height)),
            "x": ("x", 0.05 * np.arange(width)),
            "half_cycle": ("time", np.zeros(times)),
            "direction": ("time", np.ones(times)),
        },
        attrs=attrs,
    )


def flat(times: int = 2, energies: int = 2, level: float = 1000.0, size: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(level, (times, energies, size, size)).astype(float)


def has(frames: xr.Dataset, name: str) -> np.ndarray:
    return np.asarray(frames["signal_flag"].values & flag_bit(name)) > 0


# Against the virtual microscope


@pytest.mark.parametrize(
    ("microscope", "options"),
    [
        ({"dark_counts": 0.0}, {}),
        ({"dark_counts": 400.0}, {"dark_counts": 400.0}),
        ({"dark_counts": 0.0, "dead_time": 2e-8}, {"dead_time": 2e-8}),
        # Dark counts keep the detector dead too, so that fewer than the 400 that arrive in 1 ms are written.
        ({"dark_counts": 400.0, "dead_time": 2e-8}, {"dark_counts": 400.0 / (1 + 400.0 * 2e-5), "dead_time": 2e-8}),
        ({"dark_counts": 2.0, "flicker_pixel": 0.02}, {"dark_counts": 2.0, "flicker": 0.02}),
    ],
)
def test_mean_and_scatter_are_those_of_the_truth(microscope: dict[str, Any], options: dict[str, Any]) -> None:
    recording, truth = platelets(**microscope)
    frames = correct(recording, options=CorrectOptions(**options))
    light = truth["expected_counts"].values - microscope["dark_counts"]
    off = (frames["signal"].values - light) / frames["signal_std"].values
    variance = (frames["signal"].values - light) ** 2
    pixels = off.size
    # The sum of all counts within four of its standard errors, which are under 0.01 % of it.
    total = float((frames["signal"].values - light).sum(dtype=float))
    assert abs(total) < 4 * np.sqrt(float((frames["signal_std"].values.astype(float) ** 2).sum()))
    assert frames["signal"].dims == ("time", "energy", "y", "x")
    # 44 100 pixels know a standard deviation to 0.3 %; the bar of 5 % is for every energy.
    predicted = (frames["signal_std"].values.astype(float) ** 2).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(np.sqrt(variance.mean(axis=(0, 2, 3)) / predicted), 1, atol=0.05)
    assert np.mean(np.abs(off) < 1) == pytest.approx(0.683, abs=4 * np.sqrt(0.683 * 0.317 / pixels) + 0.005)


def test_dead_time_left_out_would_show() -> None:
    recording, truth = platelets(dark_counts=0.0, dead_time=2e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = correct(recording)
    assert float((frames["signal"] / truth["expected_counts"]).mean()) < 0.95


def test_counts_at_one_ring_current_stop_following_the_ring() -> None:
    options = MicroscopeOptions(**{**QUIET, "ring_lifetime": 3000.0, "raster_skew": False})
    starts = np.arange(6) * 1.1 * scan_duration(slab(), options)
    recording, truth = acquire(slab(), starts, options=options, seed=2)
    frames = correct(recording, options=CorrectOptions(ring_current=0.5))
    # The recorded current is that of the frame's beginning, the counts are those of its middle.
    begin = recording["ring_current"].values
    middle = ring_current(truth["exposure_mid"].values, options)
    plain = truth["expected_counts"].values.mean(axis=(2, 3)) * 0.5 / middle
    found = frames["signal"].values.mean(axis=(2, 3), dtype=float) * begin / middle
    error = np.sqrt((frames["signal_std"].values.astype(float) ** 2).sum(axis=(2, 3))) / 1600
    assert np.all(np.abs(found - plain) < 4 * error)
    scatter = frames["signal"].values.std(axis=(2, 3), ddof=1, dtype=float)
    stated = np.sqrt((frames["signal_std"].values.astype(float) ** 2).mean(axis=(2, 3)))
    assert np.mean(scatter / stated) == pytest.approx(1.0, abs=0.05)
    mean = correct(recording, options=CorrectOptions(ring_current="mean"))
    np.testing.assert_allclose((mean["signal"] / frames["signal"]).values, begin.mean() / 0.5, rtol=1e-5)
    for corrected, expected in ((frames, 0.5), (mean, begin.mean()), (correct(recording), begin)):
        np.testing.assert_allclose(corrected["ring_current"], np.broadcast_to(expected, begin.shape), rtol=1e-12)


@pytest.mark.parametrize("scans", [1, 3])
def test_spikes_are_repaired_and_edges_are_left_alone(scans: int) -> None:
    found = hit = false = pixels = 0
    for seed in range(6):
        recording, truth = platelets(scans, seed, spike_share=1e-3, probe_fwhm=0.03)
        frames = correct(recording, options=CorrectOptions(despike=True))
        spike, repaired = truth["spike"].values, has(frames, "repaired")
        expected = truth["expected_counts"].values
        height = recording["counts"].values - expected
        # Also beside edges, where a spike on the dark side has to stand out of the bright side.
        large = spike & (height > 15 * np.sqrt(expected))
        hit += int((large & repaired).sum())
        found += int(large.sum())
        false += int((repaired & ~spike).sum())
        pixels += spike.size
        off = ((frames["signal"] - expected) / frames["signal_std"]).values[repaired]
        assert np.all(np.abs(off) < 4)
        same = ~repaired
        np.testing.assert_array_equal(frames["signal"].values[same], recording["counts"].values[same])
    assert hit > 0.95 * found
    assert false <= 1e-5 * pixels


def test_pinhole_is_seen_in_other_frames_and_kept() -> None:
    counts = flat(3, 3, level=3000.0)
    counts[:, :, 12, 12] = 9000
    counts[1, 1, 5, 5] = 9000
    frames = correct(made(counts), options=CorrectOptions(despike=True))
    assert np.argwhere(has(frames, "repaired")).tolist() == [[1, 1, 5, 5]]


def test_beam_dumps_are_missing_lines_and_nothing_else_is() -> None:
    options = MicroscopeOptions(**STILL, dump_times=(130.0, 640.0), dump_duration=3.0)
    scene = three_platelets("mixed")
    starts = scan_times(scene, options, per_half_cycle=4)[:3]
    frame = scene.grid(options.pixel)[0].size * (70 * options.dwell + options.line_overhead)
    dumps = (float(starts[0]) + 2.0, float(starts[1]) + 2 * (frame + options.energy_change) + 4.03)
    options = options.model_copy(update={"dump_times": dumps})
    recording, truth = acquire(scene, starts, options=options, seed=5)
    with pytest.warns(LithiscopeWarning, match=r"scan 0, 703 eV: lines \d+-\d+; scan 1, 713 eV: lines \d+-\d+"):
        frames = correct(recording)
    dark = truth["expected_counts"].values.max(axis=-1) < 10
    lost = has(frames, "missing")
    assert np.array_equal(lost.all(axis=-1), lost.any(axis=-1))
    # Exactly the lines without beam, and the one before and after each run.
    around = dark.copy()
    around[..., 1:] |= dark[..., :-1]
    around[..., :-1] |= dark[..., 1:]
    assert dark.sum() > 40
    np.testing.assert_array_equal(lost.all(axis=-1), around)
    # One scan alone tells as much.
    with pytest.warns(LithiscopeWarning, match="scan 0, 703 eV"):
        alone = correct(recording.isel(time=[0]))
    np.testing.assert_array_equal(has(alone, "missing")[0], lost[0])


def test_many_lost_frames_do_not_drown_the_warning() -> None:
    counts = flat(12, 1)
    counts[:, :, 10:12] = 0
    counts[0] = 1000  # these lines have beam in 5 of 16 scans, enough to tell what they should be
    with pytest.warns(LithiscopeWarning, match="scan 1, 700 eV: lines 9-12; .*; and 3 more"):
        frames = correct(made(np.concatenate([counts, flat(4, 1, seed=1)])))
    assert has(frames, "missing").sum() == 11 * 4 * 24


@pytest.mark.parametrize(("times", "energies"), [(1, 2), (1, 3), (2, 1), (2, 2), (3, 2), (4, 1), (6, 2)])
def test_a_frame_that_is_too_bright_makes_no_other_one_dark(times: int, energies: int) -> None:
    counts = flat(times, energies)
    counts[-1, -1] *= 1000
    frames, told = corrected_and_told(made(counts))
    assert not has(frames, "missing").any()
    assert not any("without beam" in one for one in told)
    bright = [one for one in told if "far brighter" in one]
    assert len(bright) == 1
    found = re.search(rf"scan {times - 1}, {699 + energies} eV: (\d+) times", bright[0])
    assert found
    assert float(found[1]) == pytest.approx(1000, rel=0.02)  # lines of 24 pixels scatter by a few counts of 1000


@pytest.mark.parametrize("times", [2, 3, 4])
def test_lost_lines_are_found_beside_a_frame_that_is_too_bright(times: int) -> None:
    counts = flat(times, 2)
    counts[0, 0] *= 1000
    counts[-1, 0, 10:14] = 0
    frames, told = corrected_and_told(made(counts))
    assert any(f"scan {times - 1}, 700 eV: lines 9-14" in one for one in told)
    assert has(frames, "missing").sum() == 6 * 24


def test_sound_frames_are_not_called_too_bright() -> None:
    counts = flat(3, 2)
    counts[:, 1] /= 15  # an edge, and a scan without beam
    counts[0] = 0
    _, told = corrected_and_told(made(np.round(counts)))
    assert not any("far brighter" in one for one in told)


@pytest.mark.parametrize("noise", ["stated", "measured"])
@pytest.mark.parametrize("parts", [1, 2])
def test_more_dark_counts_than_counts_are_refused(noise: Any, parts: int) -> None:
    spans = [slice(0, 1), slice(1, 2)] if parts == 2 else [slice(0, 2)]
    recording, options = made(flat()), CorrectOptions(dark_counts=9000.0, noise=noise)
    with pytest.raises(AnalysisError, match="dark counts exceed the counts") as caught:
        list(correct_parts(recording, spans, options=options))
    assert caught.value.field == "dark_counts"
    assert caught.value.value == f"9000 of {flat().mean():.4g} counts"


def test_a_scan_with_light_is_no_dark_picture() -> None:
    recording = made(flat())
    for dark in (recording, flat(seed=3)[0, 0]):
        with pytest.raises(AnalysisError, match="dark counts exceed the counts"):
            correct(recording, dark=dark)


def test_few_counts_over_few_dark_counts_are_kept() -> None:
    frames = correct(made(flat(level=6.0)), options=CorrectOptions(dark_counts=2.0))
    assert np.isfinite(frames["signal"].values).mean() > 0.9


def corrected_and_told(recording: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        frames = correct(recording, options=CorrectOptions(saturation=1e9))
    return frames, [str(one.message) for one in told]


def test_lines_behind_thick_particles_are_no_dump() -> None:
    scene = np.full((1, 1, 40, 40), 5000.0)
    scene[:, :, 10:30] *= np.exp(-2.5)
    counts = np.random.default_rng(3).poisson(scene)
    assert not has(correct(made(counts)), "missing").any()


def test_noise_is_measured_where_it_is_not_stated() -> None:
    recording, truth = platelets(dark_counts=0.0, flicker_pixel=0.03)
    with pytest.warns(LithiscopeWarning, match="bright pixels scatter up to .* times as much as stated, in 9 of 9"):
        stated = correct(recording)
    assert np.all(np.array(stated.attrs["noise_ratio"]) > 1.2)
    frames = correct(recording, options=CorrectOptions(noise="measured"))
    # 0.03 against counting noise of 0.01, from about 3000 pixels a frame: 2 % each, 0.7 % for the mean of nine.
    assert np.mean(frames.attrs["excess_noise"]) == pytest.approx(0.03, rel=0.03)
    off = (frames["signal"] - truth["expected_counts"]).values.astype(float)
    stated_variance = frames["signal_std"].values.astype(float) ** 2
    ratio = np.sqrt((off**2).mean(axis=(0, 2, 3)) / stated_variance.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(ratio, 1, atol=0.05)


def test_optical_density_takes_the_frames() -> None:
    recording, _ = platelets(dark_counts=2.0, flicker_pixel=0.01)
    frames = correct(recording, options=CorrectOptions(dark_counts=2.0, flicker=0.01))
    od = optical_density(frames)
    expected = frames["signal_std"] / frames["signal"]
    np.testing.assert_allclose(od["signal_std"].values, expected.values, rtol=1e-5)


# What is carried over, and formulas


def test_with_the_defaults_counts_are_as_written_with_counting_noise() -> None:
    counts = flat()
    counts[0, 0, 3, 4], counts[0, 0, 5, 6], counts[1, 1, 7, 8] = 0, -3, np.nan
    flag = np.where(np.isnan(counts), flag_bit("excluded"), flag_bit("few_counts"))
    dwell = np.full((2, 2), 0.01)
    recording = made(
        counts, counts_flag=("time energy y x", flag), dwell=("time energy", dwell), exposure_mid=("time energy", dwell)
    )
    frames = correct(recording)
    empty = counts <= 0
    usable = np.where(empty, np.nan, counts)
    np.testing.assert_array_equal(frames["signal"].values, usable.astype(np.float32))
    np.testing.assert_allclose(frames["signal_std"].values, np.sqrt(usable), rtol=1e-6)
    np.testing.assert_array_equal(frames["signal_flag"].values, flag | np.where(empty, flag_bit("no_counts"), 0))
    for name in ("dwell", "exposure_mid", "half_cycle", "direction", "time", "energy", "y", "x"):
        np.testing.assert_array_equal(frames[name].values, recording[name].values)
    assert frames.attrs["quantity"] == "counts"
    assert "noise_gain" not in frames


def test_noise_model_is_the_stated_one() -> None:
    counts = flat(1, 1, level=4000.0)
    options = CorrectOptions(counts_per_photon=3.0, read_noise=20.0, flicker=0.05, dark_counts=1000.0)
    frames = correct(made(counts), options=options)
    light = counts - 1000
    np.testing.assert_allclose(frames["signal"].values, light)
    expected = np.sqrt(3 * counts + 400 + (0.05 * light) ** 2)
    np.testing.assert_allclose(frames["signal_std"].values, expected, rtol=1e-6)
    assert frames.attrs["counts_per_photon"] == 3.0


@pytest.mark.parametrize("level", [None, 1100.0])
def test_saturated_pixels_are_lost(level: float | None) -> None:
    counts = flat()
    counts[0, 1, 2, 3], counts[1, 1, 4, 5] = 1150, 1250
    limit = level or 1200.0
    frames = correct(made(counts, attrs={"saturation": 1200.0}), options=CorrectOptions(saturation=level))
    np.testing.assert_array_equal(has(frames, "saturated"), counts >= limit)
    assert np.isnan(frames["signal"].values[1, 1, 4, 5])
    # Dead time would raise good counts above the limit as written; it is not passed on.
    assert "saturation" not in frames.attrs


def test_a_detector_that_saturates_unsaid_is_found_out() -> None:
    whole = flat(level=1000.0)
    counts = np.minimum(whole, 1040.0)
    with pytest.warns(LithiscopeWarning, match="exactly the largest count, 1040"):
        frames = correct(made(counts))
    np.testing.assert_array_equal(has(frames, "saturated"), counts == 1040.0)
    assert np.isnan(frames["signal"].values[counts == 1040.0]).all()
    # Whoever knows better says so.
    kept = correct(made(counts), options=CorrectOptions(saturation=2000.0))
    assert not has(kept, "saturated").any()


def test_dark_frames_are_averaged_and_scaled_with_the_dwell() -> None:
    rng = np.random.default_rng(6)
    pattern = np.linspace(50, 150, 24 * 24).reshape(24, 24)
    light = rng.poisson(1000 + 2 * pattern, (1, 2, 24, 24))
    shots = rng.poisson(pattern, (4, 2, 24, 24))
    dark = made(shots, dwell=("time energy", np.full((4, 2), 1e-3)))
    recording = made(light, dwell=("time energy", np.full((1, 2), 2e-3)))
    frames = correct(recording, dark=dark)
    mean = shots.mean(axis=(0, 1))
    np.testing.assert_allclose(frames["signal"].values, light - 2 * mean, rtol=1e-5)
    np.testing.assert_allclose(frames["signal_std"].values, np.sqrt(light + 4 * mean / 8), rtol=1e-5)


@pytest.mark.parametrize("labelled", [False, True])
def test_dark_picture_brings_its_own_noise_and_a_number_none(labelled: bool) -> None:
    counts, picture = flat(), np.full((24, 24), 100.0)
    dark = xr.DataArray(picture, dims=("y", "x")) if labelled else picture
    frames = correct(made(counts), dark=dark)
    np.testing.assert_allclose(frames["signal"].values, counts - 100)
    np.testing.assert_allclose(frames["signal_std"].values, np.sqrt(counts + 100), rtol=1e-6)
    plain = correct(made(counts), dark=100, options=CorrectOptions(dark_counts=7.0))
    np.testing.assert_allclose(plain["signal"].values, counts - 100)
    np.testing.assert_allclose(plain["signal_std"].values, np.sqrt(counts), rtol=1e-6)


def test_missing_frames_need_no_ring_current_and_no_dwell() -> None:
    counts = flat()
    counts[1, 0] = np.nan
    gaps = np.array([[1.0, 2.0], [np.nan, 3.0]])
    recording = made(counts, ring_current=("time energy", gaps), dwell=("time energy", gaps))
    frames = correct(recording, options=CorrectOptions(ring_current="mean", dead_time=1e-6, noise="measured"))
    assert fatal_mask(frames["signal_flag"].values)[1, 0].all()
    arrived = counts[0, 1] / (1 - counts[0, 1] * 1e-6 / 2)
    np.testing.assert_allclose(frames["signal"].values[0, 1], arrived * 2.0 / 2.0, rtol=1e-6)
    assert frames.attrs["excess_noise"][1][0] is None


def test_spike_beyond_the_dead_time_is_repaired_before_it() -> None:
    counts = flat()
    counts[0, 0, 9, 9] = 1e6
    recording = made(counts, dwell=("time energy", np.full((2, 2), 1e-3)))
    with pytest.raises(AnalysisError, match="line 9, column 9"):
        correct(recording, options=CorrectOptions(dead_time=1e-8))
    frames = correct(recording, options=CorrectOptions(dead_time=1e-8, despike=True))
    assert float(frames["signal"][0, 0, 9, 9]) == pytest.approx(1010, abs=5 * np.sqrt(1000))


def test_spike_without_neighbours_is_missing() -> None:
    counts = np.full((1, 1, 9, 9), 100.0)
    counts[0, 0, 3:6, 3:6] = np.nan
    counts[0, 0, 4, 4] = 1e5
    frames = correct(made(counts), options=CorrectOptions(despike=True))
    assert has(frames, "missing")[0, 0, 4, 4]
    assert np.isnan(frames["signal"].values[0, 0, 4, 4])


def difficult() -> xr.Dataset:
    """Seven scans, some dimmer, with lost lines, spikes, a missing pixel, and a detector that stops counting."""
    level = np.full((7, 1, 1, 1), 900.0)
    level[2:5] = 600.0
    counts = np.random.default_rng(8).poisson(level, (7, 3, 24, 20)).astype(float)
    counts[2, 1, 9:11] = 3.0
    counts[2:5, :, 20, 10] = 930.0  # stays, so it is no spike
    counts[3, 0, 5, 5], counts[4, 2, 11, 7] = 950.0, 960.0
    counts[6, 2, 4, 4] = np.nan
    current = 0.4 - 0.01 * np.arange(21.0).reshape(7, 3)
    dwell = np.full((7, 3), 0.01)
    return made(
        np.minimum(counts, 975.0), ring_current=("time energy", current), dwell=("time energy", dwell), attrs={}
    )


@pytest.mark.parametrize("noise", ["stated", "measured"])
@pytest.mark.parametrize("cuts", [[1, 2, 3, 4, 5, 6], [4], [1, 6]])
def test_a_series_in_parts_is_corrected_as_it_is_at_once(noise: Any, cuts: list[int]) -> None:
    options = CorrectOptions(despike=True, noise=noise, ring_current="mean", dead_time=1e-6, dark_counts=20.0)
    recording = difficult()
    spans = [slice(*ends) for ends in zip([0, *cuts], [*cuts, 7], strict=True)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        whole = correct(recording, options=options)
    with warnings.catch_warnings(record=True) as told_of_parts:
        warnings.simplefilter("always")
        parts = list(correct_parts(recording, spans, options=options))
    assert [part.sizes["time"] for part in parts] == [span.stop - span.start for span in spans]
    for flag, least in (("repaired", 2), ("missing", 81), ("saturated", 20)):
        assert np.count_nonzero(has(whole, flag)) >= least, flag  # or there would be little to compare
    for name in whole.variables:
        axis = "time" in whole[name].dims
        found = np.concatenate([part[name].values for part in parts]) if axis else parts[0][name].values
        np.testing.assert_array_equal(found, whole[name].values, err_msg=str(name))
    assert joined_notes([part.attrs for part in parts]) == whole.attrs
    assert [str(one.message) for one in told_of_parts] == [str(one.message) for one in told]


def test_few_scans_of_a_long_series_are_in_memory() -> None:
    """A recording that is read when it is used: never more than the three scans among which spikes are looked for."""
    recording = difficult()
    read: list[int] = []

    class Lazy(xr.backends.BackendArray):
        shape, dtype = recording["counts"].shape, recording["counts"].dtype

        def __getitem__(self, key: Any) -> Any:
            return xr.core.indexing.explicit_indexing_adapter(
                key, self.shape, xr.core.indexing.IndexingSupport.OUTER, self.raw
            )

        def raw(self, key: Any) -> Any:
            values = recording["counts"].values[key]
            read.append(values.size)
            return values

    counts = xr.Variable(
        recording["counts"].dims, xr.core.indexing.LazilyIndexedArray(Lazy()), recording["counts"].attrs
    )
    options = CorrectOptions(despike=True)
    with pytest.warns(LithiscopeWarning):
        parts = list(
            correct_parts(recording.assign(counts=counts), [slice(t, t + 1) for t in range(7)], options=options)
        )
    assert len(parts) == 7
    assert max(read) == recording["counts"][0].size


def test_scans_are_reported() -> None:
    class Listener:
        told: list[tuple[str, int | None]] = []  # noqa: RUF012

        def track(self, items: Any, *, label: str, total: int | None = None) -> Any:
            self.told.append((label, total))
            yield from items

        def say(self, message: str) -> None: ...

    correct(made(flat(3)), options=CorrectOptions(despike=True), reporter=Listener())
    assert Listener.told == [("correcting counts", 3)]


# Bad input


def with_(name: str, values: Any, counts: np.ndarray | None = None) -> xr.Dataset:
    return made(flat() if counts is None else counts, **{name: ("time energy", np.asarray(values, dtype=float))})


BAD_CURRENT = [[0.5, 0.5], [np.nan, 0.0]]


@pytest.mark.parametrize(
    ("recording", "dark", "options", "error", "said"),
    [
        (made(flat()), None, {"dead_time": 1e-8}, OptionError, "dwell"),
        (made(flat()), None, {"ring_current": "mean"}, OptionError, "ring current"),
        (with_("ring_current", BAD_CURRENT), None, {"ring_current": "mean"}, AnalysisError, "scan 1, 701 eV"),
        (with_("dwell", [[1, 1], [1, -1]]), None, {"dead_time": 1e-8}, AnalysisError, "value: -1"),
        (with_("dwell", np.full((2, 2), 1e-5)), None, {"dead_time": 1e-8}, AnalysisError, "below 1000 counts"),
        (made(flat()), -1.0, {}, AnalysisError, "value: -1.0"),
        (made(flat()), float("nan"), {}, AnalysisError, "a number from 0"),
        (made(flat()), np.ones((3, 3)), {}, AnalysisError, "(24, 24)"),
        (made(flat()), np.full((24, 24), np.nan), {}, AnalysisError, "576 not finite"),
        (made(flat()), made(np.full((2, 2, 24, 24), np.nan)), {}, AnalysisError, "576 not finite"),
        (with_("dwell", np.ones((2, 2))), 1e9, {"dead_time": 1e-8}, AnalysisError, "dark counts alone"),
        (made(flat(size=5)), None, {"noise": "measured"}, AnalysisError, "no frame tells its noise"),
        (made(np.ones((1, 1, 0, 3))), None, {}, AnalysisError, "no pictures"),
        (made(flat()).isel(energy=0, drop=True), None, {}, StageError, "(time energy y x)"),
        (xr.Dataset(), None, {}, StageError, "expected stage"),
    ],
)
def test_bad_input_gives_one_clear_error(
    recording: xr.Dataset, dark: Any, options: dict[str, Any], error: type[LithiscopeError], said: str
) -> None:
    with pytest.raises(error) as caught:
        correct(recording, dark=dark, options=CorrectOptions(**options))
    assert said in str(caught.value)
    assert caught.value.field is not None


@pytest.mark.parametrize(
    "values",
    [
        {"dead_time": -1e-9},
        {"ring_current": 0},
        {"ring_current": "median"},
        {"dump_fraction": 1.0},
        {"spike_sigma": 1.0},
        {"saturation": 0},
        {"noise": "guessed"},
        {"flicker": float("nan")},
    ],
)
def test_bad_options_are_named(values: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        CorrectOptions(**values)
    assert next(iter(values)) in str(caught.value.field)


def test_infinite_and_missing_counts_become_missing() -> None:
    counts = flat()
    counts[0, 0, 0, 0], counts[0, 0, 1, 1] = np.inf, np.nan
    frames = correct(made(counts))
    assert np.argwhere(has(frames, "missing")).tolist() == [[0, 0, 0, 0], [0, 0, 1, 1]]
    assert np.isfinite(frames["signal"].values).sum() == counts.size - 2


def test_frames_without_any_count_are_kept_missing() -> None:
    frames = correct(made(np.full((1, 2, 6, 6), np.nan)))
    assert has(frames, "missing").all()


@pytest.mark.parametrize("dropped", [0.0, -500.0])
def test_a_dropped_reading_is_lost_and_not_spread_by_resampling(dropped: float) -> None:
    from lithiscope.frames import resample

    counts = np.full((1, 1, 24, 24), 5000.0)
    counts[0, 0, 12, 12] = dropped
    frames = correct(made(counts))
    alignment = stages.new(
        "alignment",
        {
            "shift": ("time energy axis", np.full((1, 1, 2), 0.02)),
            "shift_std": ("time energy axis", np.zeros((1, 1, 2))),
            "alignment_flag": ("time energy", np.zeros((1, 1))),
        },
        coords={"time": ("time", [0.0]), "energy": ("energy", [700.0]), "axis": ("axis", ["y", "x"])},
    )
    moved = resample(frames, alignment)["signal"].values[0, 0, 2:-2, 2:-2]
    # Everywhere else the field is flat, so what is left of it must be flat too.
    np.testing.assert_allclose(moved[np.isfinite(moved)], 5000.0, rtol=1e-3)
    assert np.isfinite(moved).sum() >= moved.size - 4
