"""The part of a page about the cell: its voltage and current, half cycles, overpotentials, clock and population."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lithiscope.report import cell, courses, half_cycles
from lithiscope.report.page.cell_tables import cell_number_rows, clock_rows, population_rows, population_text
from lithiscope.report.page.kinetic_tables import half_cycle_rows, peak_rows
from lithiscope.report.page.results import Drawer, Study

if TYPE_CHECKING:
    from lithiscope.report.page.content import Section, Table

GROUP = "Cell"
_NAMED = 12  # half cycles that a caption names


def cell_sections(study: Study) -> list[Section]:
    """Return the sections of the cell for which there are results, in order."""
    builders = (_voltage, _half_cycles, _clock, _population, _electrolyte)
    return [section for build in builders if (section := build(study)) is not None]


def _voltage(study: Study) -> Section | None:
    trace, clock = study.get("cell_trace"), study.get("clock")
    if trace is None:
        return None
    drawer = Drawer()
    drawer.draw(
        lambda: cell.cell_curves(trace, frames=study.get("cell_frames"), clock=clock, options=study.figures),
        "Voltage and current of the cell against time",
        "Shaded purple: lithiation; orange: delithiation. Ticks and points are the frames of the microscope.",
        "cell",
    )
    source = str(trace.attrs.get("source", "")) or "not named"
    text = f"What the potentiostat wrote ({source}). Positive current takes lithium out of the working electrode."
    return drawer.section("cell", "Voltage and current", text, group=GROUP)


def _half_cycles(study: Study) -> Section | None:
    trace, halves, curves = (study.get(name) for name in ("cell_trace", "half_cycles", "incremental_capacity"))
    overpotential, peaks = study.get("rate_overpotential"), study.get("peaks")
    drawer = Drawer()
    if trace is not None and halves is not None:
        drawer.draw(
            lambda: half_cycles.half_cycle_curves(trace, halves, options=study.figures),
            "Voltage against the charge of each half cycle",
            "Stronger lines are later half cycles. Ohmic drops are not taken out.",
            "voltage-capacity",
        )
    net, differential = study.get("without_blank"), study.get("differential_voltage")
    if curves is not None:
        drawer.draw(
            lambda: half_cycles.capacity_derivative(
                curves, peaks=peaks if net is None else None, options=study.figures
            ),
            "dQ/dV of each half cycle",
            "The area under a curve is the charge passed; the smoothing is part of the widths.",
            "capacity-derivative",
        )
    if net is not None:
        drawer.draw(
            lambda: half_cycles.capacity_derivative(net, peaks=peaks, options=study.figures),
            "dQ/dV less that of the cell without particles",
            f"Subtracted: {net.attrs.get('blank', 'the blank')}, averaged by direction. What falls below zero is noise "
            "or a blank larger than this cell's background. Peaks are those of these curves.",
            "without-blank",
        )
    if differential is not None:
        drawer.draw(
            lambda: half_cycles.voltage_derivative(differential, options=study.figures),
            "dV/dQ of each half cycle",
            "The area under a curve is the change of the voltage; at both ends the curves leave the picture."
            + _left_out(half_cycles.small_half_cycles(differential)),
            "voltage-derivative",
        )
    if overpotential is not None:
        drawer.draw(
            lambda: half_cycles.overpotential_against_rate(overpotential, options=study.figures),
            "Overpotential at half capacity against C-rate",
            "Both directions upwards. Bars: one standard deviation; band: systematic causes in quadrature.",
            "overpotential",
        )
    tables: list[Table] = []
    if halves is not None:
        tables.append(half_cycle_rows(halves))
    if peaks is not None:
        tables.append(peak_rows(peaks))
    numbers = cell_number_rows(study.get("resistance"), study.get("equilibrium_voltage"))
    if numbers is not None:
        tables.append(numbers)
    text = "Each stretch of current of one sign: how much charge it passed, how fast, and at which voltage."
    return drawer.section("half-cycles", "Half cycles", text, group=GROUP, tables=tuple(tables))


def _left_out(numbers: list[int]) -> str:
    if not numbers:
        return ""
    few = ", ".join(map(str, numbers[:_NAMED])) + (", ..." if len(numbers) > _NAMED else "")
    return f" Left out: half cycles that passed less than a tenth of the largest charge ({few})."


def _clock(study: Study) -> Section | None:
    clock = study.get("clock")
    if clock is None:
        return None
    drawer = Drawer()
    if clock.sizes.get("edge", 0):
        drawer.draw(
            lambda: cell.clock_residuals(clock, options=study.figures),
            "Edges of the current seen by both clocks",
            "How far each edge lies from the line that joins the two clocks.",
            "clock",
        )
    method = str(clock.attrs.get("method", "not stated"))
    text = f"How the times of microscope and potentiostat were brought together: {method}. "
    return drawer.section("clock", "Clock", text.strip(), group=GROUP, tables=tuple(clock_rows(clock)))


def _population(study: Study) -> Section | None:
    frames, table, population = study.get("cell_frames"), study.table, study.get("population")
    drawer = Drawer()
    if frames is not None and table is not None and "lithium_fraction" in frames:
        drawer.draw(
            lambda: cell.particles_against_cell(table, frames, options=study.figures),
            "Composition of the particles against that of the electrode",
            "On the line a particle follows the electrode; below it on lithiation it lags behind.",
            "particles-cell",
        )
    if population is not None:
        names = {"path_curve": "particle's x less the electrode's", "active_share": "share of active particles"}
        drawer.draw(
            lambda: courses.course_curves(population, names, options=study.figures),
            "Particles against the electrode in time",
            "Bars are one standard deviation.",
            "population",
        )
    text = "Whether the particles react together or one after the other, and whether all take part."
    tables: list[Table] = []
    if population is not None:
        text = f"{text} {population_text(population)}".strip()
        tables = population_rows(population)
    return drawer.section("population", "Particles and electrode", text, group=GROUP, tables=tuple(tables))


def _electrolyte(study: Study) -> Section | None:
    channel = study.get("electrolyte")
    if channel is None:
        return None
    drawer = Drawer()
    names = {
        "largest_concentration_change": "largest change of salt / (mol/L)",
        "largest_potential_change": "largest change of potential / V",
    }
    drawer.draw(
        lambda: courses.course_curves(channel, names, options=study.figures),
        "Salt and potential above the electrode",
        "The largest change anywhere above the electrode, from a model of the channel without flow.",
        "electrolyte",
    )
    text = "How far the liquid above the electrode departs from the reservoir: a model of diffusion, not a measurement."
    return drawer.section("electrolyte", "Electrolyte", text, group=GROUP)
