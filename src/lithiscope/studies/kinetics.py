"""The steps of a study after the particles: rates, currents, domains, laws, channels."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import kinetics, laws
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.particles import exclude_frames
from lithiscope.progress import Reporter
from lithiscope.studies.agreement import warn_of_contrary_rates
from lithiscope.studies.runner import Step, options_at

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

Inputs = Mapping[str, "xr.Dataset"]

_MAPS = ("composition", "labels")


def kinetics_steps(recipe: Recipe) -> list[Step]:
    """Return the steps that the recipe asks for; those that need the cell's trace only when it names one."""
    section = recipe.kinetics
    if not section.compute:
        return []
    cell = bool(recipe.cell.files)
    frames = ("cell_frames",) if cell else ()
    intervals = ("cell_intervals",) if cell else ()
    excluded = ("particles.table.exclude",)
    steps = [
        Step(
            "rates",
            (*_MAPS, *frames, *intervals),
            options_at(*excluded, *(f"kinetics.{name}" for name in ("rates", "thickness", "current", "exchange"))),
            _rates,
            methods=lambda _: ["lim2016"],
        ),
        Step("domains", (*_MAPS, *frames), options_at(*excluded, "kinetics.domains"), _domains),
        Step("domain_table", ("domains",), options_at(), _domain_table),
        Step("domain_agreement", ("domains",), options_at("kinetics.agreement"), _domain_agreement, optional=True),
        Step(
            "rate_table",
            (*_MAPS, *frames, "rates", "domains"),
            options_at(*excluded, "kinetics.transport", "kinetics.table", "kinetics.uniform"),
            _rate_table,
        ),
        Step(
            "uniformity",
            (*_MAPS, *frames, *intervals),
            options_at(*excluded, "kinetics.uniformity"),
            _uniformity,
            optional=True,
        ),
        Step("pooled_uniformity", ("uniformity",), options_at("kinetics.pool"), _pooled_uniformity, optional=True),
        Step("phases", (*_MAPS, *frames), options_at(*excluded, "kinetics.phases"), _phases),
    ]
    if any(one.direction in ("rest", "unknown") for one in recipe.data.series):
        steps += [
            Step(
                "relaxation",
                (*_MAPS, *frames),
                options_at(*excluded, "kinetics.relaxation"),
                _relaxation,
                optional=True,
            ),
            Step(
                "boundaries",
                (*_MAPS, *frames),
                options_at(*excluded, "kinetics.boundaries"),
                _boundaries,
                optional=True,
            ),
        ]
    steps += [
        Step("population", ("particles", *frames), options_at("kinetics.population"), _population, optional=True),
    ]
    if section.line_cuts.lines:
        steps.append(Step("line_cuts", _MAPS, options_at(*excluded, "kinetics.line_cuts"), _line_cuts))
    if section.transport == "in_plane":
        return [*steps, *_channel_steps(excluded, frames, intervals)]
    return [*steps, *_law_steps(section.law.region, times=section.regime.diffusivity is not None)] if cell else steps


def _law_steps(region: str, *, times: bool) -> list[Step]:
    """Return the steps on the exchange current of pixels that react through the thickness."""
    return [
        *(
            Step(name, ("rate_table",), options_at("kinetics.law"), _law_fit(rows), optional=True)
            for name, rows in _regions(region).items()
        ),
        *(
            [
                Step(
                    "evidence",
                    ("rate_table", "law_fit"),
                    options_at("kinetics.regime"),
                    _evidence_through,
                    optional=True,
                )
            ]
            if times
            else []
        ),
        Step("rate_asymmetry", ("rate_table",), options_at("kinetics.asymmetry"), _asymmetry, optional=True),
        Step(
            "stability_path",
            ("rate_table", "law_fit"),
            options_at("kinetics.stability", "report.regular_solution", "report.coherency_strain"),
            _stability_path,
            methods=lambda _: ["bai2011"],
            optional=True,
        ),
    ]


