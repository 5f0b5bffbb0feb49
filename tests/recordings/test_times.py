from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError
from lithiscope.recordings import open_recording
from lithiscope.recordings.times import parse_sdf_time, sdf_time, seconds_since
from lithiscope.times import zone_of


@given(st.datetimes())
def test_times_are_read_back_to_a_millisecond(moment) -> None:
    # The format writes years with four digits.
    back = parse_sdf_time(sdf_time(moment), file="a", field="Time")
    assert abs((back - moment).total_seconds()) < 1e-3


def test_a_time_that_is_none() -> None:
    with pytest.raises(FileFormatError, match="like 2007 December 14"):
        parse_sdf_time("14.12.2007", file="a.hdr", field="Time")


def test_utc_from_a_stated_zone(write_scan) -> None:
    winter = open_recording(write_scan(time="2017 Nov 05 16:39:13"), timezone="America/Los_Angeles")
    assert winter.attrs["start_utc"] == "2017-11-06T00:39:13+00:00"
    summer = open_recording(write_scan(time="2017 July 05 16:39:13"), timezone="Europe/Zurich")
    assert summer.attrs["start_utc"] == "2017-07-05T14:39:13+00:00"


def test_an_unknown_zone(write_scan) -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(OptionError) as caught:
            open_recording(write_scan(), timezone=name)
        assert caught.value.field == "timezone"


@pytest.mark.parametrize("time", ["2017 November 05 01:30:00", "2017 March 12 02:30:00"])
def test_a_clock_time_that_came_twice_or_never_warns(write_scan, time) -> None:
    with pytest.warns(LithiscopeWarning, match="daylight saving"):
        open_recording(write_scan(time=time), timezone="America/Los_Angeles")


def test_seconds_over_the_change_of_the_clocks() -> None:
    start, end = (parse_sdf_time(f"2017 Mar 12 0{hour}:00:00", file="a", field="Time") for hour in (1, 4))
    assert seconds_since(start, end, None) == 3 * 3600
    assert seconds_since(start, end, zone_of("America/Los_Angeles")) == 2 * 3600
