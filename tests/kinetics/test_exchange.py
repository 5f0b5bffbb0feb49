from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError, StageError
from lithiscope.kinetics import insertion_rate, with_current_density, with_exchange_current
from lithiscope.kinetics.options import ExchangeOptions
from truth import kinetics_truth as truth

LABEL = np.ones((4, 5), dtype=int)
VOLT = 0.025692579  # kT/e at 298.15 K, as PHYSICS rounds it: 25.69 mV


def setting(eta, *, rate=-0.4, x=0.5, sigma=0.03, eta_std=0.0, way=None, **shifts):
    """Some intervals at the same rate and composition, each with its own overpotential (V)."""
    eta = np.atleast_1d(eta)
    count = len(eta) + 1
    way = -1 if way is None else way
    # Frames alternate, so that x in the middle is the same in all intervals; every second one has the wanted rate.
    video = [x + side * rate * 0.1 + 0.0 * LABEL for side in (-0.5, 0.5)]
    frames = np.stack([video[k % 2] for k in range(count)])
    times = 360.0 * np.arange(count)
    data = truth.as_video(frames, sigma, LABEL, times, [0] * count, [way] * count)
    rates = with_current_density(insertion_rate(data))
    intervals = truth.as_intervals(times, [0] * count, [way] * count, eta, eta_std, **shifts)
    return rates.isel(interval=slice(0, None, 2)), intervals.isel(interval=slice(0, None, 2))


def exchange(eta, law, **options):
    rates, intervals = setting([eta, eta])
    return with_exchange_current(rates, intervals, options=ExchangeOptions(law=law, **options))


def test_the_linear_law_and_its_band_against_butler_volmer():
    """PHYSICS 2: Butler-Volmer over linear is 1.17 at 50 mV and 2.19 at 120 mV."""
    for eta, ratio in ((0.05, 1.17), (0.12, 2.19)):
        linear = exchange(eta, "linear")
        j = float(linear["current_density"][0, 0, 0])
        assert float(linear["exchange_current_density"][0, 0, 0]) == pytest.approx(j * VOLT / eta, rel=1e-4)
        bv = exchange(eta, "butler_volmer")
        found = linear["exchange_current_density"].values / bv["exchange_current_density"].values
        np.testing.assert_allclose(found, ratio, atol=0.005)
        shift = linear["exchange_current_density_shift"].sel(systematic="reaction_law").values
        np.testing.assert_allclose(shift, (bv - linear)["exchange_current_density"].values, rtol=1e-4)
        back = bv["exchange_current_density_shift"].sel(systematic="reaction_law").values
        np.testing.assert_allclose(back, -shift, rtol=1e-4)


def test_the_other_equilibrium_is_a_shift_of_its_own():
    """Lim 2016, fig. S17B: what V_eq(x) of a regular solution would have said, and the other way round."""
    rates, intervals = setting([0.06, 0.06], x=0.3)

    def found(**options):
        return with_exchange_current(rates, intervals, options=ExchangeOptions(law="butler_volmer", **options))

    cell, regular = found(), found(equilibrium="regular_solution")
    change = (regular - cell)["exchange_current_density"].values
    # V_eq(0.3) lies (3 x 0.4 + ln(3/7)) kT/e = 9.06 mV below V_0, so the overpotential is larger and j0 smaller.
    expected = np.sinh(0.06 / VOLT / 2) / np.sinh((0.06 / VOLT + 1.2 + np.log(3 / 7)) / 2) - 1
    np.testing.assert_allclose(change / cell["exchange_current_density"].values, expected, rtol=1e-3)
    for base, sign in ((cell, 1), (regular, -1)):
        shift = base["exchange_current_density_shift"].sel(systematic="equilibrium_law").values
        np.testing.assert_allclose(shift, sign * change, rtol=1e-3)
    alone = found(compare_equilibrium=False, compare_with=None)
    assert "equilibrium_law" not in alone["systematic"].values


