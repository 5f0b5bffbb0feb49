"""The simulations that come with the program against the papers that they follow, coarse or in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lithiscope.studies.simulation import Run, run_case
from lithiscope.studies.simulation_boundary import boundary_motion, boundary_tilt
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_crystal import coherent_tilt, last_driven
from lithiscope.studies.simulation_measures import (
    active_share,
    cover_halfway,
    front_speed,
    particle_courses,
    uniformity,
)
from lithiscope.studies.simulation_panels import gaps, reversal_amplitude
from lithiscope.studies.simulation_pathway import CONNECTED, TOGETHER, filling
from lithiscope.studies.simulation_recipe import SimulationRecipe, load_simulation
from lithiscope.verification.rows import Row, compare

_LIM = "Lim 2016, figs. 2 and 3E"
_BAI = "Bai 2011; Cogswell and Bazant 2012"
_KOO = "Koo 2023, fig. 4"
_MERRYWEATHER = "Merryweather 2021, figs. 3 and 4"
# W. Dreyer et al., Nat. Mater. 9, 448 (2010); Y. Li et al., Nat. Mater. 13, 1149 (2014).
_CROWD = "Dreyer 2010 at low rate, Li 2014 at high rate"
_FRONT = "Merryweather 2021: D from fronts of 20 nm/s"
_BOUND = 1e-13  # m2/s, chemical
_IDEAL = 7.0  # chemical D over that of the ideal mixture, x(1-x) dmu/dx: 5 to 10 in the lithium-poor phase
_ZHANG = "Zhang 2018: reversal of concentration in a domain"
_FLAT = (
    "geometry.sizes=[600, 900]",
    "strain.plane=stress",
    "reaction.regions=[{low: [0, 0.8], high: [0.6, 1], factor: 2}]",
    "frames=61",
)

_COARSE = {
    "lfp_rates": ("geometry.sizes=[1000, 1000]", "sweep.c_rates=[0.01, 10]"),
    "lfp_wave": ("geometry.sizes=[20, 40]", "sweep.c_rates=[0.1, 10]", "method=explicit", "frames=50"),
    "lfp_tilted": (*_FLAT, "geometry.spacing=20", "gradient_energy=1780", "strain.tolerance=1e-4"),
    "lco_disc": ("geometry.spacing=240", "gradient_energy=1.0e+6"),
    "two_domains": ("geometry.sizes=[4, 12]", "sweep.offsets=[0.5]", "sweep.c_rates=[1, 18]", "method=explicit"),
}


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows; `everything` runs the examples as they are, more of them, and thinner interfaces."""
    settings = dict.fromkeys(_COARSE, ()) if everything else _COARSE
    yield from _rate_rows(settings["lfp_rates"])
    yield from _wave_rows(settings["lfp_wave"])
    yield from _reversal_rows(settings["two_domains"])
    yield from _disc_rows(settings["lco_disc"])
    yield from _tilt_rows(settings["lfp_tilted"])
    if everything:
        yield _thin_row()
        yield from _front_rows()
        yield from _population_rows()


def _done(name: str, settings: Sequence[str]) -> tuple[SimulationRecipe, list[Run]]:
    recipe = load_simulation(name, settings=settings)
    return recipe, [run_case(case) for case in cases(recipe)]


def _rate_rows(settings: Sequence[str]) -> Iterator[Row]:
    recipe, runs = _done("lfp_rates", settings)
    found = {(run.case.direction, run.case.c_rate): run for run in runs}
    for sign, word in ((1, "lithiation"), (-1, "delithiation")):
        slow, fast = found[sign, 0.01].video, found[sign, 10].video
        together = "by definition: half of the cells fill at a time"
        claim = f"time of a cell over that of the run, {word} at C/100: one after the other"
        yield Row(claim, _LIM, TOGETHER, filling(slow).duration, 0.0, together, "<=")
        claim = f"time of a cell over that of the run, {word} at 10C: " + ("together" if sign > 0 else "in turns")
        yield Row(claim, _LIM, TOGETHER, filling(fast).duration, 0.0, together, ">=" if sign > 0 else "<=")
        claim = f"uniformity of {word}, 10C less C/100"
        yield Row(claim, _LIM, 0.0, uniformity(fast) - uniformity(slow), 0.0, "rises with rate", ">=")
    more = uniformity(found[1, 10].video) - uniformity(found[-1, 10].video)
    yield Row("uniformity at 10C, lithiation less delithiation", _LIM, 0.2, more, 0.0, "well apart in fig. 3E", ">=")
    gap = list(gaps(recipe, runs).values())
    claim = "least rise of the voltage gap from rate to rate"
    yield Row(claim, "Butler-Volmer kinetics", 0.0, min(np.diff(gap)), 0.0, "overpotential grows", ">=", "V")


