"""From composition videos of channels with diffusion to a verdict on every particle and half cycle.

Two platelets of 25 channels, 400 nm x 1 um, one at 25 degrees to the raster; 40 nm pixels and probe, sigma_x 0.065, 9
frames a half cycle, ln k0 of the ends spread by 0.3; constant current, as in Koo 2023.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lithiscope import kinetics, stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.instruments.reaction import (
    Electrode,
    Even,
    Insertion,
    Rest,
    Transport,
    bulk_seconds,
    channel_platelets,
    channel_rates,
    react_along_channels,
    reaction_seconds,
)
from lithiscope.kinetics.channels_options import ChannelOptions
from lithiscope.kinetics.regime_particles import diagnose_particles, verdict_on_all
from lithiscope.kinetics.regime_pieces import BULK, OPEN, SURFACE
from truth.seen_scene import seen_scene

AXES = ChannelOptions(axes={"p01": 0.0, "p02": 25.0})
MEAN_F = 3 * np.pi / 16


def experiment(ratio, tau_bulk, c_rate, top, *, seed=0, frames=9):
    """A lithiation at the rate and a delithiation at half of it; (video, labels, intervals, electrode, transport)."""
    rng = np.random.default_rng(seed)
    plates = Electrode(exchange_current=1.0, interaction=0.0, thickness=400.0, resistance=0.0)
    plates = dataclasses.replace(plates, exchange_current=reaction_seconds(plates) / (ratio * tau_bulk))
    transport = Transport(4e-14 / tau_bulk)
    steps = [Rest(60.0), Insertion(c_rate, top), Even(0.97, 1800.0), Insertion(c_rate / 2, 1 - top)]
    run = react_along_channels(plates, transport, channel_rates(2, 25, rng), steps, start=0.03, samples=150)
    video, labels = seen_scene(channel_platelets(run, angles=(0.0, 25.0)), frames, rng)
    return video, labels, intervals_of(video, run), plates, transport


def intervals_of(video, run):
    """What the cell did between the frames."""
    time, half = video["time"].values, video["half_cycle"].values
    eta = run.overpotential_free_volt - 3.425
    passed = np.concatenate([[0.0], np.cumsum((eta[1:] + eta[:-1]) / 2 * np.diff(run.time))])
    same = half[1:] == half[:-1]
    return stages.new(
        "cell_intervals",
        {
            "overpotential_volt": ("interval", np.diff(np.interp(time, run.time, passed)) / np.diff(time)),
            "overpotential_volt_std": ("interval", np.full(len(time) - 1, 1e-3)),
        },
        coords={
            "time": ("interval", (time[1:] + time[:-1]) / 2),
            "duration": ("interval", np.diff(time)),
            "before": ("interval", np.arange(len(time) - 1)),
            "after": ("interval", np.arange(1, len(time))),
            "half_cycle": ("interval", np.where(same, half[1:], -1)),
            "direction": ("interval", np.where(same, video["direction"].values[1:], 0)),
        },
    )


def analysed(made):
    """Lines and channel table of an experiment."""
    video, labels, intervals, *_ = made
    rates = kinetics.insertion_rate(video.assign(label=(("y", "x"), labels.values, {"units": "1"})))
    table = kinetics.channels(rates, labels, amount=video["amount"], options=AXES)
    table = kinetics.with_channel_exchange(
        table, intervals, options=kinetics.options.ExchangeOptions(law="butler_volmer", largest_overpotential=None)
    )
    return kinetics.channel_cuts(video, labels, options=AXES), table


@pytest.fixture(scope="module")
def slow_surface():
    return experiment(100.0, 400.0, 0.4, 0.88)


@pytest.fixture(scope="module")
def slow_bulk():
    return experiment(1 / 30, 5000.0, 0.4, 0.75)


def test_a_slow_surface_with_its_exchange_current_from_the_other_half_cycle(slow_surface):
    """Bars of j0 (true 0.0111 A/m2, but for the particle's own rates) and of tau_bulk (400 s) hold the truth."""
    cuts, table = analysed(slow_surface)
    found = diagnose_particles(cuts, diffusivity=(1e-18, 1e-13), channels=table, intervals=slow_surface[2])
    assert found.attrs["verdict"] == SURFACE
    assert np.all(found["overall_verdict"].values == SURFACE)
    # The delithiation is slower, so it serves the lithiation; the lithiation is twice as fast and serves nobody.
    assert found["exchange_current_source"].values[:, 0].tolist() == ["half cycle 1"] * 2
    true = slow_surface[3].exchange_current * MEAN_F
    off = found["exchange_current_density"].values[:, 0] - true
    assert np.all(np.abs(off) < 3 * found["exchange_current_density_std"].values[:, 0])
    tau = bulk_seconds(slow_surface[3], slow_surface[4])
    # Each 95 % range; one of four misses with a probability of a sixth.
    held = (found["tau_bulk_low"].values < tau) & (found["tau_bulk_high"].values > tau)
    assert held.sum() >= 3


def test_a_slow_bulk_with_a_stated_exchange_current(slow_bulk):
    cuts, _ = analysed(slow_bulk)
    j0 = slow_bulk[3].exchange_current * MEAN_F
    found = diagnose_particles(cuts, exchange_current=(j0, 0.2 * j0), intervals=slow_bulk[2])
    assert found.attrs["verdict"] == BULK
    assert np.all(found["overall_verdict"].values == BULK)
    tau = bulk_seconds(slow_bulk[3], slow_bulk[4])
    assert np.all((found["tau_bulk_low"] < tau) & (found["tau_bulk_high"] > tau))
    # The model's own error is 0.15 decades.
    assert abs(float(np.log10(found["tau_bulk"] / tau).mean())) < 0.15
    assert found["tau_reaction"].values == pytest.approx(np.full((2, 2), tau / 30), rel=0.03)


@pytest.mark.slow
@pytest.mark.long
def test_verdicts_under_constant_current():
    """Decided from ten times on, never wrong, open within three, at two rates: 0.2 and 0.6 of a diffusion time."""
    for ratio, right in ((30.0, SURFACE), (10.0, SURFACE), (2.0, OPEN), (1.0, OPEN), (0.5, OPEN), (0.1, BULK)):
        for share in (0.2, 0.6):
            tau_bulk = 400.0 if ratio > 5 else 8000.0
            c_rate = 0.4 if ratio > 5 else share * 3600 / tau_bulk
            made = experiment(ratio, tau_bulk, c_rate, 0.85 if ratio > 5 else 0.9 - share / 2, seed=int(100 * share))
            cuts = kinetics.channel_cuts(*made[:2], options=AXES)
            j0 = made[3].exchange_current * MEAN_F
            found = diagnose_particles(cuts, exchange_current=(j0, 0.2 * j0), intervals=made[2])
            assert found.attrs["verdict"] == right, (ratio, share)
            assert set(found["overall_verdict"].values.ravel()) <= {right, OPEN}


def test_one_particle_and_half_cycle_is_what_diagnose_regime_says(slow_bulk):
    cuts, _ = analysed(slow_bulk)
    found = diagnose_particles(cuts, exchange_current=(2.0, 0.4)).sel(particle="p02", half_cycle=1)
    own = cuts.isel(sample=np.flatnonzero(cuts["particle"].values == "p02"))
    alone = kinetics.diagnose_regime(own, half_cycle=1, exchange_current=(2.0, 0.4))
    np.testing.assert_allclose(found["value"], alone["value"])
    assert found["meaning"].values.tolist() == alone["meaning"].values.tolist()
    assert str(found["overall_confidence"].values) == alone.attrs["confidence"]


def test_a_case_without_data_has_a_reason_and_no_figures(slow_bulk):
    cuts, _ = analysed(slow_bulk)
    lost = cuts.copy(deep=True)
    lost["lithium_fraction"].values[np.ix_(cuts["half_cycle"].values == 1, cuts["particle"].values == "p01")] = np.nan
    found = diagnose_particles(lost, exchange_current=(2.6, 0.5))
    case = found.sel(particle="p01", half_cycle=1)
    assert str(case["overall_verdict"].values) == OPEN
    assert "too few frames" in str(case["overall_confidence"].values)
    assert np.isnan(case["value"]).all()
    assert all("not found: too few frames" in text for text in case["meaning"].values)
    assert "1 of these without data" in found.attrs["confidence"]
    assert np.isfinite(found["value"].sel(particle="p02")).any()


def test_a_piece_that_needs_an_exchange_current_says_that_there_is_none(slow_surface):
    cuts, table = analysed(slow_surface)
    found = diagnose_particles(cuts, diffusivity=(1e-18, 1e-13), channels=table)
    # The lithiation is more than 1.5 times as fast as the delithiation.
    case = found.sel(particle="p01", half_cycle=1, evidence="ratio_of_times")
    assert np.isnan(case["value"])
    assert "no exchange current" in str(case["meaning"].values)
    assert found["exchange_current_source"].values[:, 1].tolist() == ["none", "none"]


@pytest.mark.parametrize(
    ("said", "reasons", "verdict", "words"),
    [
        ([SURFACE, SURFACE, OPEN], 0, SURFACE, "2 of 3"),
        ([BULK], 0, BULK, "1 of 1 particle and half cycle"),
        ([SURFACE, BULK, SURFACE], 0, OPEN, "differ"),
        ([SURFACE, OPEN], 0, OPEN, "no limit is shown in more than half"),
        ([SURFACE, SURFACE], 2, OPEN, "2 of these without data"),
    ],
)
def test_rule_for_the_verdict_on_all_cases(said, reasons, verdict, words):
    found, text = verdict_on_all(said, reasons)
    assert found == verdict
    assert words in text


def test_bad_input_is_named(slow_bulk):
    cuts, _ = analysed(slow_bulk)
    with pytest.raises(StageError, match="not of the expected stage"):
        diagnose_particles(cuts.assign_attrs(stage="channel_table"))
    with pytest.raises(AnalysisError, match="to what they belong"):
        diagnose_particles(cuts.drop_vars("particle"))
    with pytest.raises(AnalysisError, match="no frame belongs to a half cycle"):
        diagnose_particles(cuts.assign_coords(half_cycle=("time", np.full(cuts.sizes["time"], -1))))
    with pytest.raises(AnalysisError, match="no particle could be diagnosed"):
        diagnose_particles(cuts.isel(time=[0, 1, 9, 10]))
    late = slow_bulk[2].assign_coords(time=("interval", slow_bulk[2]["time"].values + 1e5, {"units": "s"}))
    with pytest.raises(AnalysisError, match="not those of the lines"):
        diagnose_particles(cuts, intervals=late)
