"""The diagnosis against simulated particles of known ratio of times.

Virtual experiment: 25 channels of 400 nm in 40 nm pixels, sigma_x 0.065, probe 40 nm, 7 to 12 frames a half cycle, ln
k0 of the ends spread by 0.3, overpotential 40 to 100 mV, three solid solutions, both directions; j0 known to 20 % from
elsewhere, D only to lie within five decades.
"""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.instruments.reaction.diffusion_reaction import ChannelParticle as Particle
from lithiscope.instruments.reaction.diffusion_reaction import (
    as_line_cuts,
    observed_lines,
    random_particle,
)
from lithiscope.instruments.reaction.diffusion_reaction import simulate_channel as simulate
from lithiscope.instruments.reaction.electrode import THERMAL_VOLTAGE
from lithiscope.kinetics.regime import diagnose_regime, overall
from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_pieces import BULK, OPEN, SURFACE, Piece
from lithiscope.laws import chemical_potential

PROFILE = ["measured_ratio_of_times", "surface_depletion", "reaction_front"]


def diagnosed(particle, rng, *, known="both", wide=(1e-18, 1e-13), **options):
    """Observe a particle and diagnose it; known: j0, voltage, both or nothing."""
    end = 1 / (1 + np.exp(-particle.drive)) if particle.omega == 0 else 0.97
    frames = int(rng.integers(7, 13))
    times, pixels = observed_lines(particle, rng, frames=frames, stop=min(0.88, end - 0.08))
    arguments = {}
    if known in ("both", "j0"):
        true = particle.exchange_current
        arguments["exchange_current"] = (true * float(np.exp(0.2 * rng.normal())), 0.2 * true)
        arguments["diffusivity"] = wide
    if known in ("both", "voltage"):
        arguments["overpotential_volt"] = -particle.direction * particle.drive * THERMAL_VOLTAGE
        arguments["potential"] = chemical_potential("regular_solution", omega=particle.omega)
    lines = as_line_cuts(times, pixels, particle.direction)
    return diagnose_regime(lines, **arguments, options=RegimeOptions(**options))


def verdicts(ratios, number, seed, **arguments):
    rng = np.random.default_rng(seed)
    return {
        ratio: [diagnosed(random_particle(ratio, rng), rng, **arguments).attrs["verdict"] for _ in range(number)]
        for ratio in ratios
    }


@pytest.mark.slow
@pytest.mark.long
def test_verdicts_on_156_particles():
    """Bars: >= 80 % decided at a ratio of 10 or more, <= 5 % wrong, not decidable within a factor of 3."""
    found = verdicts([100, 30, 10, 3, 2, 1, 0.5, 1 / 3, 0.1, 1 / 30, 0.01], 12, seed=2) | verdicts([5, 0.2], 12, seed=3)
    right = {r: SURFACE if r > 1 else BULK for r in found}
    far = [v == right[r] for r, all_ in found.items() if r >= 10 or r <= 0.1 for v in all_]
    assert np.mean(far) >= 0.8
    for ratio in (10, 0.1):
        assert np.mean([v == right[ratio] for v in found[ratio]]) >= 0.8
    wrong = [v not in (right[r], OPEN) for r, all_ in found.items() if r != 1 for v in all_]
    assert np.mean(wrong) <= 0.05
    near = [v == OPEN for r, all_ in found.items() if 1 / 3.01 < r < 3.01 for v in all_]
    assert np.mean(near) >= 0.95


@pytest.mark.slow
def test_measured_ratio_covers_the_truth():
    """The curvature of the profile gives tau_bulk: log10 ratio within its 95 % range, which lacks the model's 0.15."""
    rng = np.random.default_rng(4)
    off = []
    for ratio in (30, 10, 3, 1, 0.3, 0.1, 0.03):
        for _ in range(4):
            table = diagnosed(random_particle(ratio, rng), rng, known="j0").sel(evidence="measured_ratio_of_times")
            spread = np.hypot(float(table["value_std"]), RegimeOptions().model_spread)
            off.append((float(table["value"]) - np.log10(ratio)) / spread)
    # 28 values: 95 % within two sigma, four fewer by the binomial limit.
    assert np.count_nonzero(np.abs(off) < 2) >= 23
    assert abs(np.mean(off)) < 0.6


@pytest.mark.slow
def test_without_an_exchange_current_the_bulk_is_never_blamed_wrongly():
    """The voltage alone can show a slow surface; bulk or not stays open, and nothing is said within a factor of 3."""
    found = verdicts([100, 30, 3, 1, 1 / 3, 0.03], 6, seed=5, known="voltage")
    assert sum(v == SURFACE for r in (100, 30) for v in found[r]) >= 10
    assert all(v == OPEN for r in (3, 1, 1 / 3) for v in found[r])
    assert all(v != SURFACE for v in found[0.03])