def test_alpha_is_the_coefficient_of_lithiation():
    found = exchange(0.08, "butler_volmer", parameters={"alpha": 0.3})
    u = 0.08 / VOLT
    r = np.exp(0.7 * u) - np.exp(-0.3 * u)
    expected = found["current_density"].values / r
    np.testing.assert_allclose(found["exchange_current_density"].values, expected, rtol=1e-4)
    assert found.attrs["law"] == "butler_volmer(alpha=0.3), one V_eq"


def test_any_reaction_law_by_name():
    found = exchange(0.08, "marcus", parameters={"reorganisation": 10.0})
    u = 0.08 / VOLT
    r = 2 * np.sinh(u / 2) * np.exp(-(u**2) / 40)
    np.testing.assert_allclose(found["exchange_current_density"].values, found["current_density"].values / r, rtol=1e-4)


@pytest.mark.parametrize("x", [0.1, 0.3, 0.5, 0.8])
def test_the_regular_solution_moves_the_overpotential_of_every_pixel(x):
    """V_eq = V0 - [Omega(1-2x) + ln(x/(1-x))] kT/e, with the sign that is thermodynamically right."""
    rates, intervals = setting([0.06, 0.06], x=x)
    found = with_exchange_current(rates, intervals, options=ExchangeOptions(equilibrium="regular_solution"))
    eta = 0.06 + VOLT * (3 * (1 - 2 * x) + np.log(x / (1 - x)))
    expected = found["current_density"].values * VOLT / eta
    np.testing.assert_allclose(found["exchange_current_density"].values, expected, rtol=1e-4)
    # The noise of x now matters too: j0 = j/u, du/dx = 1/(x(1-x)) - 6
    slope = 1 / (x * (1 - x)) - 6
    relative = np.hypot(0.03 * np.sqrt(2) / 0.04, 0.03 / np.sqrt(2) * slope / (eta / VOLT))
    # central differences over one sigma of x: second order in 0.02 * mu''/u
    np.testing.assert_allclose(found["exchange_current_density_std"].values, expected * relative, rtol=0.02)


def test_random_errors_stay_apart_from_those_of_the_overpotential():
    rates, intervals = setting([0.05, 0.05], eta_std=0.005)
    found = with_exchange_current(rates, intervals)
    j0 = found["exchange_current_density"].values
    own = found["current_density_std"].values / found["current_density"].values * j0
    np.testing.assert_allclose(found["exchange_current_density_std"].values, own, rtol=1e-5)
    np.testing.assert_allclose(found["overpotential_effect"].values, -0.1 * j0, rtol=1e-5)


def test_shifts_of_the_overpotential_are_run_again():
    rates, intervals = setting([0.05, 0.05], resistance=0.01, equilibrium_voltage=-0.004)
    found = with_exchange_current(rates, intervals, options=ExchangeOptions(compare_with=None))
    j0 = found["exchange_current_density"].values
    shift = found["exchange_current_density_shift"]
    assert list(shift["systematic"].values) == [
        "attenuation_table",
        "inactive_face",
        "resistance",
        "equilibrium_voltage",
        "equilibrium_law",
    ]
    np.testing.assert_allclose(shift.sel(systematic="resistance").values, j0 * (0.05 / 0.06 - 1), rtol=1e-4)
    np.testing.assert_allclose(shift.sel(systematic="equilibrium_voltage").values, j0 * (0.05 / 0.046 - 1), rtol=1e-4)
    np.testing.assert_allclose(shift.sel(systematic="inactive_face").values, j0, rtol=1e-5)