def _channel_steps(excluded: tuple[str, ...], frames: tuple[str, ...], intervals: tuple[str, ...]) -> list[Step]:
    """Return the steps on channels that lie in the picture."""
    return [
        Step(
            "channels",
            ("composition", "rates", "labels", *intervals),
            options_at(*excluded, "kinetics.channels", "kinetics.exchange", "kinetics.normalise"),
            _channels,
            methods=lambda _: ["koo2023"],
        ),
        Step(
            "surface_shift",
            ("channels",),
            options_at("kinetics.normalise"),
            _surface_shift,
            methods=lambda _: ["koo2023"],
            optional=True,
        ),
        Step("channel_cuts", (*_MAPS, *frames), options_at(*excluded, "kinetics.channels"), _channel_cuts),
        Step("surfaces", ("channels", *intervals), options_at("kinetics.half_charge"), _surfaces, optional=True),
        Step(
            "evidence",
            ("channel_cuts", "channels", *intervals),
            options_at("kinetics.regime"),
            _evidence,
            methods=lambda _: ["koo2023"],
            optional=True,
        ),
    ]


def video_of(recipe: Recipe, inputs: Inputs) -> xr.Dataset:
    """Return the video without excluded frames, with the directions of the trace where the recipe states none."""
    video = exclude_frames(inputs["composition"], options=recipe.particles.table)
    known = int(np.isfinite(video["lithium_fraction"].values).any(axis=(1, 2)).sum())
    if known < 2:
        raise OptionError(
            "kinetics need two scans or more with a composition",
            field="kinetics.compute",
            value=f"{known} of {video.sizes['time']}",
            limit="2 scans that are not excluded",
            remedy="add scans to data.series, exclude fewer, or set kinetics.compute to false",
        )
    return with_directions(video, inputs)


def with_directions(data: xr.Dataset, inputs: Inputs) -> xr.Dataset:
    """Return a stage along time with the directions of the cell where the recipe states none.

    Raises
    ------
    OptionError
        If neither recipe nor cell tells any.
    """
    if np.any(data["direction"].values):
        return data
    cell = inputs.get("cell_frames")
    if cell is None or not np.any(cell["direction"].values):
        raise OptionError(
            "which way lithium moved is not known",
            field="data.series.direction",
            value="unknown" if cell is None else "unknown, and the cell rests at every frame",
            limit="lithiation or delithiation, for one series or more",
            remedy="state data.series.direction, or give the potentiostat's trace in cell.files",
        )
    names = ("direction", "half_cycle")
    return data.assign_coords({name: ("time", cell[name].values.astype(np.int32), data[name].attrs) for name in names})


def labels_of(recipe: Recipe, inputs: Inputs) -> tuple[xr.DataArray, dict[int, str]]:
    """Return one label image for all frames, and the names in it, without the particles that the user excluded.

    A pixel belongs to a particle when it does in every cycle.
    """
    labels = inputs["labels"]
    image = labels["label"]
    if "cycle" in image.dims:
        first = image.isel(cycle=0, drop=True)
        image = first.where((image == first).all("cycle"), 0)
    away = {one.particle for one in recipe.particles.table.exclude if one.particle is not None}
    names = {
        int(number): str(name)
        for number, name in zip(labels["number"].values, labels["particle"].values, strict=True)
        if str(name) not in away
    }
    kept = np.where(np.isin(image.values, list(names)), image.values, 0).astype(np.int32)
    if not kept.any():
        raise OptionError(
            "no particle is left for the kinetics",
            field="particles.table.exclude" if away else "particles.find",
            value=f"{labels.sizes['particle']} found, {len(away)} excluded",
            limit="one particle or more",
            remedy="look at the map of the amount on the page, then see particles.find or particles.table.exclude",
        )
    return image.copy(data=kept), names