def test_an_apparent_exchange_current_does_not_make_a_slow_surface_of_a_slow_bulk():
    """j0 computed from the same half cycle holds what diffusion took; the bulk's share at this drive tells."""
    rng = np.random.default_rng(6)
    for drive in (2.0, 3.0, 4.0):
        particle = Particle(0.05, drive, 1, 1.5, "fick")
        times, pixels = observed_lines(particle, rng)
        rate = (pixels[-1].mean() - pixels[0].mean()) / times[-1]
        apparent = 1.602176634e-19 * 1.38e28 * 400e-9 / 2 * rate / (2 * np.sinh(drive / 2))
        table = diagnose_regime(as_line_cuts(times, pixels, 1), exchange_current=(apparent, 0.2 * apparent))
        assert table.attrs["verdict"] != SURFACE
        assert SURFACE not in table["verdict"].sel(evidence=PROFILE).values


@pytest.mark.parametrize("ratio", [30.0, 0.03])
def test_a_phase_boundary_across_the_channel_is_not_decidable(ratio):
    """[K]: in a phase-separating channel both limits show one sharp front (Cahn-Hilliard, scaled to 20 nm)."""
    rng = np.random.default_rng(7)
    particle = Particle(ratio, 2.5, 1, 4.5, "potential", 375 / 200**2)
    table = diagnosed(particle, rng)
    assert table.attrs["verdict"] == OPEN
    width = table.sel(evidence="gradient_width")
    assert float(width["high"]) < float(width["boundary"])
    assert all("phase boundary" in text for text in table["meaning"].sel(evidence=PROFILE).values)


def test_a_broad_gradient_counts_only_if_asked():
    rng = np.random.default_rng(8)
    times, pixels = observed_lines(Particle(30.0, 2.5), rng)
    lines = as_line_cuts(times, pixels, 1)
    for decides in (False, True):
        table = diagnose_regime(lines, options=RegimeOptions(broad_gradient_decides=decides))
        assert table["verdict"].sel(evidence="gradient_width") == (SURFACE if decides else OPEN)


def test_known_diffusivity_and_exchange_current_speak_for_themselves():
    rng = np.random.default_rng(9)
    table = diagnosed(Particle(30.0, 2.5), rng, wide=(4e-15, 4e-15)).sel(evidence="ratio_of_times")
    assert float(table["value"]) == pytest.approx(np.log10(30), abs=0.3)
    assert str(table["verdict"].values) == SURFACE
    assert float(table["low"]) < float(table["value"]) < float(table["high"])


def table_of(pixels, times, direction, sigma=0.065):
    """The channel table of the same observation: surface and interior in the middle of every interval."""
    middle = (pixels[1:] + pixels[:-1]) / 2
    surface, inner = middle[..., [0, -1]].mean(axis=-1), middle[..., 1:-1].mean(axis=-1)
    shape = surface.shape
    return stages.new(
        "channel_table",
        {
            "surface_lithium_fraction": ("interval channel", surface),
            "surface_lithium_fraction_std": ("interval channel", np.full(shape, sigma / 2)),
            "surface_lithium_fraction_flag": ("interval channel", np.zeros(shape)),
            "internal_lithium_fraction": ("interval channel", inner),
            "internal_lithium_fraction_std": ("interval channel", np.full(shape, sigma / 4)),
            "internal_lithium_fraction_flag": ("interval channel", np.zeros(shape)),
            "pixel_count": ("channel", np.full(shape[1], pixels.shape[-1])),
            "length": ("channel", np.full(shape[1], 400.0)),
        },
        coords={
            "time": ("interval", (times[1:] + times[:-1]) / 2),
            "half_cycle": ("interval", np.zeros(shape[0], dtype=int)),
            "direction": ("interval", np.full(shape[0], direction)),
            "channel": ("channel", np.arange(shape[1])),
            "particle": ("channel", np.array(["a"] * shape[1])),
        },
    )


@pytest.mark.parametrize(("ratio", "expected"), [(100.0, SURFACE), (0.01, BULK)])
def test_a_channel_table_gives_fewer_pieces_but_the_same_verdict(ratio, expected):
    rng = np.random.default_rng(10)
    particle = Particle(ratio, 2.5, -1, 1.5, "fick")
    times, pixels = observed_lines(particle, rng, frames=12)
    true = particle.exchange_current
    table = diagnose_regime(table_of(pixels, times, -1), exchange_current=(true, 0.2 * true))
    assert "gradient_width" not in table["evidence"]
    assert table.attrs["verdict"] == expected


def test_one_reacting_end_sees_the_whole_channel():
    """Half of a symmetric channel, blurred on its own, is a channel with one face and L the whole of it."""
    rng = np.random.default_rng(11)
    particle = Particle(0.1, 2.5)
    times, pixels = observed_lines(particle, rng, spread=0.0, frames=10)
    true = particle.exchange_current
    lines = as_line_cuts(times, pixels[..., :5], 1)
    one = diagnose_regime(lines, exchange_current=(true, 0.0), options=RegimeOptions(faces=1))
    both = diagnose_regime(as_line_cuts(times, pixels, 1), exchange_current=(true, 0.0))
    name = "measured_ratio_of_times"
    assert float(one["value"].sel(evidence=name)) == pytest.approx(float(both["value"].sel(evidence=name)), abs=0.1)


