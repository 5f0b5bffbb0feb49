"""Figures of the learned kinetics."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from learning.made import laws, particle
from lithiscope.errors import AnalysisError, StageError
from lithiscope.materials import material
from lithiscope.report import FigureOptions, learned
from lithiscope.report import learned_words as words
from lithiscope.report.learned_voltage import has_voltage, learned_voltage

SVG = FigureOptions(format="svg")


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_laws_are_drawn_with_the_curves_beside_them(kinetics):
    alone = learned.learned_laws(laws(), options=SVG).decode()
    for text in ("learned", "95 %", "no data", "lithium fraction x", "exchange current density"):
        assert text in alone
    assert "direct estimate" not in alone
    beside = learned.learned_laws(
        laws(), fit=kinetics["law_fit"], material=material("lfp_cogswell_bazant_2012"), options=SVG
    ).decode()
    assert "direct estimate" in beside
    assert "lfp_cogswell_bazant_2012" in beside


def test_without_grey_there_is_no_word_for_it():
    assert "no data" not in learned.learned_laws(laws(low=0.0, high=1.0), options=SVG).decode()


@pytest.mark.parametrize("width", [3.5, 7.2])
def test_sheets_fit_their_width(width):
    options = FigureOptions(width=width, dots_per_inch=100)
    many = [particle(label=number) for number in range(1, 9)]
    assert size(learned.learned_rates(many, options=options))[0] <= 100 * width + 1
    assert size(learned.learned_frames(particle(frames=9), options=options))[0] <= 100 * width + 1
    assert size(learned.learned_laws(laws(), options=options))[0] <= 100 * width + 1
    few = size(learned.learned_rates(many[:1], options=options))[0]
    assert few <= 301


def test_the_voltage_is_drawn_where_there_was_one():
    one = particle(frames=6)
    assert not has_voltage(one)
    half = np.repeat([0, 1], 3)
    one = one.assign(measured_voltage_volt=one["voltage_volt"] + 0.002).assign_coords(
        half_cycle=("time", half), direction=("time", 1 - 2 * half)
    )
    assert has_voltage(one)
    drawn = learned_voltage(one, options=SVG).decode()
    for text in ("voltage / V", "lithiation, model", "delithiation, measured", "mean lithium fraction"):
        assert text in drawn
    with pytest.raises(AnalysisError, match="measured_voltage_volt"):
        learned_voltage(one.drop_vars("measured_voltage_volt"))


def test_a_residual_that_is_large_changes_the_picture():
    options = FigureOptions(dots_per_inch=60)
    one = particle()
    other = one.copy(deep=True)
    other["residual"][2, 3, 2] += 4
    assert learned.learned_frames(one, options=options) != learned.learned_frames(other, options=options)
    assert learned.learned_rates([one], options=options) != learned.learned_rates([other], options=options)
    hidden = one.copy(deep=True)
    hidden["residual"][1, 3, 3] += 4  # where nothing was measured
    assert learned.learned_frames(one, options=options) == learned.learned_frames(hidden, options=options)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(StageError, match="stage"):
        learned.learned_laws(particle())
    with pytest.raises(AnalysisError, match="measured"):
        learned.learned_frames(particle().drop_vars("measured"))
    lost = particle()
    lost["log_rate"][:] = np.nan
    with pytest.raises(AnalysisError, match="log_rate"):
        learned.learned_rates([lost])


def test_trade_offs_are_told_in_words():
    (first,) = words.strongest(laws())
    assert (first.one, first.other, first.correlation) == ("j0 level", "mu term 1", -0.8)
    (sentence,) = words.trade_off_sentences(laws())
    # 0.2 kT at room temperature.
    assert sentence.startswith("j₀(x) and mu(x) trade off below 5.1 mV")
    assert "−0.80" in sentence
    assert words.trade_off_sentences(laws(numbers={"alpha": (0.5, 0.1, "1")})) == []
    assert words.trade_off_sentences(laws(numbers={})) == []
    pair = {"mu term 1": (1.0, 0.1, "kT"), "mu term 2": (1.0, 0.1, "kT")}
    assert "their curve is known better" in words.trade_off_sentences(laws(numbers=pair))[0]


def test_the_range_is_told_in_stretches():
    split = laws()
    known = split["identifiable"].values.copy()
    known[40:45] = False
    split["identifiable"] = ("x_grid", known)
    assert words.range_text(split) == "0.15 to 0.40, 0.46 to 0.85"
    assert words.range_text(laws(low=0.999, high=0.999)) == "nowhere"
    assert "nowhere" in words.law_sentences(laws(low=0.999, high=0.999))[0]


def test_rates_and_fit_are_told():
    assert (
        words.fit_text(laws())
        == "reaction law butler volmer; chi-square per degree of freedom 1.010; converged in 7 steps"
    )
    stopped = laws()
    stopped.attrs["converged"] = 0
    assert "NOT converged" in words.fit_text(stopped)
    assert "known to 10 %" in words.rate_sentence(particle())
    assert words.particle_name(particle()) == "particle 1"
