"""Clock times in potentiostats' files: one moment in a header, or a whole column of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.times import zone_of

if TYPE_CHECKING:
    import pandas as pd

_MOMENT = re.compile(
    r"^\s*(\d{1,4})([./-])(\d{1,2})\2(\d{2,4})[ T]+(\d{1,2}:\d{2}(?::\d{2})?)([.,]\d+)?\s*([AaPp][Mm])?\s*$"
)


def is_moment(text: str) -> bool:
    """Whether a text is a date with a time.

    Examples
    --------
    >>> is_moment("01/10/2024 11:02:29.886"), is_moment("1,099979972212168E+001")
    (True, False)
    """
    return _MOMENT.match(text) is not None


def parse_moment(text: str, *, date_order: str | None, usual: str | None) -> datetime | None:
    """Read one date with a time; None when it is none, or when day and month cannot be told apart.

    Parameters
    ----------
    text : str
        E.g. ``01/10/2024 11:02:29.886``, ``10.02.2020 17:18:00``, ``2024-01-10 11:02:29``.
    date_order : {"month first", "day first"}, optional
        What the user states.
    usual : {"month first", "day first"}, optional
        How this format writes dates, where that is known.

    Examples
    --------
    >>> parse_moment("01/10/2024 11:02:29.886", date_order=None, usual="month first").isoformat()
    '2024-01-10T11:02:29.886000'
    """
    form = _form_of([text], date_order, usual)
    if form is None:
        return None
    plain = _plain(text)
    for fraction in (".%f", ""):
        try:
            return datetime.strptime(plain, form.replace("{fraction}", fraction))
        except ValueError:
            continue
    return None


def _plain(text: str) -> str:
    return re.sub(r",(\d+)", r".\1", " ".join(text.replace("T", " ").split()))


def _form_of(texts: Sequence[str], date_order: str | None, usual: str | None) -> str | None:
    matches = [match for match in map(_MOMENT.match, texts) if match]
    if not matches:
        return None
    first, separator, _, last, clock, _, half = matches[0].groups()
    clock_form = ("%I" if half else "%H") + ":%M" + (":%S" if clock.count(":") == 2 else "")
    clock_form += "{fraction}" + (" %p" if half else "")
    if len(first) == 4:
        return f"%Y{separator}%m{separator}%d {clock_form}"
    order = date_order or _order_of(matches) or usual
    if order is None:
        return None
    year = "%Y" if len(last) == 4 else "%y"
    days = ("%m", "%d") if order == "month first" else ("%d", "%m")
    return f"{days[0]}{separator}{days[1]}{separator}{year} {clock_form}"


def _order_of(matches: Sequence[re.Match[str]]) -> str | None:
    if any(int(match[1]) > 12 for match in matches):
        return "day first"
    if any(int(match[3]) > 12 for match in matches):
        return "month first"
    # 05/05 reads the same either way.
    return "day first" if all(match[1] == match[3] for match in matches) else None


def column_of_moments(
    texts: np.ndarray,
    start: datetime | None,
    *,
    timezone: str | None,
    date_order: str | None,
    usual: str | None,
    file: str,
) -> tuple[np.ndarray, datetime | None]:
    """Turn a column of clock times into seconds since the start.

    Parameters
    ----------
    texts : ndarray of object
        The column; entries that are no moment become NaN.
    start : datetime, optional
        The zero of the seconds; the first entry when None.
    timezone : str, optional
        Zone of the clock; with it, seconds are right over a change of daylight saving time.
    date_order, usual
        As for `parse_moment`.
    file : str
        For messages.

    Returns
    -------
    seconds : ndarray of float
        All NaN when day and month cannot be told apart.
    start : datetime or None
        The zero of the seconds.
    """
    import pandas as pd

    listed = [str(text) for text in texts]
    form = _form_of(listed, date_order, usual)
    if form is None:
        return np.full(len(texts), np.nan), start
    plain = pd.Series([_plain(text) for text in listed])
    moments = pd.to_datetime(plain, format=form.replace("{fraction}", ".%f"), errors="coerce")
    moments = moments.fillna(pd.to_datetime(plain, format=form.replace("{fraction}", ""), errors="coerce"))
    if moments.notna().sum() == 0:
        return np.full(len(texts), np.nan), start
    first: datetime = start or moments.dropna().iloc[0].to_pydatetime()
    zero = pd.Series([pd.Timestamp(first)])
    if timezone is not None:
        moments, zero = (_localised(times, timezone) for times in (moments, zero))
    seconds: np.ndarray = ((moments - zero.iloc[0]) / pd.Timedelta(seconds=1)).to_numpy(dtype=float)
    if np.nanmin(seconds) < -1:
        warnings.warn(
            f"{file}: clock times {-np.nanmin(seconds):.0f} s before the stated start; is day or month first? "
            "(option date_order)",
            LithiscopeWarning,
            stacklevel=2,
        )
    return seconds, first


def _localised(times: pd.Series[pd.Timestamp], timezone: str) -> pd.Series[pd.Timestamp]:
    earlier = np.ones(len(times), dtype=bool)
    local = times.dt.tz_localize(zone_of(timezone), ambiguous=earlier, nonexistent="shift_forward")
    return local.dt.tz_convert("UTC")
