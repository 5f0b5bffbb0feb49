from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError
from lithiscope.report import plots

SIZES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6}


@given(st.floats(1e-14, 1e8))
def test_readable_numbers_lie_between_1_and_1000_and_keep_their_value(value):
    factor, unit = plots.readable([value, np.nan, -value / 3], "A")
    assert factor * SIZES[unit[:-1]] == pytest.approx(1.0)
    assert 1 - 1e-6 <= value * factor <= 1000 * (1 + 1e-6)


def test_nothing_finite_has_no_prefix():
    assert plots.readable([np.nan, np.inf], "V") == (1.0, "V")


@given(st.floats(-1e3, 1e3), st.floats(1e-4, 1e2))
def test_a_number_with_its_error_is_cut_where_the_error_says_no_more(value, error):
    text = plots.with_error(value, error).replace("−", "-")
    shown, bar = (float(part) for part in text.split(" ± "))
    # The error keeps one digit (two when it begins with 1): at most half of the last place is lost, 33 % of a 1.5.
    last = 10.0 ** -len(re.sub(r"^[^.]*\.?", "", text.split(" ± ")[1]))
    assert abs(shown - value) <= last / 2 * (1 + 1e-9)
    assert abs(bar - error) <= last / 2 * (1 + 1e-9)
    assert last <= max(1.0, error)


def test_an_unknown_error_is_left_out():
    assert plots.with_error(-0.5, float("nan")) == "−0.5"
    assert plots.with_error(2.0, 0.0) == "2"


def test_shifts_add_in_quadrature_whatever_their_sign():
    data = xr.Dataset({"q": ("a", [1.0]), "q_shift": (("systematic", "a"), [[3.0], [-4.0]])})
    assert plots.quadrature(data, "q") == pytest.approx([5.0])
    assert plots.quadrature(data, "r") is None


def test_an_absent_quantity_is_named():
    with pytest.raises(AnalysisError, match="does not hold") as caught:
        plots.need(xr.Dataset({"q": 1.0}), "q", "r")
    assert caught.value.field == "r"
