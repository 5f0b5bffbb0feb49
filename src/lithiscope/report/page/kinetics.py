"""The part of a page about the kinetics: rates, exchange current, domains, uniformity, channels, regime, stability."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.laws import UniformState, chemical_potential, exchange_law, exchange_law_names
from lithiscope.report import channels, courses, exchange, rates, regime, regime_cases, uniformity
from lithiscope.report.page import kinetic_tables as tables
from lithiscope.report.page import particle_tables
from lithiscope.report.page.results import Drawer, Study

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.report.page.content import Section, Table

GROUP = "Kinetics"


def kinetic_sections(study: Study) -> list[Section]:
    """Return the sections of the kinetics for which there are results, in order."""
    builders = (
        _rates, _exchange, _domains, _uniformity, _line_cuts, _channels, _regime, _stability, _phases, _relaxation,
    )  # fmt: skip
    return [section for build in builders if (section := build(study)) is not None]


def _rates(study: Study) -> Section | None:
    video, table, domains = study.get("rates"), study.get("rate_table"), study.get("domains")
    drawer = Drawer()
    if video is not None and "insertion_rate" in video:
        drawer.draw(
            lambda: rates.rate_maps(video, table=table, labels=_labels(study, video), options=study.figures),
            "Maps of the insertion rate between frames",
            "White is zero, purple lithiation, orange delithiation. The colours reach at least three standard "
            "deviations of a pixel, of which the bracket at the scale shows one. Numbers: mean over the "
            "particles with its random error.",
            "insertion-rate",
        )
    if video is not None and "current_density" in video:
        drawer.draw(
            lambda: rates.current_maps(
                video, table=table, domains=domains, labels=_labels(study, video), options=study.figures
            ),
            "Maps of the current density",
            f"Of one of {video.attrs.get('faces', 'the')} reacting faces; positive is delithiation."
            + (" Light blue: fast domains of the frame before." if domains is not None else ""),
            "current-density",
        )
    if table is not None and "c_rate" in table:
        drawer.draw(
            lambda: courses.rate_courses(table, options=study.figures),
            "Single-particle C-rates against time",
            ("Black: the cell. " if "applied_c_rate" in table else "")
            + "Horizontal bars span the two frames of an interval; vertical ones are one sigma.",
            "particle-rates",
        )
    rows = [] if table is None else [tables.rate_rows(table)]
    text = (
        "How fast each pixel and each particle took up or gave off lithium between two frames. Neighbouring intervals "
    )
    text += "share a frame, so their errors are correlated (about −1/2)."
    asymmetry = study.get("rate_asymmetry")
    if asymmetry is not None:
        text = f"{text} {particle_tables.asymmetry_text(asymmetry)}".strip()
        rows += particle_tables.asymmetry_rows(asymmetry)
    return drawer.section("rates", "Insertion rates", text, group=GROUP, tables=tuple(rows))


def _labels(study: Study, video: xr.Dataset) -> xr.DataArray | None:
    if "label" in video or study.labels is None or study.labels.ndim != 2:
        return None
    return study.labels if study.labels.shape == (video.sizes["y"], video.sizes["x"]) else None


def _exchange(study: Study) -> Section | None:
    video, fit = study.get("rates"), study.get("law_fit")
    drawer = Drawer()
    if fit is not None:
        drawer.draw(
            lambda: exchange.exchange_current(fit, options=study.figures),
            "Exchange current density against composition",
            "One colour and marker per particle; bars are one standard deviation both ways, hollow points took no "
            "part in the fit. Dark band: 95 % of the preferred law; light band: with systematic causes. If one of the "
            "two faces does not react, the scale at the right holds.",
            "exchange-current",
        )
    slow = study.get("law_fit_slow")
    if slow is not None:
        drawer.draw(
            lambda: exchange.exchange_current(slow, options=study.figures),
            "The same of the slow domains",
            "Fast and slow domains are fitted apart (Lim 2016, Fig. S16). The slow ones tell the shape better, because "
            "they have more pixels and change less between frames.",
            "exchange-current-slow",
        )
    if video is not None and "exchange_current_density" in video:
        drawer.draw(
            lambda: rates.exchange_maps(
                video, table=study.get("rate_table"), labels=_labels(study, video), options=study.figures
            ),
            "Maps of the exchange current density",
            "By the reaction law named above. Values below zero are noise and take the colour of zero.",
            "exchange-maps",
        )
    law = next(
        (str(d.attrs["law"]) for d in (video, study.get("rate_table")) if d is not None and "law" in d.attrs), ""
    )
    text = "How fast the surface exchanges lithium at rest, against composition." + (
        f" Reaction law: {law}." if law else ""
    )
    if fit is not None and fit.attrs.get("verdict"):
        text += f" Comparison of the laws: {fit.attrs['verdict']}."
    rows = tuple(tables.law_rows(one) for one in (fit, slow) if one is not None)
    return drawer.section("exchange", "Exchange current", text, group=GROUP, tables=rows)


def _domains(study: Study) -> Section | None:
    domains, video, agreement, table = (
        study.get("domains"), study.video, study.get("domain_agreement"), study.get("domain_table"),
    )  # fmt: skip
    drawer = Drawer()
    if domains is not None and video is not None:
        drawer.draw(
            lambda: rates.domain_maps(video, domains, options=study.figures),
            "Fast domains on the composition maps",
            "Light blue outlines part fast from slow pixels; the number is the share of fast pixels.",
            "domains",
        )
    rows: list[Table] = []
    if agreement is not None:
        rows.append(tables.agreement_rows(agreement))
    if table is not None:
        names = [("fast_fraction", "Fast share"), ("fast_fraction_std", "σ"),
                 ("relative_growth", "Growth per unit of x"), ("relative_growth_std", "σ of the growth"),
                 ("frame_count", "Frames")]  # fmt: skip
        rows.append(tables.per_half_cycle(table, names, "Size and growth of the fast domains.", "domain-sizes"))
    text = "Parts of a particle that run ahead of the rest. Domains that noise alone could make are not drawn."
    return drawer.section("domains", "Domains", text, group=GROUP, tables=tuple(rows))


def _uniformity(study: Study) -> Section | None:
    table, pooled = study.get("uniformity"), study.get("pooled_uniformity")
    source = pooled if pooled is not None else table
    drawer = Drawer()
    if source is not None:
        drawer.draw(
            lambda: uniformity.uniformity_against_rate(source, options=study.figures),
            "Uniformity coefficient against C-rate",
            "Bars: one standard error over the particles, whose number stands in brackets.",
            "uniformity-rate",
        )
    if table is not None and study.table is not None and "spread" in study.table:
        particles = study.table
        drawer.draw(
            lambda: uniformity.spread_against_mean(
                particles, table, options=study.figures.model_copy(update={"columns": 3, "max_frames": 9})
            ),
            "Spread of x inside each particle against its mean",
            "Between the binary limit (every pixel full or empty) and noise alone. Lines are the fits; filled points "
            "and whole lines belong to the slowest half cycles.",
            "uniformity-spread",
        )
    rows = () if table is None else (tables.uniformity_rows(table),)
    text = "How alike the pixels of a particle are while it fills and empties, with the noise taken out."
    return drawer.section("uniformity", "Uniformity", text, group=GROUP, tables=rows)


def _line_cuts(study: Study) -> Section | None:
    cuts = study.get("line_cuts")
    if cuts is None:
        return None
    drawer = Drawer()
    drawer.draw(
        lambda: channels.line_cut_curves(cuts, options=study.figures.model_copy(update={"columns": 4})),
        "Composition along lines, in every frame",
        "The same line in every frame; curves darken with time. Bar: one standard deviation of a point.",
        "line-cuts",
    )
    return drawer.section("line-cuts", "Line cuts", "The composition along fixed lines across particles.", group=GROUP)


_PROFILES = "Current of the channels and composition of their ends"


def _first_particles(table: xr.Dataset) -> Sequence[str | None]:
    """Return the particles of a channel table whose profiles are drawn; None stands for a table without names."""
    if "particle" not in table.coords or not table.sizes["channel"]:
        return [None]
    return [str(name) for name in dict.fromkeys(table["particle"].values)][:3]


def _profiles(study: Study, particle: str | None) -> bytes:
    options = study.figures.model_copy(update={"columns": 3})
    return channels.channel_profiles(study.results["channels"], particle=particle, options=options)


def _channels(study: Study) -> Section | None:
    table, surfaces, cuts = study.get("channels"), study.get("surfaces"), study.get("channel_cuts")
    drawer = Drawer()
    if cuts is not None:
        drawer.draw(
            lambda: channels.channel_courses(cuts, options=study.figures.model_copy(update={"columns": 4})),
            "Composition along the channels, from face to face, in every frame",
            "Means over the channels of each particle; curves darken with time, bands are one standard error from the "
            "noise. A flat profile says that diffusion along the channels keeps up with the surface.",
            "channel-courses",
        )
    for name in [] if table is None else _first_particles(table):
        drawer.draw(
            partial(_profiles, study, name),
            f"Current of the channels and composition of their ends, {name}" if name else _PROFILES,
            "Bands are one standard deviation.",
            "channels" if name is None else f"channels-{name}",
        )
    if table is not None and "normalised_exchange_current" in table:
        drawer.draw(
            lambda: exchange.normalised_exchange(
                table, fit=study.get("law_fit"), shift=study.get("surface_shift"), options=study.figures
            ),
            "Normalised exchange current of the channels against the composition of their ends",
            "Three channels in colour, the others grey; round points are lithiation, squares delithiation. Line: F(x); "
            "dashed: F(x) as it appears when x is the mean of both ends.",
            "channel-exchange",
        )
    if surfaces is not None:
        drawer.draw(
            lambda: channels.surface_against_rate(
                surfaces, half_cycles=study.get("half_cycles"), options=study.figures
            ),
            "Surface and inside of the particles against C-rate",
            "Bars: one standard error; the number of particles stands in brackets.",
            "surfaces",
        )
    rows: tuple[Table, ...] = ()
    if surfaces is not None:
        names = [("surface_lithium_fraction", "x of the surface"), ("surface_lithium_fraction_std", "σ"),
                 ("internal_lithium_fraction", "x of the inside"), ("internal_lithium_fraction_std", "σ of the inside"),
                 ("active_fraction", "Active share"), ("transformed_fraction", "Transformed share")]  # fmt: skip
        rows = (tables.per_half_cycle(surfaces, names, "Surface and inside at one state of charge.", "surfaces"),)
    shift = study.get("surface_shift")
    if shift is not None:
        rows = (*rows, particle_tables.surface_shift_rows(shift))
    text = "Lines of pixels along the fast axis of the crystal: lithium enters and leaves through their two ends."
    return drawer.section("channels", "Channels", text, group=GROUP, tables=rows)


def _regime(study: Study) -> Section | None:
    evidence = study.get("evidence")
    if evidence is None:
        return None
    drawer, several = Drawer(), "particle" in evidence.dims
    stated = evidence.attrs.get("diffusion_time") == "stated"
    source = "from the stated range of D" if stated else "that of the measured profile"
    if several:
        drawer.draw(
            lambda: regime_cases.case_figure(evidence, options=study.figures),
            "What limits each particle in each half cycle",
            _case_caption(through=stated),
            "evidence",
        )
    else:
        drawer.draw(
            lambda: regime.evidence_figure(evidence, options=study.figures),
            "Evidence for what limits the reaction",
            "Each piece on its own, with its figure, its 95 % range and the value at which its verdict turns.",
            "evidence",
        )
    points = regime_cases.morphology_points(evidence)
    if points:
        drawer.draw(
            lambda: regime.morphology_diagram(points, options=study.figures),
            "Where the particles lie between reaction and diffusion",
            f"After Fraggedakis et al. 2020. The diffusion time is {source}; bars are 95 % ranges. "
            "It is in both numbers, so points move along the diagonal. The lines are where times are equal: orders of "
            "magnitude, not sharp boundaries.",
            "morphology",
        )
    confidence = str(evidence.attrs.get("confidence", ""))
    text = f"Verdict: {evidence.attrs['verdict']}" + (f" ({confidence})." if confidence else ".")
    if stated:
        text += (
            " It rests on one piece of evidence, the times: nothing of the way through the thickness is seen. A j₀ "
            "fitted to these half cycles holds what diffusion took, so a slow surface can be shown, a slow bulk cannot."
        )
    rows = (
        (tables.case_rows(evidence), tables.evidence_rows(evidence)) if several else (tables.evidence_rows(evidence),)
    )
    return drawer.section("regime", "What limits the reaction", text, group=GROUP, tables=rows)


def _case_caption(*, through: bool) -> str:
    """Return what the figure of all cases shows: of channels in the picture, or of the way through the thickness."""
    left = "Left: time of the surface reaction over time of diffusion"
    if through:
        return (
            f"{left} through the thickness, from the stated diffusivity, with its 95 % range. Within the grey band "
            "nothing is decided. Right: the verdict, which rests on this one piece of evidence."
        )
    return (
        f"{left} along the channel, with its 95 % range, filled from the curvature of the measured profile, hollow "
        "from the stated diffusivity; an arrow says that the noise hides the curvature. Within the grey band nothing "
        "is decided. Right: what every piece of evidence says by itself, and the verdict, for which two pieces must "
        "agree and none contradict."
    )


def stability_states(fit: xr.Dataset, omega: float, strain: float) -> dict[str, UniformState]:
    """Return the state of every fitted law that lithiscope knows by name without parameters of its own."""
    potential = chemical_potential("regular_solution", omega=omega)
    known = set(exchange_law_names()) - {"coupled_ion_electron", "table"}
    names = [name for name in map(str, fit["law"].values) if name in known]
    return {name: UniformState(exchange_law(name), potential, strain=strain) for name in names}


def _stability(study: Study) -> Section | None:
    fit, table = study.get("law_fit"), study.get("rate_table")
    if fit is None or "rate_constant" not in fit:
        return None
    states = stability_states(fit, study.options.regular_solution, study.options.coherency_strain)
    if not states:
        return None
    constants = {str(n): float(k) for n, k in zip(fit["law"].values, fit["rate_constant"].values, strict=True) if k > 0}
    paths = table if table is not None and {"current_density", "lithium_fraction"} <= set(table) else None
    if paths is not None and "region" in paths and np.any(paths["region"].values == fit.attrs.get("region")):
        # j0 scales with the k0 of the pixels that were fitted: the paths are theirs.
        paths = paths.isel(particle=np.flatnonzero(paths["region"].values == fit.attrs["region"]))
    drawer = Drawer()
    drawer.draw(
        lambda: regime.stability_diagram(states, table=paths, rate_constants=constants, options=study.figures),
        "Where a uniform particle is unstable, with the measured paths",
        "Above: the law. Below: shaded where a small difference inside a particle grows. Lines are the measured paths "
        "of the particles, lithiation upwards.",
        "stability",
    )
    if paths is not None:
        drawer.draw(
            lambda: regime.growth_curves(states, paths, constants, options=study.figures),
            "Growth of a small difference along the measured paths",
            "The factor by which a difference inside the particle would have grown; below about 3 the eye sees none.",
            "growth",
        )
    text = (
        "Linear stability of the uniform solid solution for each fitted law (Bai, Cogswell and Bazant 2011), with "
        f"Ω = {study.options.regular_solution:g} kT and a strain energy of {study.options.coherency_strain:g} kT: a "
        "model, beside which the measured paths are drawn."
    )
    path = study.get("stability_path")
    rows = () if path is None else (particle_tables.growth_rows(path),)
    return drawer.section("stability", "Stability", text, group=GROUP, tables=rows)


def _phases(study: Study) -> Section | None:
    phases = study.get("phases")
    if phases is None:
        return None
    drawer = Drawer()
    names = {"solid_solution_fraction": "share in the solid solution", "separation": "phase separation (1 binary)"}
    drawer.draw(
        lambda: courses.course_curves(phases, names, options=study.figures.model_copy(update={"columns": 2})),
        "Solid solution and phase separation in time",
        "The noise is unfolded from the shares; bars are one standard deviation.",
        "phases",
    )
    text = "How much of each particle lies between the two end compositions."
    if "direction" in phases.coords and np.all(phases["direction"].values != 0):
        text += " Boundaries after relaxation and exchange between particles need frames at rest; there are none."
    return drawer.section("phases", "Phases", text, group=GROUP)


def _relaxation(study: Study) -> Section | None:
    relaxation, boundaries = study.get("relaxation"), study.get("boundaries")
    drawer = Drawer()
    names = {"spread": "spread of x inside", "exchanged": "change of the mean x since the stop"}
    if relaxation is not None:
        drawer.draw(
            lambda: courses.course_curves(relaxation, names, options=study.figures.model_copy(update={"columns": 2})),
            "Relaxation after the current stops",
            "A growing spread means that phases part; a changing mean that particles exchange lithium.",
            "relaxation",
        )
    rows = () if boundaries is None else (particle_tables.boundary_rows(boundaries),)
    text = "What happens inside and between particles at rest."
    return drawer.section("relaxation", "Relaxation", text, group=GROUP, tables=rows)
