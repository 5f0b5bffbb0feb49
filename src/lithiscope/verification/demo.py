"""The demonstration: virtual beamtimes whose truth is known, analysed as if the files came from a beamline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope.instruments.potentiostat import write_mpt
from lithiscope.instruments.reaction import Electrode, Reacting, Reaction, react, reacting_platelets
from lithiscope.instruments.stxm import MicroscopeOptions, Scene, three_platelets
from lithiscope.progress import SILENT, Reporter
from lithiscope.report.exchange import best_law
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study
from lithiscope.studies.runner import Study
from lithiscope.verification.virtual_kinetics import one_cycle, trace_of
from lithiscope.verification.virtual_stxm import make_experiment, offset_of, read_truth

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.report.page import Section, Table

_SCANS_PER_HALF_CYCLE = 7  # as in Lim et al. 2016, Fig. 2
_SHARP = 0.1  # change of x over a pixel, three of its sigma: what a probe of that size blurs is no error of counting

_KINETICS = """
cell:
  files: [cell.mpt]
  timezone: UTC
  split: {nominal_capacity_ah: 5.0e-9}
  resistance: {ohm: 1.0e+8, ohm_std: 1.0e+6}    # of the tube of electrolyte, from current pulses
  equilibrium: {volt: 3.425, volt_std: 0.001}   # mean of slow plateaus, measured before
  clock: {offset_std: 2.0}
  frames: {lithium_start: 0.03}

kinetics:
  compute: true
  exchange: {law: butler_volmer}
"""


@dataclass(frozen=True)
class Beamtime:
    """One virtual beamtime: its folder, its story, the scene under the microscope, and what drove it, if anything."""

    name: str
    title: str
    scene: Scene
    seed: int
    reaction: Reaction | None = None


def beamtimes() -> list[Beamtime]:
    """Return the beamtimes of the demonstration, under the conditions of Lim et al. 2016."""
    reaction = react(Electrode(interaction=0.0), one_cycle(0.3), start=0.03)
    return [
        Beamtime(
            "slow",
            "Three LiFePO4 platelets at 0.6C: moving front, shrinking core, fast domains (virtual)",
            three_platelets("mixed", c_rate=0.6),
            seed=20160805,
        ),
        Beamtime(
            "fast",
            "Three LiFePO4 platelets at 2C: uniform solid solution (virtual)",
            three_platelets("uniform", c_rate=2.0),
            seed=566,
        ),
        Beamtime(
            "kinetics",
            "Three LiFePO4 platelets that react by a skewed exchange current at 0.3C (virtual)",
            reacting_platelets(reaction),
            seed=571,
            reaction=reaction,
        ),
    ]


def run_demo(folder: Path, *, reporter: Reporter = SILENT) -> Iterator[str]:
    """Write raw files, run the recipe on them, and yield lines that put truth beside result.

    Parameters
    ----------
    folder : Path
        Where everything goes; a second run goes on where the first stopped.
    reporter : Reporter
        Told of the progress.

    Yields
    ------
    str
        What was found, for people.
    """
    pages = []
    for beamtime in beamtimes():
        place = folder / beamtime.name
        recipe = place / "recipe.yaml"
        if not recipe.exists():
            reporter.say(f"writing the raw files of a virtual beamtime to {place / 'raw'}")
            write_beamtime(beamtime, place)
        study = run_study(load_recipe(recipe), place / "results", reporter=reporter)
        truth = compare_with_truth(beamtime, study, place)
        constants = rate_constants(beamtime, study)
        lines = write_results(study, place / "results", extra_sections=[truth_section(study, truth, constants)])
        yield ""
        yield from lines[: len(study.results["particles"]["particle"]) + 1]
        yield from truth_lines(study, truth)
        yield from constant_lines(constants)
        pages.append(next(line for line in lines if line.startswith("page:")))
    yield ""
    yield from pages


def write_beamtime(beamtime: Beamtime, folder: Path, *, microscope: MicroscopeOptions | None = None) -> Path:
    """Write the raw files (SDF), reference spectra, truth and recipe of a beamtime; return the recipe's path."""
    options = microscope or MicroscopeOptions(spike_share=2e-5, ring_lifetime=36000.0)
    if beamtime.reaction is not None:
        # Seven hours long: a stage that drifts as in the short ones would lose the particles.
        options = options.model_copy(update={"drift_velocity": (0.02, -0.01), "top_up_interval": 7200.0})
    starts, directions = _plan(beamtime.scene, options)
    made = make_experiment(folder / "raw", beamtime.scene, starts, microscope=options, seed=beamtime.seed)
    if beamtime.reaction is not None:
        write_mpt(_as_written(beamtime.reaction, beamtime.seed), folder / "raw" / "cell.mpt")
    recipe = folder / "recipe.yaml"
    recipe.write_text(_recipe(beamtime, made.scans, directions, made.references), encoding="utf-8")
    return recipe


