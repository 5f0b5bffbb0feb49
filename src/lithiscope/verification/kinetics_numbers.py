"""Published numbers of the kinetics: currents, voltages, exchange laws, characteristic times, linear stability."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lithiscope import laws, stages
from lithiscope.kinetics import insertion_rate, with_current_density
from lithiscope.kinetics.times import bulk_time
from lithiscope.verification.rows import Row, compare

_OMEGA, _STRAIN = 4.49, 3.73  # kT
_ROUNDED = "rounding of the stated value"
_LIM = "Lim 2016"
_BAI = "Bai 2011, Cogswell 2012; Lim 2016, eqs. S12 to S18: Omega = 4.49 kT, B = 3.73 kT"


def number_rows() -> Iterator[Row]:
    """Yield the rows on published numbers of the kinetics."""
    yield _current_row()
    yield from _voltage_rows()
    yield from _shape_rows()
    yield from _time_rows()
    yield from _spinodal_rows()
    yield from _window_rows()
    yield from _growth_rows()


def _current_row() -> Row:
    """Return the row on a platelet that loses half of its lithium in half an hour."""
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", np.array([0.75, 0.25])[:, None, None] * np.ones((2, 2, 2))),
            "lithium_fraction_flag": ("time y x", np.zeros((2, 2, 2))),
        },
        coords={
            "time": ("time", [0.0, 1800.0]),
            "half_cycle": ("time", [0, 0]),
            "direction": ("time", [-1, -1]),
            "y": ("y", [0.0, 0.05]),
            "x": ("x", [0.0, 0.05]),
        },
        attrs={"signal": "lithium_fraction"},
    )
    found = with_current_density(insertion_rate(video), 150.0)["current_density"].values
    return compare(
        "current density of a platelet of 150 nm that delithiates at 1C through two faces",
        f"{_LIM}, eqs. S5 and S6, with 1.38e28 sites per m3",
        0.0461,
        float(found.mean()),
        within=5e-5,
        because=_ROUNDED,
        unit="A/m2",
    )


def _voltage_rows() -> Iterator[Row]:
    potential = laws.chemical_potential("regular_solution", omega=3.0)
    yield compare(
        "gap of the voltage between the spinodal points of a regular solution of 3 kT",
        f"{_LIM}, eq. S10, with the sign of the logarithm that thermodynamics asks for (printed: about 22 mV)",
        21.3,
        1e3 * laws.spinodal_voltage_gap(potential),
        within=0.05,
        because=_ROUNDED,
        unit="mV",
    )
    for millivolt, expected in ((50, 1.17), (120, 2.19)):
        yield compare(
            f"by how much the linear law overestimates j0 at {millivolt} mV",
            f"{_LIM}, eqs. S7 and S9: 2 sinh(u/2)/u, u = e eta/kT",
            expected,
            float(laws.over_linear(millivolt * 1e-3 / laws.thermal_voltage(), "butler_volmer")),
            within=0.005,
            because=_ROUNDED,
        )


def _shape_rows() -> Iterator[Row]:
    law = laws.exchange_law("skewed_lim")
    top = laws.peak(law)
    source = f"{_LIM}, eq. S16: F = 3 (1-x) sqrt(x(1-x))"
    yield compare("largest j0/k0", source, 0.974, top.value, within=5e-4, because=_ROUNDED)
    yield compare(
        "lithium fraction of the largest j0",
        source,
        0.25,
        top.position,
        within=1e-9,
        because="exact: F' is zero at 1/4",
    )
    for x, expected in ((0.64, 0.518), (0.41, 0.871)):
        claim = f"j0/k0 at x = {x}"
        yield compare(claim, "Koo 2023, fig. 5", expected, float(law(x)), within=5e-4, because=_ROUNDED)


def _time_rows() -> Iterator[Row]:
    source = "Koo 2023: L^2/D with L = 200 nm, half of a channel of 400 nm"
    for diffusivity, seconds, expected, slack, unit in (
        (1e-13, 1.0, 0.4, 1e-9, "s"),
        (1e-18, 3600.0, 11.0, 0.5, "h"),
    ):
        claim = f"time of diffusion through half a channel, D = {1e4 * diffusivity:.0e} cm2/s"
        found = bulk_time(200.0, diffusivity) / seconds
        yield compare(claim, source, expected, found, within=slack, because=_ROUNDED, unit=unit)


def _state(name: str) -> laws.UniformState:
    parameters = {"omega": _OMEGA} if name == "skewed_cogswell_bazant" else {}
    potential = laws.chemical_potential("regular_solution", omega=_OMEGA)
    return laws.UniformState(laws.exchange_law(name, **parameters), potential, strain=_STRAIN)


def _spinodal_rows() -> Iterator[Row]:
    potential = laws.chemical_potential("regular_solution", omega=_OMEGA)
    for name, expected, found in zip(
        ("lower", "upper"), (0.2560, 0.7440), laws.spinodal(potential, strain=_STRAIN), strict=True
    ):
        claim = f"{name} spinodal point, coherency strain included"
        yield compare(claim, _BAI, expected, float(found), within=5e-5, because=_ROUNDED)
    curvature = 4 - 2 * _OMEGA + _STRAIN
    for name, exchange, drift, stated in (
        ("skewed_cogswell_bazant", 0.6, _OMEGA, 0.1686),
        ("skewed_lim", 0.75, 2.0, 0.4934),
    ):
        yield compare(
            f"neutral insertion current over k0 at x = 0.5, {name} (stated: {stated})",
            f"{_BAI}; |mu'| F / sqrt[(F'/F)^2 - mu'^2/4]",
            abs(curvature) * exchange / np.sqrt(drift**2 - curvature**2 / 4),
            float(laws.neutral_current(0.5, _state(name))),
            within=1e-9,
            because="closed formula; the stated values are cut after four decimals",
        )


def _window_rows() -> Iterator[Row]:
    lower = laws.stable_currents(_state("skewed_cogswell_bazant"))
    yield compare(
        "insertion current over k0 above which every composition is stable, skewed_cogswell_bazant",
        _BAI,
        0.26,
        lower.low,
        within=0.005,
        because=_ROUNDED,
    )
    window = laws.stable_currents(_state("skewed_lim"))
    for name, expected, found in (("least", 1.15, window.low), ("largest", 2.54, window.high)):
        claim = f"{name} insertion current over k0 at which every composition is stable, skewed_lim"
        yield compare(claim, _BAI, expected, found, within=0.005, because=_ROUNDED)
    x, current = np.linspace(0.001, 0.999, 999), np.linspace(0.0, 20.0, 401)
    fastest = np.asarray(laws.growth_rate(x, current[:, None], _state("symmetric"))).max(axis=1)
    yield Row(
        "symmetric F is unstable for some x at any insertion current up to 20 k0: least of the largest growth rates",
        _BAI,
        0.0,
        float(fastest.min()),
        0.0,
        "a bound with no slack",
        ">=",
    )


def _growth_rows() -> Iterator[Row]:
    state = _state("skewed_lim")
    root = 1 - 2 / (_OMEGA - _STRAIN / 2)  # where s changes its sign in the limit of large currents
    path = np.unique(np.append(np.linspace(0, 1, 401), root))
    claim = "logarithm of the growth of a perturbation on the side of x < 0.24, skewed_lim, insertion current {}"
    yield compare(
        claim.format("9 k0"),
        f"{_BAI}; it depends on the current",
        0.07,
        laws.growth_integral(path, 9.0, state).largest,
        within=0.005,
        because=_ROUNDED,
    )
    yield compare(
        claim.format("1e6 k0"),
        f"{_BAI}; limit (Omega - B/2) x + 2 ln(1-x) at x = 1 - 2/(Omega - B/2)",
        (_OMEGA - _STRAIN / 2) * root + 2 * np.log(1 - root),
        laws.growth_integral(path, 1e6, state).largest,
        within=1e-5,
        because="the rule of Gauss and Legendre on 401 pieces, and a current that is not infinite",
    )
