"""The phase-field engine against exact numbers: balance, energy, strain, order in time, outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

from lithiscope import phasefield as pf
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import Crystal, Periodic, Stiffness, coherency_energy, misfit_tensor
from lithiscope.phasefield.elasticity import softest_direction as softest
from lithiscope.phasefield.from_material import model_of, reaction_of
from lithiscope.phasefield.geometry import ellipsoid, pixels, smoothed, surface_area
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.stepwise import falling_row

_BOUND = "a bound of the design, with no slack"
_DIGIT = "half a digit of what is printed"
_GIGAPASCAL = 1e9 / 1.380649e-23  # site density at which rho_s kT is 1 GPa at one kelvin


def engine_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows."""
    yield from _material_rows()
    yield from _strain_rows()
    yield from _area_rows()
    yield from _balance_rows()
    yield from _order_rows()
    yield from _outcome_rows(32 if everything else 20)


def platelet(cells: int, *, spread: float = 0.5, seed: int = 0, **changes: Any) -> pf.Model:
    """Return a depth-averaged LiFePO4 platelet of Lim 2016 with a smooth map of rate constants."""
    lim = material("lfp_lim_2016")
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((cells, cells)), 2.5)
    rate = np.exp(spread * noise / noise.std()) if spread else np.ones_like(noise)
    geometry = pixels(np.ones((cells, cells), bool), 50.0, thickness=150.0, surface="everywhere")
    return model_of(lim, geometry, gradient_energy=8.83, reaction=reaction_of(lim, rate=rate), **changes)


def _material_rows() -> Iterator[Row]:
    lfp = material("lfp_cogswell_bazant_2012")
    source = "Cogswell and Bazant 2012"
    yield compare(
        "gradient energy of LiFePO4", source, 8.83, lfp.gradient_energy_nm2, within=0.005, because=_DIGIT, unit="nm2"
    )
    yield compare(
        "coherency energy over rho_s kT", source, 3.37, lfp.coherency, within=0.01, because="T is 298 or 298.15 K"
    )
    width = pf.interface_width(pf.RegularSolution(lfp.free_energy[1]["omega"]), lfp.gradient_energy_nm2)
    yield compare("width of the interface in LiFePO4", source, 3.07, width, within=0.005, because=_DIGIT, unit="nm")


def _strain_rows() -> Iterator[Row]:
    for name, least, normal in (
        ("lfp_cogswell_bazant_2012", 0.1903, (0.887, 0.0, 0.462)),
        ("lfp_averaged", 0.1234, (0.852, 0.0, 0.523)),
    ):
        given = material(name)
        tensor, misfit = Stiffness(given.stiffness * 1e-9).tensor, misfit_tensor(given.misfit)
        found, energy = softest(tensor, misfit)
        yield compare(
            f"least B(n), {name}",
            "Khachaturyan 1983, B(n) of the published constants",
            least,
            energy,
            within=5e-5,
            because=_DIGIT,
            unit="GPa",
        )
        away = float(np.max(np.abs(np.abs(np.asarray(found)) - np.asarray(normal))))
        yield Row(
            f"its normal, {name}: largest difference of a component",
            "Khachaturyan 1983, B(n) of the published constants",
            5e-4,
            away,
            0.0,
            _DIGIT,
            "<=",
        )
        if name == "lfp_averaged":
            for axis, value in zip(np.eye(3), (0.188, 0.339, 0.592), strict=True):
                one = float(coherency_energy(axis, tensor, misfit))
                claim = f"B along {np.array2string(axis.astype(int), separator='')}, {name}"
                yield compare(
                    claim,
                    "Khachaturyan 1983, B(n) of the published constants",
                    value,
                    one,
                    within=5e-4,
                    because=_DIGIT,
                    unit="GPa",
                )
    yield from _circle_rows()


def _circle_rows() -> Iterator[Row]:
    """Yield the rows of the circular precipitate of PFHub 4: radius 20 nm, cubic, misfit 0.5 % in the plane."""
    energies = [_circle_energy(cells) for cells in (128, 256, 512)]
    told = ", ".join(f"{cell} nm: {energy:.4f}" for cell, energy in zip((2, 1, 0.5), energies, strict=True))
    source = "PFHub benchmark 4 constants; mean of B(n) over all directions"
    yield compare(
        f"elastic energy of a circular precipitate, infinite body (cells of {told})",
        source,
        3.2446,
        energies[-1],
        within=0.032446,
        because="1 %, on the finest grid",
        unit="aJ/nm",
    )
    last = abs(energies[2] / energies[1] - 1)
    claim = "its change from cells of 1 nm to cells of 0.5 nm"
    yield Row(claim, source, 0.005, last, 0.0, "half of that 1 %: the grid has converged", "<=")