def test_outside_its_range_the_law_gives_nothing():
    rates, intervals = setting([0.005, 0, 0.05, 0, 0.13, 0, np.nan, 0])
    found = with_exchange_current(rates, intervals)
    lost = np.isnan(found["exchange_current_density"].values).all(axis=(1, 2))
    assert list(lost) == [True, False, True, True]
    flags = found["exchange_current_density_flag"].values[:, 0, 0]
    assert list(flags) == [stages.flag_bit("unsolvable"), 0, stages.flag_bit("unsolvable"), stages.flag_bit("missing")]
    wide = with_exchange_current(rates, intervals, options=ExchangeOptions(largest_overpotential=None))
    assert np.isfinite(wide["exchange_current_density"].values[2]).all()


def test_a_current_against_the_overpotential_is_flagged_and_kept():
    """A lithiating pixel (rate +0.4, j < 0) in a delithiation; sigma of the rate is 0.42 or 0.014."""
    for sigma, flagged in ((0.03, False), (0.001, True)):
        rates, intervals = setting([0.05, 0.05], rate=0.4, sigma=sigma)
        found = with_exchange_current(rates, intervals)
        assert (found["exchange_current_density"].values < 0).all()
        set_ = (found["exchange_current_density_flag"].values & stages.flag_bit("wrong_sign")) != 0
        assert set_.all() == flagged


def test_directions_come_from_the_cell_where_the_frames_have_none():
    rates, intervals = setting([0.05, 0.05])
    blind = rates.assign_coords(direction=("interval", [0]), half_cycle=("interval", [-1]))
    found = with_exchange_current(blind, intervals)
    assert int(found["direction"][0]) == -1
    assert int(found["half_cycle"][0]) == 0


def test_bad_input_gives_one_clear_error():
    rates, intervals = setting([0.05, 0.05, 0.06, 0.06, 0.05])
    with pytest.raises(StageError, match="needs a current density"):
        with_exchange_current(rates.drop_vars([n for n in rates if str(n).startswith("current")]), intervals)
    with pytest.raises(StageError, match="not those of the rates"):
        with_exchange_current(rates, intervals.isel(interval=slice(0, 1)))
    with pytest.raises(AnalysisError, match="no interval has an overpotential"):
        with_exchange_current(rates, intervals.assign(overpotential_volt=intervals["overpotential_volt"] * np.nan))
    turned = intervals.copy()
    turned["overpotential_volt"] = -intervals["overpotential_volt"].assign_attrs()
    turned["overpotential_volt"].attrs = intervals["overpotential_volt"].attrs
    with pytest.raises(AnalysisError, match="sign of the other direction"):
        with_exchange_current(rates, turned)
    with pytest.raises(OptionError, match="no such reaction law"):
        with_exchange_current(rates, intervals, options=ExchangeOptions(law="tafel"))
    with pytest.raises(OptionError, match="above smallest"):
        ExchangeOptions(smallest_overpotential=0.2)


def test_a_law_that_bends_takes_the_variation_of_the_overpotential_into_account():
    """Over a straight course of the overpotential the mean of 2 sinh(u/2) is known in closed form."""
    rates, intervals = setting([0.06, 0.06])
    half = 0.04  # V, to either side of 60 mV
    found = [
        with_exchange_current(rates, known, options=ExchangeOptions(law="butler_volmer", compare_with=None))
        for known in (
            intervals,
            intervals.assign(overpotential_spread_volt=("interval", [half / np.sqrt(3)], {"units": "V"})),
        )
    ]
    plain, bent = (one["exchange_current_density"].values for one in found)
    u, d = 0.06 / VOLT, half / VOLT
    expected = 2 * np.sinh(u / 2) * np.sinh(d / 2) / (d / 2) / (2 * np.sinh(u / 2))
    # Two points stand for the straight course: right to the third order, d^4/2880 and less is left.
    np.testing.assert_allclose(plain / bent, expected, rtol=d**4 / 2880)
    linear = with_exchange_current(
        rates, intervals.assign(overpotential_spread_volt=("interval", [half], {"units": "V"}))
    )
    j = rates["current_density"].values
    np.testing.assert_allclose(linear["exchange_current_density"].values, j * VOLT / 0.06, rtol=1e-4)