def _rates(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    section, video = recipe.kinetics, video_of(recipe, inputs)
    labels, _ = labels_of(recipe, inputs)
    rates = kinetics.insertion_rate(video.assign(label=labels), options=section.rates)
    warn_of_contrary_rates(rates, labels.values)
    if "c_rate" in inputs.get("cell_intervals", ()):
        applied = inputs["cell_intervals"]["c_rate"]
        rates = rates.assign(applied_c_rate=("interval", applied.values, applied.attrs))
    if section.transport == "in_plane":
        return rates
    if section.thickness is None and not ("thickness" in video and (video["thickness"].values > 0).any()):
        warnings.warn(
            "the thickness is not known, so there are no current densities and no exchange currents; state "
            "kinetics.thickness (nm)",
            LithiscopeWarning,
            stacklevel=2,
        )
        return rates
    rates = kinetics.with_current_density(rates, section.thickness, options=section.current)
    if "cell_intervals" in inputs:
        rates = kinetics.with_exchange_current(rates, inputs["cell_intervals"], options=section.exchange)
    return rates


def _domains(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    return kinetics.fast_domains(
        video_of(recipe, inputs), labels, names, options=recipe.kinetics.domains, reporter=reporter
    )


def _domain_table(_recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return kinetics.domain_growth(inputs["domains"])


def _domain_agreement(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    return kinetics.domain_agreement(inputs["domains"], options=recipe.kinetics.agreement, reporter=reporter)


def _rate_table(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    # Fast is what is fast in most frames of most half cycles: the same pixels in every interval.
    often = inputs["domains"]["persistent"].mean("half_cycle")
    inside = labels > 0
    regions = {"fast": inside & (often > 0.5), "slow": inside & (often < 0.5)}
    video = video_of(recipe, inputs)
    # Sets of pixels that react as a whole are for pixels that react through the thickness.
    for domain in ("fast", "slow") if recipe.kinetics.transport == "through" else ():
        options = recipe.kinetics.uniform.model_copy(update={"domain": domain})
        regions[f"uniform {domain}"] = kinetics.uniform_pixels(
            video, labels, names, domains=inputs["domains"], options=options
        )
    return kinetics.rate_table(inputs["rates"], labels, names, regions=regions, options=recipe.kinetics.table)


def _uniformity(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    video = video_of(recipe, inputs)
    applied = applied_rates(video, inputs["cell_frames"]) if "cell_frames" in inputs else None
    return kinetics.uniformity(
        video, labels, names, applied_c_rate=applied, options=recipe.kinetics.uniformity, reporter=reporter
    )


def applied_rates(images: xr.Dataset, cell: xr.Dataset) -> dict[int, float]:
    """Return the median C-rate of the cell in every half cycle of the images, from frames or from intervals.

    Half cycles of images and cell need not have the same numbers. To three digits, by which points are grouped.
    """
    number = images["half_cycle"].values
    if "c_rate" not in cell:
        return {}
    rate = cell["c_rate"].values
    known = np.isfinite(rate) & (cell["direction"].values != 0)
    return {
        int(one): float(f"{np.median(rate[known & (number == one)]):.3g}")
        for one in np.unique(number[number >= 0])
        if np.any(known & (number == one))
    }


def _pooled_uniformity(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return kinetics.pool([inputs["uniformity"]], "uniformity", options=recipe.kinetics.pool)


def _phases(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    return kinetics.solid_solution_fraction(
        video_of(recipe, inputs), labels, names, options=recipe.kinetics.phases, reporter=reporter
    )


def _line_cuts(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return kinetics.line_cuts(video_of(recipe, inputs), options=recipe.kinetics.line_cuts)


def _regions(region: str) -> dict[str, str]:
    """Return the fits of the exchange current by name, and the rows of the table of rates that each takes."""
    return {"law_fit": "uniform fast", "law_fit_slow": "uniform slow"} if region == "uniform" else {"law_fit": region}


def _law_fit(region: str) -> Callable[[Recipe, Inputs, Reporter], xr.Dataset]:
    """Return the step that fits the exchange current of one domain of every particle."""

    def fit(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
        section = recipe.kinetics.law
        _require_exchange(inputs["rate_table"])
        if region not in inputs["rate_table"]["region"].values:
            raise AnalysisError(
                f"no particle has {region} pixels, so there are no exchange currents to fit",
                field="kinetics.law.region",
                value=section.region,
                limit="pixels of one domain that react as a whole",
                remedy="set it to fast, slow or all; their pixels mix rates, so the law that they give is a mixture",
            )
        options = kinetics.LawFitOptions(**section.model_dump(exclude={"laws", "region"}), region=region)
        return kinetics.fit_exchange_current(inputs["rate_table"], section.laws, options=options)

    return fit


def _require_exchange(table: xr.Dataset) -> None:
    if "exchange_current_density" not in table:
        raise AnalysisError(
            "there are no exchange currents",
            field="exchange_current_density",
            limit="a thickness, and the overpotential of the cell",
            remedy="state kinetics.thickness (nm), and see that the trace has resistance and equilibrium voltage",
        )


def _asymmetry(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return kinetics.rate_asymmetry(inputs["rate_table"], options=recipe.kinetics.asymmetry)


def _channels(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    amount = inputs["composition"].get("amount")
    table = kinetics.channels(inputs["rates"], labels, names, amount=amount, options=recipe.kinetics.channels)
    if "cell_intervals" not in inputs:
        return table
    try:
        table = kinetics.with_channel_exchange(table, inputs["cell_intervals"], options=recipe.kinetics.exchange)
        return kinetics.normalised_exchange(table, options=recipe.kinetics.normalise)
    except AnalysisError as error:
        warnings.warn(f"no exchange currents of the channels: {error}", LithiscopeWarning, stacklevel=2)
        return table


def _surfaces(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    table = inputs["channels"]
    applied = applied_rates(table, inputs["cell_intervals"]) if "cell_intervals" in inputs else None
    return kinetics.at_half_charge(table, applied_c_rate=applied, options=recipe.kinetics.half_charge)


def _surface_shift(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return kinetics.channel_surface_shift(inputs["channels"], options=recipe.kinetics.normalise)


def _channel_cuts(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    return kinetics.channel_cuts(video_of(recipe, inputs), labels, names, options=recipe.kinetics.channels)


def _evidence(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    section = recipe.kinetics.regime
    return kinetics.diagnose_particles(
        inputs["channel_cuts"],
        diffusivity=section.diffusivity,
        exchange_current=section.exchange_current,
        channels=inputs["channels"],
        intervals=inputs.get("cell_intervals"),
        options=kinetics.RegimeOptions(**section.model_dump(exclude={"diffusivity", "exchange_current"})),
    )


def _evidence_through(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    section = recipe.kinetics.regime
    if section.diffusivity is None:
        raise AnalysisError("the diffusivity is not stated", field="kinetics.regime.diffusivity")
    return kinetics.diagnose_through(
        inputs["rate_table"],
        inputs["law_fit"],
        section.diffusivity,
        exchange_current=section.exchange_current,
        options=kinetics.RegimeOptions(**section.model_dump(exclude={"diffusivity", "exchange_current"})),
    )


def _relaxation(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    return kinetics.relaxation(video_of(recipe, inputs), labels, names, options=recipe.kinetics.relaxation)


def _boundaries(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    video = video_of(recipe, inputs)
    rest = np.flatnonzero(video["direction"].values == 0)
    if not rest.size:
        raise AnalysisError(
            "no frame was taken at rest, so there are no relaxed boundaries",
            field="data.series.direction",
            limit="rest",
            remedy="nothing, if no scan was taken after the current had stopped",
        )
    return kinetics.boundary_directions(
        video.isel(time=rest), labels, names, options=recipe.kinetics.boundaries, reporter=reporter
    )


def _population(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    cell = inputs.get("cell_frames")
    electrode = None if cell is None or "lithium_fraction" not in cell else cell["lithium_fraction"]
    table = with_directions(inputs["particles"], inputs)
    return kinetics.global_against_particle(table, electrode, options=recipe.kinetics.population)


def _stability_path(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    fit = inputs["law_fit"]
    named = [str(name) for name in fit["law"].values if str(name) in laws.exchange_law_names()]
    wanted = fit.attrs.get("preferred", "none")
    law = wanted if wanted in named else (named[0] if named else "skewed_lim")
    state = laws.UniformState(
        laws.exchange_law(law),
        laws.chemical_potential("regular_solution", omega=recipe.report.regular_solution),
        strain=recipe.report.coherency_strain,
    )
    row = fit.sel(law=law)
    constant = float(row["rate_constant"]), float(row["rate_constant_std"])
    table = inputs["rate_table"]
    region = _regions(recipe.kinetics.law.region)["law_fit"]
    same = np.flatnonzero(table["region"].values == region)
    return kinetics.stability_path(table.isel(particle=same), state, constant, options=recipe.kinetics.stability)