def _wave_rows(settings: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a platelet with a nucleus: the boundary carries a small current, and not a large one.

    A large one takes the rest past the spinodal. What it does then is stable on lithiation only: on delithiation j0
    rises as a cell empties, so a cell that is ahead gets further ahead.
    """
    _, runs = _done("lfp_wave", settings)
    found = {(run.case.direction, run.case.c_rate): filling(run.video) for run in runs}
    low = min(rate for _, rate in found if rate is not None)
    for sign, word in ((1, "lithiation"), (-1, "delithiation")):
        claim = f"largest piece of those that have filled, {word} from a nucleus at {low:g}C: one front"
        yield Row(claim, _BAI, CONNECTED, found[sign, low].connectedness, 0.0, "1/2 for two equal fronts", ">=")
        claim = f"time of a cell over that of the run, {word} from a nucleus at {low:g}C: as the front passes"
        because = "by definition: half of the cells fill at a time"
        yield Row(claim, _BAI, TOGETHER, found[sign, low].duration, 0.0, because, "<=")
    claim = "time of a cell over that of the run, lithiation from a nucleus at 10C: the rest fills together"
    fast = found[1, 10].duration
    yield Row(claim, _BAI, TOGETHER, fast, 0.0, "the current is above that which the boundary can carry", ">=")
    claim = "the same on delithiation, over that on lithiation"
    yield Row(claim, _BAI, 1.0, found[-1, 10].duration / fast, 0.0, "j0 rises as a cell empties", "<=")


def _reversal_rows(settings: Sequence[str]) -> Iterator[Row]:
    recipe, runs = _done("two_domains", settings)
    chosen = {run.case.c_rate: reversal_amplitude(recipe, run) for run in runs if run.case.offset == 0.5}
    because = "ten times what lattice images resolve, 0.01"
    yield Row("x that a domain of +0.5 kT gives back at 1C", _ZHANG, 0.1, chosen[1.0], 0.0, because, ">=")
    because = "twice 0.01: the surface exchanges too slowly"
    yield Row(
        "x that a domain of +0.5 kT gives back at 18C", "limit of the reaction", 0.02, chosen[18.0], 0.0, because, "<="
    )


def _disc_rows(settings: Sequence[str]) -> Iterator[Row]:
    recipe, runs = _done("lco_disc", settings)
    covers = {run.case.direction: cover_halfway(run.video, recipe.shown.threshold) for run in runs}
    claim = "rim under the new phase while the old one holds 1/4 to 3/4, 0.18 V above the plateau: a core"
    yield Row(claim, _MERRYWEATHER, 0.9, covers[-1], 0.0, "1 for a core, a strip leaves two ends", ">=")
    claim = "the same, 0.18 V below the plateau: a wave"
    yield Row(
        claim,
        _MERRYWEATHER,
        0.7,
        covers[1],
        0.0,
        "1/2 for a straight front, 0.7 for one that bends around some of the rest",
        "<=",
    )


def _tilt_rows(settings: Sequence[str]) -> Iterator[Row]:
    recipe, (run,) = _done("lfp_tilted", settings)
    tilt, motion = boundary_tilt(run.video)[0], boundary_motion(run.video)
    least = coherent_tilt(recipe) or float("nan")
    because = (
        "ten for the right angles with the sides: width of the interface over that of the particle, some 0.1 rad, twice"
    )
    claim = "tilt of a boundary under strain against the direction without misfit, least while it moves"
    yield Row(claim, _KOO, least, float(np.min(motion.tilt, initial=90.0)), 10.0, because, unit="degrees")
    # Where it meets the second side it turns by some five degrees, to the right angle; that is no drift.
    later = motion.tilt[motion.tilt.size // 2 :]
    drift = float(np.ptp(later)) if later.size else float("nan")
    claim = "change of the tilt in the second half of its way"
    yield Row(claim, _KOO, 3.0, drift, 0.0, "1.5 of the grid at either end", "<=", "degrees")
    kept = abs(float(tilt[-1] - tilt[last_driven(run)]))
    yield Row("change of the tilt in ten hours of rest", _KOO, 1.5, kept, 0.0, "1.5 of the grid", "<=", "degrees")
    because = "3 % of areas counted in cells, 2 % for what the phases take up"
    ratio = motion.speed / motion.demanded
    # With one front and nothing that fills beside it this is the balance of lithium; two fronts would make it 1/2.
    claim = "speed of the boundary along its normal, over that of one front that takes up all of the current"
    yield compare(claim, "balance of lithium", 1.0, ratio, within=0.05, because=because)
    yield _strain_row(float(tilt[-1]) if tuple(settings) == _COARSE["lfp_tilted"] else None)


def _strain_row(strained: float | None) -> Row:
    """Return the row of the tilt without strain over that with it, both on the coarse grid; None: it is yet to run."""
    coarse = _COARSE["lfp_tilted"]
    if strained is None:
        strained = float(boundary_tilt(_done("lfp_tilted", coarse)[1][0].video)[0][-1])
    _, (plain,) = _done("lfp_tilted", (*coarse, "strain.kind=none", "strain.plane=null"))
    ratio = float(boundary_tilt(plain.video)[0][-1]) / strained
    claim = "tilt after the rest without strain, over that with it, both in two dimensions on cells of 20 nm"
    because = "without strain only the start tilts it, and the sides undo that"
    return Row(claim, _KOO, 0.5, ratio, 0.0, because, "<=")


def _thin_row() -> Row:
    """Return the row of the tilt for no width at all, from interfaces of 65 and 33 nm: the pull goes with the width."""
    found = []
    for spacing, kappa in ((30, 4000), (15, 1000)):
        settings = (*_FLAT, f"geometry.spacing={spacing}", f"gradient_energy={kappa}", "strain.tolerance=1e-4")
        recipe, (run,) = _done("lfp_tilted", settings)
        found.append(float(boundary_tilt(run.video)[0][last_driven(run)]))
    return compare(
        "tilt where the current ends, straight on to an interface without width",
        _KOO,
        coherent_tilt(recipe) or float("nan"),
        2 * found[1] - found[0],
        within=3.0,
        because="1.5 of the grid for each, against each other",
        unit="degrees",
    )


def _front_rows() -> Iterator[Row]:
    recipe, runs = _done("lco_front", ())
    found = sorted((run.case.diffusivity or 0.0, front_speed(run.video, recipe.shown.threshold)) for run in runs)
    ideal, speed = (np.array(column) for column in zip(*found, strict=True))
    because = "diffusion limits until the reaction does"
    claim = "least ratio of the speed of a front to that at a tenth of D"
    yield Row(claim, _FRONT, 1.0, float(np.min(speed[1:] / speed[:-1])), 0.0, because, ">=")
    # The speed rises with the logarithm of D at either side of 20 nm/s, so it is interpolated there.
    crossed = float(np.exp(np.interp(20.0, speed, np.log(ideal)))) if speed[0] < 20 < speed[-1] else float("nan")
    because = "a factor of 3: chemical over ideal D is 5 to 10, and the bound is one of magnitude"
    claim = "chemical D at which a front makes 20 nm/s, over the bound, as a factor either way"
    ratio = _IDEAL * crossed / _BOUND
    yield Row(claim, _FRONT, 3.0, max(ratio, 1 / ratio), 0.0, because, "<=")


def _population_rows() -> Iterator[Row]:
    _, runs = _done("population", ("sweep.c_rates=[0.001, 10]",))
    found = {run.case.c_rate: run.video for run in runs}
    # Between two fillings the rest rise to the spinodal together, which `active_share` counts too.
    courses, _ = particle_courses(found[0.001])
    caught = float(np.mean((courses > 0.3) & (courses < 0.8)))
    because = "a hundred particles, so five at a time"
    yield Row("share of the particles between x = 0.3 and 0.8 at C/1000", _CROWD, 0.05, caught, 0.0, because, "<=")
    because = "currents differ by size and rate constant only, by some tenths"
    share = active_share(found[10])
    yield Row("share of the particles that take part at 10C", _CROWD, 0.8, share, 0.0, because, ">=")
