"""Clock times of instruments: a naive local time needs a stated zone before it is a moment in UTC."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lithiscope.errors import LithiscopeWarning, OptionError


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