def _plan(scene: Scene, options: MicroscopeOptions) -> tuple[NDArray[np.float64], list[int]]:
    """Return when each scan starts, evenly over each half cycle, and in which direction lithium then moves."""
    from lithiscope.instruments.stxm import scan_duration

    length = scan_duration(scene, options)
    starts, directions = [], []
    for half_cycle in scene.protocol:
        if half_cycle.direction == 0:
            continue
        first, last = half_cycle.start - length / 2, half_cycle.end - length / 2
        starts.append(np.linspace(max(first, 0.0), last, _SCANS_PER_HALF_CYCLE))
        directions += [half_cycle.direction] * _SCANS_PER_HALF_CYCLE
    return np.concatenate(starts), directions


def _as_written(reaction: Reaction, seed: int) -> xr.Dataset:
    """Return the trace with the noise of a potentiostat and its clock, whose zone the file does not tell."""
    rng = np.random.default_rng(seed)
    trace = trace_of(reaction)
    current = reaction.current + 2e-13 * rng.standard_normal(reaction.current.size) * (np.abs(reaction.current) > 1e-12)
    charge = np.concatenate([[0.0], np.cumsum((current[1:] + current[:-1]) / 2 * np.diff(reaction.time))]) / 3600
    noisy = trace.assign(
        voltage_volt=("sample", trace["voltage_volt"].values + 2e-4 * rng.standard_normal(current.size)),
        current_ampere=("sample", current),
        net_capacity_ah=("sample", charge),
    )
    return noisy.assign_attrs(start_utc=MicroscopeOptions().start_utc)


def _recipe(beamtime: Beamtime, scans: tuple[Path, ...], directions: list[int], references: object) -> str:
    lithiation = [path.name for path, sign in zip(scans, directions, strict=True) if sign > 0]
    delithiation = [path.name for path, sign in zip(scans, directions, strict=True) if sign < 0]
    spectra = {name: path.name for name, path in dict(references).items()}  # type: ignore[call-overload]
    return f"""# A virtual beamtime; the truth lies beside the raw files. `lithiscope new` explains every option.
lithiscope: 1
technique: stxm
title: "{beamtime.title}"

data:
  folder: raw
  timezone: UTC
  origin: simulation with known truth
  series:
    - {{direction: lithiation, cycle: 0, files: [{", ".join(lithiation)}]}}
    - {{direction: delithiation, cycle: 0, files: [{", ".join(delithiation)}]}}

correct:
  flicker: 0.01          # stated by the beamline: 1 % of the flux, per pixel
  dark_counts: 2
  despike: true

references:
  spectra:
    LiFePO4: {{file: {spectra["LiFePO4"]}, lithium_content: 1}}
    FePO4: {{file: {spectra["FePO4"]}, lithium_content: 0}}
{_KINETICS if beamtime.reaction is not None else ""}"""


class Truth(NamedTuple):
    """True lithium fractions on the measured grid, (time, y, x) and (particle, time), and the drift not found, um."""

    pixels: NDArray[np.float64]
    particles: NDArray[np.float64]
    residual_drift: NDArray[np.float64]