def test_time_and_current_scale_out():
    """The same channels a thousand times slower with a thousandth of j0: nothing changes."""
    rng = np.random.default_rng(12)
    particle = Particle(10.0, 2.5)
    times, pixels = observed_lines(particle, rng)
    true = particle.exchange_current
    first = diagnose_regime(as_line_cuts(times, pixels, 1), exchange_current=(true, 0.1 * true))
    slow = diagnose_regime(as_line_cuts(times * 1e3, pixels, 1), exchange_current=(true / 1e3, 0.1e-3 * true))
    np.testing.assert_allclose(first["value"], slow["value"], rtol=1e-9, atol=1e-12)
    assert first.attrs == slow.attrs


def test_charge_and_discharge_mirror_each_other():
    rng = np.random.default_rng(13)
    times, pixels = observed_lines(Particle(1.0, 2.5), rng)
    there = diagnose_regime(as_line_cuts(times, pixels, 1)).sel(evidence=PROFILE)
    back = diagnose_regime(as_line_cuts(times, 1 - pixels, -1)).sel(evidence=PROFILE)
    np.testing.assert_allclose(there["value"], back["value"], rtol=1e-9)


def test_missing_pixels_are_left_out():
    rng = np.random.default_rng(14)
    particle = Particle(30.0, 2.5)
    times, pixels = observed_lines(particle, rng)
    holes = as_line_cuts(times, pixels, 1).copy(deep=True)
    lost = rng.random(holes["lithium_fraction"].shape) < 0.1
    lost[3] = True
    holes["lithium_fraction"].values[lost] = np.nan
    whole, some = (
        diagnose_regime(x, exchange_current=(particle.exchange_current,) * 2)
        for x in (as_line_cuts(times, pixels, 1), holes)
    )
    off = np.abs(whole["value"] - some["value"]).sel(evidence=PROFILE)
    assert np.all(off < 4 * some["value_std"].sel(evidence=PROFILE))


def piece(name, verdict):
    return Piece(name, "", 0.0, 1.0, -1.0, 1.0, 0.0, 0.5, verdict)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ([SURFACE, SURFACE, OPEN], SURFACE),
        ([BULK, OPEN, BULK], BULK),
        ([SURFACE, OPEN], OPEN),
        ([SURFACE, SURFACE, BULK], OPEN),
        ([], OPEN),
    ],
)
def test_rule_for_the_verdict_on_all(said, verdict):
    found, words = overall([piece(f"piece {i}", one) for i, one in enumerate(said)], 2)
    assert found == verdict
    assert ("contradict" in words) == (SURFACE in said and BULK in said)


def lines_of(seed=15, **changes):
    times, pixels = observed_lines(Particle(10.0, 2.5), np.random.default_rng(seed))
    return as_line_cuts(changes.get("times", times), changes.get("pixels", pixels), changes.get("direction", 1))


def test_bad_input_is_named():
    lines = lines_of()
    with pytest.raises(StageError, match="not of the expected stage"):
        diagnose_regime(lines.assign_attrs(stage="rate_table"))
    with pytest.raises(AnalysisError, match="lithium_fraction_std"):
        diagnose_regime(lines.drop_vars("lithium_fraction_std"))
    with pytest.raises(AnalysisError, match="too few frames"):
        diagnose_regime(lines.isel(time=slice(0, 3)))
    with pytest.raises(AnalysisError, match="which half cycle"):
        diagnose_regime(lines.assign_coords(half_cycle=("time", np.arange(lines.sizes["time"], dtype=np.int32) // 5)))
    with pytest.raises(AnalysisError, match="direction"):
        diagnose_regime(lines_of(direction=0))
    with pytest.raises(AnalysisError, match="did not change in the direction"):
        diagnose_regime(lines_of(direction=-1))
    with pytest.raises(AnalysisError, match="overpotential"):
        diagnose_regime(lines, overpotential_volt=[0.1, 0.1])
    with pytest.raises(AnalysisError, match="too few pixels"):
        diagnose_regime(lines_of(pixels=simulate(Particle(10.0))[1][:, None, :2]))


def test_the_simulator_conserves_lithium_and_follows_its_limits():
    """SRL: the mean follows the reaction alone; BDL: early uptake goes with the root of time."""
    times, x = simulate(Particle(1000.0, 2.5), frames=200)
    mean = x.mean(axis=1)
    assert np.ptp(x, axis=1).max() < 0.01
    eta = -2.5 + np.log(mean / (1 - mean))
    expected = -3 * (1 - mean) * np.sqrt(mean * (1 - mean)) / 0.58905 / 1000 * 2 * np.sinh(eta / 2)
    np.testing.assert_allclose(np.gradient(mean, times)[5:-5], expected[5:-5], rtol=5e-3)
    # The ends react in the middle of their cells: uptake is ahead by half a cell at either end, 0.0025 here.
    times, x = simulate(Particle(1e-4, 4.0), frames=400, cells=400)
    early = (times > 0.02) & (times < 0.1)
    gained = (x.mean(axis=1) - 0.05) / (1 / (1 + np.exp(-4.0)) - 0.05)
    np.testing.assert_allclose(gained[early], 2 * np.sqrt(times[early] / np.pi) + 0.0025, rtol=0.01)
