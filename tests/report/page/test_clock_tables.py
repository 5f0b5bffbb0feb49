"""The clocks of a study on its page, whatever way they were brought together."""

from __future__ import annotations

import numpy as np

from lithiscope.cell import ClockOptions, ResistanceOptions, fit_clock, ohmic_resistance
from lithiscope.report import FigureOptions, PageOptions
from lithiscope.report.page.cell import cell_sections
from lithiscope.report.page.cell_tables import cell_number_rows
from lithiscope.report.page.results import Study, drawn


def section_of(clock):
    figures = FigureOptions(format="svg")
    (section,) = cell_sections(Study({"clock": clock}, PageOptions(movie=False), figures))
    return drawn(section)


def test_a_stated_clock_has_a_section_that_says_what_is_unknown():
    section = section_of(fit_clock(options=ClockOptions(offset_second=-12.5, offset_std=2.0)))
    assert section.identity == "clock"
    assert not section.figures
    (table,) = section.tables
    assert table.rows[0] == ("Offset", "−12.50", 2.0, "s")
    assert table.rows[2][:2] == ("Drift", "unknown: a stated clock tells an offset only; taken as 0")
    assert np.isnan(table.rows[2][2])


def test_markers_are_listed_with_their_residuals():
    image = np.array([0.0, 9_000.0, 20_000.0])
    trace = image * (1 + 2e-5) + 100.0 + np.array([0.3, -0.5, 0.2])
    section = section_of(fit_clock(image_second=image, image_second_std=1.0, trace_second=trace))
    numbers, edges = section.tables
    drift, std = numbers.rows[2][1:3]
    assert abs(drift - 20.0) < 3 * std
    assert edges.columns == ("Edge", "Image time / s", "σ / s", "Test time / s", "Residual / s")
    assert [row[1] for row in edges.rows] == ["0.0", "9000.0", "20000.0"]
    assert abs(sum(row[4] for row in edges.rows)) < 1e-6
    assert "residual_second" in edges.csv


def test_hysteresis_in_a_resistance_from_steps_is_named():
    stated = ohmic_resistance(options=ResistanceOptions(ohm=1e8, ohm_std=1e6))
    assert "hysteresis" not in cell_number_rows(stated, None).caption
    steps = stated.assign_attrs(method="steps")
    assert "static hysteresis" in cell_number_rows(steps, None).caption