def compare_with_truth(beamtime: Beamtime, study: Study, folder: Path) -> Truth:
    """Return the true lithium fractions, per particle and per pixel, on the measured grid.

    The registration may choose another origin than the simulation: the truth is evaluated where the measured pixels
    really lay, from the formula of the scene, with no interpolation.
    """
    truth = read_truth(folder / "raw" / "truth.zarr")
    results = study.results
    drift, shift = truth["drift"].values, results["alignment"]["shift"].values
    offset = offset_of(truth, results["alignment"])
    video, table, labels = results["composition"], results["particles"], results["labels"]
    y, x = video["y"].values[:, None] - offset[0], video["x"].values - offset[1]
    # The files count time from the start of the first scan, the scene from its own zero.
    late = float(truth["exposure_mid"].values[0, 0] - results["recording"]["exposure_mid"].values[0, 0])
    times = video["time"].values + late
    scene = beamtime.scene
    x_true = np.stack([scene.fraction(time, y, x) for time in times])
    weight = scene.thickness(y, x)
    means = np.full((table.sizes["particle"], times.size), np.nan)
    for row, number in enumerate(labels["number"].values):
        inside = (labels["label"].values == number) & (weight > 0) & np.isfinite(x_true).all(axis=0)
        if inside.any():
            means[row] = (x_true[:, inside] * weight[inside]).sum(axis=1) / weight[inside].sum()
    return Truth(x_true, means, shift - drift + offset)


def truth_figures(study: Study, truth: Truth) -> dict[str, float]:
    """Return how far the result is from the truth, in figures."""
    video, table = study.results["composition"], study.results["particles"]
    inside = study.results["labels"]["label"].values > 0
    error = (video["lithium_fraction"].values - truth.pixels)[:, inside]
    pull = error / video["lithium_fraction_std"].values[:, inside]
    sharp = _change_over_a_pixel(truth.pixels)[:, inside] > _SHARP
    known = np.isfinite(pull)
    pull, sharp = pull[known], sharp[known]
    particle_error = table["lithium_fraction"].values - truth.particles
    pixel = float(np.median(np.diff(video["x"].values)))
    return {
        "pixel_error": float(np.sqrt(np.nanmean(error**2))),
        "pixels_within_one_sigma": float(np.mean(np.abs(pull[~sharp]) < 1)),
        "pixels_within_two_sigma": float(np.mean(np.abs(pull[~sharp]) < 2)),
        "pixels_at_sharp_edges": float(np.mean(sharp)),
        "particle_error": float(np.sqrt(np.nanmean(particle_error**2))),
        "largest_particle_error": float(np.nanmax(np.abs(particle_error))),
        "drift_error_pixels": float(np.sqrt(np.nanmean(truth.residual_drift**2))) / pixel,
        "drift_pixels": float(np.sqrt(np.nanmean(study.results["alignment"]["shift"].values ** 2))) / pixel,
    }