def _circle_energy(cells: int, side: float = 256.0, radius: float = 20.0) -> float:
    """Return the elastic energy of the precipitate in a periodic box, aJ/nm, its share of the box taken off."""
    step = side / cells
    geometry = pixels(np.ones((cells, cells), bool), step, periodic=True, surface="nowhere")
    cubic = Stiffness.cubic(C11=250.0, C12=150.0, C44=100.0)
    solid = Crystal(cubic, (0.005, 0.005, 0.0), site_density=_GIGAPASCAL, temperature=1.0, axes="cba", plane="strain")
    y, x = step * (np.indices((cells, cells)) - cells / 2 + 0.5)
    circle = (y**2 + x**2 < radius**2).astype(float)
    energy = step**2 * float(Periodic(solid, geometry).energy(jnp.asarray(circle), geometry))
    # In proportion to its area, which cells that are in or out miss by up to 1 %.
    return float(energy * np.pi * radius**2 / (step**2 * circle.sum()) / (1 - circle.mean()))


def _area_rows() -> Iterator[Row]:
    for name, ndim, exact in (("disc", 2, 2 * np.pi * 10.0), ("sphere", 3, 4 * np.pi * 100.0)):
        offsets = np.random.default_rng(2).uniform(-0.5, 0.5, (4, ndim))
        worst = 0.0
        for offset in offsets:
            shape = ellipsoid((10.0,) * ndim, 1.0, offset=offset)
            worst = max(worst, abs(surface_area(smoothed(shape.distance, 1.0)) / exact - 1))
        yield Row(
            f"error of the reacting area of a smoothed {name} of 10 cells radius",
            "exact area",
            0.01,
            worst,
            0.0,
            _BOUND,
            "<=",
        )


def _balance_rows() -> Iterator[Row]:
    model = platelet(20)
    runs = {
        "constant current": pf.constant_current(1.0, to_fraction=0.9),
        "constant potential": pf.constant_potential(3.3, 3600.0),
        "rest in mid-charge": pf.rest(3600.0),
    }
    for name, protocol in runs.items():
        start = 0.03 if name != "rest in mid-charge" else _patterned(20)
        record = pf.simulate(model, protocol, 9, initial=start).record
        worst = float(np.abs(record["mass_balance_error"]).max())
        yield Row(f"error of the balance of lithium, {name}", "docs/decisions/0005", 1e-12, worst, 0.0, _BOUND, "<=")
    # Small tolerance and a long rest: otherwise it is one step.
    yield falling_row(
        "a platelet at rest, explicit", model, pf.rest(36000.0), _patterned(20), controller=pf.Controller(1e-7)
    )


def _patterned(cells: int) -> Any:
    noise = gaussian_filter(np.random.default_rng(4).standard_normal((cells, cells)), 2.0)
    return jnp.asarray(0.5 + 0.1 * noise / np.abs(noise).max())


def _order_rows() -> Iterator[Row]:
    model = platelet(8)
    protocol, times = pf.constant_current(1.0, seconds=1200.0), [0.0, 1200.0]

    def end(step: float) -> Any:
        fixed = pf.Controller(tolerance=0.05, first=step, longest=step)
        return pf.simulate(model, protocol, times, initial=0.1, controller=fixed).final

    coarse, middle, fine = (end(step) for step in (80.0, 40.0, 20.0))
    order = float(jnp.log2(jnp.linalg.norm(coarse - middle) / jnp.linalg.norm(middle - fine)))
    yield compare(
        "observed order in time of the explicit method",
        "Bogacki and Shampine 1989",
        3.0,
        order,
        within=0.25,
        because="what three finite steps leave of the next order",
    )


def _outcome_rows(cells: int) -> Iterator[Row]:
    model = platelet(cells)
    spread: dict[tuple[int, float], float] = {}
    volt: dict[tuple[int, float], float] = {}
    for sign, start, end in ((1, 0.03, 0.97), (-1, 0.97, 0.03)):
        for rate in (0.02, 0.2, 2.0):
            run = pf.simulate(model, pf.constant_current(sign * rate, to_fraction=end), 41, initial=start)
            at = int(np.abs(run.record["mean_lithium_fraction"].values - 0.5).argmin())
            x = run.video["lithium_fraction"].values[at]
            spread[sign, rate] = float(1 - np.std(x) / 0.5)
            volt[sign, rate] = float(run.record["voltage_volt"][at])
    source = "Lim 2016, figs. 3 and 4: auto-inhibitory lithiation, auto-catalytic delithiation"
    gain = spread[1, 2.0] - spread[-1, 2.0]
    yield Row("uniformity at half charge, lithiation less delithiation at 2C", source, 0.2, gain, 0.0, _BOUND, ">=")
    rise = spread[1, 2.0] - spread[1, 0.02]
    yield Row("uniformity of lithiation, 2C less C/50", source, 0.05, rise, 0.0, _BOUND, ">=")
    gaps = [volt[-1, rate] - volt[1, rate] for rate in (0.02, 0.2, 2.0)]
    least = float(min(np.diff(gaps)))
    yield Row(
        "least rise of the voltage gap from C/50 to C/5 to 2C",
        "Butler-Volmer kinetics",
        0.0,
        least,
        0.0,
        _BOUND,
        ">=",
        "V",
    )
