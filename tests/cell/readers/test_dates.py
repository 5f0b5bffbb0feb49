from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.cell.readers.dates import column_of_moments, is_moment, parse_moment
from lithiscope.errors import LithiscopeWarning

MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1))


@given(MOMENTS, st.sampled_from("/.-"), st.sampled_from(["month first", "day first"]))
def test_a_moment_is_read_back(moment, mark, order) -> None:
    form = f"%m{mark}%d{mark}%Y" if order == "month first" else f"%d{mark}%m{mark}%Y"
    text = moment.strftime(f"{form} %H:%M:%S.%f")
    assert is_moment(text)
    assert parse_moment(text, date_order=order, usual=None) == moment
    assert parse_moment(moment.isoformat(sep=" "), date_order=None, usual=None) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01/10/2024 11:02:29.886", datetime(2024, 1, 10, 11, 2, 29, 886000)),
        ("01/10/2024 11:02:29,886", datetime(2024, 1, 10, 11, 2, 29, 886000)),
        ("13/10/2024 11:02", datetime(2024, 10, 13, 11, 2)),
        ("1/2/24 5:47:03 PM", datetime(2024, 1, 2, 17, 47, 3)),
        ("2024-01-10T11:02:29", datetime(2024, 1, 10, 11, 2, 29)),
    ],
)
def test_forms(text, expected) -> None:
    assert parse_moment(text, date_order=None, usual="month first") == expected


@pytest.mark.parametrize("text", ["", "yesterday", "12.5", "2024", "99/99/2024 11:02:29", "31/02/2024 25:00:00"])
def test_what_is_no_moment(text) -> None:
    assert parse_moment(text, date_order=None, usual="month first") is None


def test_order_unknown() -> None:
    assert parse_moment("3-4-2019 10:00:00", date_order=None, usual=None) is None
    assert parse_moment("4-4-2019 10:00:00", date_order=None, usual=None) == datetime(2019, 4, 4, 10)


def test_a_column_tells_day_from_month_by_all_of_its_rows() -> None:
    texts = np.array(["11/12/2024 23:59:59", "12/12/2024 00:00:01", "13/12/2024 00:00:00"], dtype=object)
    seconds, start = column_of_moments(texts, None, timezone=None, date_order=None, usual="month first", file="a")
    np.testing.assert_array_equal(seconds, [0, 2, 86401])
    assert start == datetime(2024, 12, 11, 23, 59, 59)


def test_rows_that_are_no_moment_are_nan() -> None:
    texts = np.array(["2024-01-10 11:00:00", "", "2024-01-10 11:00:01.5", "oops"], dtype=object)
    seconds, _ = column_of_moments(texts, None, timezone=None, date_order=None, usual=None, file="a")
    np.testing.assert_array_equal(seconds, [0, np.nan, 1.5, np.nan])


def test_times_before_the_stated_start_warn() -> None:
    texts = np.array(["2024-01-10 11:00:00"], dtype=object)
    with pytest.warns(LithiscopeWarning, match="is day or month first"):
        column_of_moments(texts, datetime(2024, 10, 1), timezone=None, date_order=None, usual=None, file="a")