def _change_over_a_pixel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much x changes over a pixel, (time, y, x); 0 where it is not known."""
    rows, columns = np.gradient(x, axis=(1, 2))
    return np.asarray(np.nan_to_num(np.hypot(rows, columns)))


class RateConstant(NamedTuple):
    """k0 of one domain (A/m2): the true ones of the particles, and the fitted one; NaN where there is no fit."""

    domain: str
    law: str
    true: tuple[float, ...]
    found: float
    std: float


def rate_constants(beamtime: Beamtime, study: Study) -> list[RateConstant]:
    """Return true and fitted rate constants of the fast and the slow domains; empty where nothing reacts.

    The fit is of all particles together, so it is to be compared with the mean of the true ones. The rim of a fast
    domain is slower than its middle.
    """
    if beamtime.reaction is None:
        return []
    fields = [one.pathway.field for one in beamtime.scene.platelets if isinstance(one.pathway, Reacting)]
    unit = beamtime.reaction.electrode.exchange_current
    truth = {
        "fast": ("law_fit", tuple(unit * field.fast for field in fields)),
        "slow": ("law_fit_slow", tuple(unit * field.slow for field in fields)),
    }
    rows = []
    for domain, (step, true) in truth.items():
        fit = study.results.get(step)
        if fit is None:
            rows.append(RateConstant(domain, "no fit", true, np.nan, np.nan))
            continue
        best = best_law(fit)
        value, std = (float(fit[name].values[best]) for name in ("rate_constant", "rate_constant_std"))
        rows.append(RateConstant(domain, str(fit["law"].values[best]), true, value, std))
    return rows


def constant_lines(constants: Sequence[RateConstant]) -> Iterator[str]:
    """Yield the true rate constants beside the fitted ones, for a terminal."""
    for one in constants:
        true = ", ".join(f"{value:.4f}" for value in one.true)
        found = f"{one.found:.4f} +- {one.std:.4f} ({one.law})" if np.isfinite(one.found) else one.law
        yield f"  k0 of the {one.domain} domains, A/m2: true {true}, mean {np.mean(one.true):.4f}; found {found}"


def truth_lines(study: Study, truth: Truth) -> Iterator[str]:
    """Yield the truth beside the result, for a terminal."""
    found = truth_figures(study, truth)
    yield "  true x / found x of each particle: first scan, middle and end of lithiation, last scan"
    table = study.results["particles"]
    frames = (0, _SCANS_PER_HALF_CYCLE // 2, _SCANS_PER_HALF_CYCLE - 1, table.sizes["time"] - 1)
    for row, name in enumerate(table["particle"].values):
        pairs = (f"{truth.particles[row, k]:.3f} / {table['lithium_fraction'].values[row, k]:.3f}" for k in frames)
        yield f"    {name}: " + "   ".join(pairs)
    one, two = 100 * found["pixels_within_one_sigma"], 100 * found["pixels_within_two_sigma"]
    yield f"  pixels: rms error of x {found['pixel_error']:.3f}"
    yield f"  error bars: {one:.1f} % of the pixels within one sigma, {two:.1f} % within two (68.3 and 95.4 expected)"
    if found["pixels_at_sharp_edges"] > 0:
        yield (
            f"    without the {100 * found['pixels_at_sharp_edges']:.1f} % of the pixels at edges so sharp that x "
            f"changes by more than {_SHARP:g} over one: the probe blurs them"
        )
    yield f"  drift: {found['drift_pixels']:.2f} px rms, found to {found['drift_error_pixels']:.3f} px"


def truth_section(study: Study, truth: Truth, constants: Sequence[RateConstant] = ()) -> Section:
    """Return the section of the page that puts truth beside result."""
    from lithiscope.report.page import Section, Table

    table = study.results["particles"]
    rows = tuple(
        (str(name), float(time) / 60, float(true), float(found), float(std), float(found - true))
        for name, trues, founds, stds in zip(
            table["particle"].values,
            truth.particles,
            table["lithium_fraction"].values,
            table["lithium_fraction_std"].values,
            strict=True,
        )
        for time, true, found, std in zip(table["time"].values, trues, founds, stds, strict=True)
    )
    figures = tuple((name.replace("_", " "), value) for name, value in truth_figures(study, truth).items())
    return Section(
        identity="truth",
        heading="Truth beside result",
        explanation="This beamtime was simulated, so the truth is known. The analysis never saw it. The truth is not "
        "blurred by the probe (50 nm): where x is steep, at a front or at the rim of a core, part of the error is that "
        "blur, which no deconvolution undoes here.",
        tables=(
            Table(("what", "value"), figures, "How far the result is from the truth.", name="truth-figures"),
            Table(
                ("particle", "time (min)", "true x", "found x", "sigma", "error"),
                rows,
                "Means of the particles.",
                name="truth-particles",
            ),
            *([_constant_table(constants)] if constants else []),
        ),
    )


def _constant_table(constants: Sequence[RateConstant]) -> Table:
    from lithiscope.report.page import Table

    rows = tuple(
        (one.domain, float(np.mean(one.true)), min(one.true), max(one.true), one.found, one.std, one.law)
        for one in constants
    )
    return Table(
        ("domains", "true mean", "lowest", "highest", "found", "sigma", "law"),
        rows,
        "Rate constants k0, A/m2. The fit is of all particles together.",
        name="truth-constants",
    )
