from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.times import to_utc, zone_of


def test_a_local_time_without_a_zone_is_no_moment() -> None:
    assert to_utc(datetime(2024, 1, 10, 11), zone_of(None), file="a.mpt") is None


def test_a_stated_zone_makes_it_one() -> None:
    utc = to_utc(datetime(2024, 1, 10, 11), zone_of("Europe/Zurich"), file="a.mpt")
    assert utc == datetime(2024, 1, 10, 10, tzinfo=UTC)


def test_the_zone_of_the_file_goes_before_the_users() -> None:
    moment = datetime(2024, 1, 10, 11, tzinfo=UTC)
    assert to_utc(moment, zone_of("Europe/Zurich"), file="a.mpt") == moment


def test_an_unknown_zone_and_a_doubtful_hour() -> None:
    with pytest.raises(OptionError, match="no such time zone"):
        zone_of("Mars/Olympus")
    with pytest.warns(LithiscopeWarning, match="daylight saving"):
        to_utc(datetime(2017, 11, 5, 1, 30), zone_of("America/Los_Angeles"), file="a.mpt")
