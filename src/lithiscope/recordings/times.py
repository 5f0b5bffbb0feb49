"""Clock times of files: naive local times, time zones, and seconds since the start of a scan."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError

_DAYS = ("%Y %B %d", "%Y %b %d")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def parse_sdf_time(text: str, *, file: str | Path, field: str) -> datetime:
    """Read a time as SDF headers write it, e.g. ``2007 December 14 18:52:00``; fractions of a second are allowed.

    Raises
    ------
    FileFormatError
        If the text is no such time.

    Examples
    --------
    >>> parse_sdf_time("2017 Nov 05 16:39:13", file="a.hdr", field="Time").isoformat()
    '2017-11-05T16:39:13'
    """
    plain = " ".join(text.split())
    for days in _DAYS:
        for clock in ("%H:%M:%S", "%H:%M:%S.%f"):
            try:
                return datetime.strptime(plain, f"{days} {clock}")
            except ValueError:
                continue
    raise FileFormatError(
        "a time cannot be read", file=file, field=field, value=text, limit="like 2007 December 14 18:52:00"
    )


def sdf_time(moment: datetime) -> str:
    """Write a time as SDF headers do, with milliseconds only where they are needed.

    The names of the months are English whatever the locale, as in the files of the beamlines.
    """
    text = f"{moment.year:04d} {_MONTHS[moment.month - 1]} {moment.day:02d} {moment:%H:%M:%S}"
    return f"{text}.{moment.microsecond // 1000:03d}" if moment.microsecond >= 1000 else text


def zone_of(timezone: str | None) -> ZoneInfo | None:
    """Return the time zone of that name (e.g. ``America/Los_Angeles``), or None for None.

    Raises
    ------
    OptionError
        If there is no such zone.
    """
    if timezone is None:
        return None
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise OptionError(
            "there is no such time zone",
            field="timezone",
            value=timezone,
            limit="a name of the IANA data base",
            remedy="write it like America/Los_Angeles or Europe/Zurich",
        ) from None


def to_utc(moment: datetime, zone: ZoneInfo | None, *, file: str | Path) -> datetime | None:
    """Return the moment in UTC, or None when neither the file nor the user states a zone.

    A zone that the file states goes before the user's.

    Warns
    -----
    LithiscopeWarning
        If the clock showed this local time twice or never (change of daylight saving time); the first is taken.
    """
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if zone is None:
        return None
    local = moment.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        warnings.warn(
            f"{file}: {moment.isoformat()} falls in a change of daylight saving time of {zone.key}; "
            "the earlier reading of the clock was taken",
            LithiscopeWarning,
            stacklevel=3,
        )
    return local.astimezone(UTC)


def seconds_since(start: datetime, moment: datetime, zone: ZoneInfo | None) -> float:
    """Return the seconds between two times, true over a change of daylight saving time when the zone is known."""
    if zone is not None and start.tzinfo is None and moment.tzinfo is None:
        start, moment = (t.replace(tzinfo=zone).astimezone(UTC) for t in (start, moment))
    return (moment - start).total_seconds()
