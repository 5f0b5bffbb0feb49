"""Clock times as SDF writes them, and seconds since the start of a scan."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from lithiscope.errors import FileFormatError

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
        "a time cannot be read",
        file=file,
        field=field,
        value=text,
        limit="like 2007 December 14 18:52:00",
        remedy="mend the time in the header",
    )


def sdf_time(moment: datetime) -> str:
    """Write a time as SDF headers do, with milliseconds only where they are needed.

    The names of the months are English whatever the locale, as in the files of the beamlines.
    """
    text = f"{moment.year:04d} {_MONTHS[moment.month - 1]} {moment.day:02d} {moment:%H:%M:%S}"
    return f"{text}.{moment.microsecond // 1000:03d}" if moment.microsecond >= 1000 else text


def seconds_since(start: datetime, moment: datetime, zone: ZoneInfo | None) -> float:
    """Return the seconds between two times, true over a change of daylight saving time when the zone is known."""
    if zone is not None and start.tzinfo is None and moment.tzinfo is None:
        start, moment = (t.replace(tzinfo=zone).astimezone(UTC) for t in (start, moment))
    return (moment - start).total_seconds()
