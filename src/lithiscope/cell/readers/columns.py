"""What the columns of a table are: labels such as ``<I>/mA``, ``Test Time / s`` or ``current_ampere``, with units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lithiscope.cell.readers.raw import CHARGE_INCREMENT, Columns
from lithiscope.errors import FileFormatError, OptionError
from lithiscope.units import AMPERE, AMPERE_HOUR, CELSIUS, ONE, SECOND, VOLT

COUNTER = "counter_electrode_potential_volt"

# The unit of every variable that a column can hold, and the names (lower case, without unit) that files give it.
_NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "test_time_second": (SECOND, ("test time", "time", "t", "elapsed time", "total time", "corrected time")),
    "unix_time_second": (SECOND, ("unix time",)),
    "voltage_volt": (VOLT, ("voltage", "cell voltage", "ecell", "ewe-ece")),
    "working_electrode_potential_volt": (
        VOLT,
        ("working electrode potential", "ewe", "vf", "potential", "we(1).potential"),
    ),
    COUNTER: (VOLT, ("ece",)),
    "current_ampere": (AMPERE, ("current", "i", "im", "we(1).current")),
    CHARGE_INCREMENT: (AMPERE_HOUR, ("dq",)),
    "net_capacity_ah": (AMPERE_HOUR, ("net capacity", "(q-qo)")),
    "charging_capacity_ah": (AMPERE_HOUR, ("charging capacity", "charge capacity", "q charge")),
    "discharging_capacity_ah": (AMPERE_HOUR, ("discharging capacity", "discharge capacity", "q discharge")),
    "ambient_temperature_celsius": (CELSIUS, ("ambient temperature", "temperature", "temp")),
    "cycle_count": (ONE, ("cycle count", "cycle number", "cycle index", "cycle")),
    "step_index": (ONE, ("step index", "step id", "ns")),
    "step_count": (ONE, ("step count",)),
}
UNITS = {variable: unit for variable, (unit, _) in _NAMES.items()}
INTEGERS = ("cycle_count", "step_index", "step_count")
_VARIABLE_OF = {name: (variable, rank) for variable, (_, names) in _NAMES.items() for rank, name in enumerate(names)}

# Units that machine-readable names end in.
_ENDINGS = {
    "millisecond": "ms",
    "second": "s",
    "volt": "V",
    "ampere": "A",
    "ah": "A*hour",
    "ampere hour": "A*hour",
    "celsius": CELSIUS,
}
_IN_BRACKETS = re.compile(r"^(?P<name>.*?)\s*[\[(](?P<unit>[^\[\]()]*)[\])]$")
_CHARGE = re.compile(r"^(?P<current>[^\s.*]*A)[.*]?(?P<time>[hs])$")
_AFTER_SLASH = re.compile(r"^(?P<name>.*\S)\s*/\s*(?P<unit>[^/]*)$")


@dataclass(frozen=True)
class Column:
    """A column that means something: where it stands, which variable it holds and in which unit (None: unstated)."""

    index: int
    variable: str
    unit: str | None
    label: str
    rank: int = 0


def recognise(label: str) -> tuple[str, str | None, int] | None:
    """Return variable, unit and rank (0 is best) of a label, or None for a column that no trace holds.

    Examples
    --------
    >>> recognise("<I>/mA")
    ('current_ampere', 'mA', 101)
    >>> recognise("Test Time / ms")
    ('test_time_second', 'ms', 0)
    >>> recognise("charging_capacity_ah")
    ('charging_capacity_ah', 'A*hour', 0)
    >>> recognise("control/V/mA") is None
    True
    """
    text = label.strip().strip('"').strip()
    averaged = "<" in text
    text = text.replace("<", "").replace(">", "")
    for name, unit in _splits(text):
        found = _VARIABLE_OF.get(name)
        if found is not None:
            variable, rank = found
            # An average over the interval is taken only where the momentary value is missing.
            return variable, ONE if variable in INTEGERS else unit, rank + 100 * averaged
    return None


def _splits(text: str) -> list[tuple[str, str | None]]:
    splits: list[tuple[str, str | None]] = []
    for pattern in (_AFTER_SLASH, _IN_BRACKETS):
        match = pattern.match(text)
        # No unit of a trace holds digits; pint would work out 9**9**9.
        if match and (match["unit"].strip() == ONE or not any(letter.isdigit() for letter in match["unit"])):
            splits.append((_key(match["name"]), _plain_unit(match["unit"])))
    key = _key(text)
    splits += [(key.removesuffix(f" {end}"), unit) for end, unit in _ENDINGS.items() if key.endswith(f" {end}")]
    return [*splits, (key, None)]


def _key(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _plain_unit(unit: str) -> str | None:
    plain = unit.strip()
    charge = _CHARGE.match(plain)
    if charge:
        return f"{charge['current']}*{'hour' if charge['time'] == 'h' else 'second'}"
    if plain.lower() in ("°c", "deg c", "degc", "grad c", "�c", "celsius"):
        return CELSIUS
    # "V vs. Ref." is a potential in V.
    return plain.split(" ")[0] or None


def choose(labels: Sequence[str], columns: Columns | None, *, file: str) -> list[Column]:
    """Choose one column for each variable that the labels (or the user) name.

    Parameters
    ----------
    labels : sequence of str
        Labels of the columns; empty strings where a file has none.
    columns : mapping, optional
        The user's choice, which goes before what the labels say.
    file : str
        For messages.

    Returns
    -------
    list of Column
        At most one for each variable.

    Raises
    ------
    OptionError
        If the user names a variable or a column that does not exist.
    """
    best: dict[str, Column] = {}
    for index, label in enumerate(labels):
        found = recognise(label)
        if found is None:
            continue
        variable, unit, rank = found
        if variable not in best or rank < best[variable].rank:
            best[variable] = Column(index, variable, unit, label, rank)
    for variable, choice in (columns or {}).items():
        best[variable] = _chosen(variable, choice, labels, file)
    return list(best.values())


def _chosen(variable: str, choice: object, labels: Sequence[str], file: str) -> Column:
    if variable not in UNITS:
        raise OptionError(
            "a trace has no such variable", file=file, field="columns", value=variable, limit=", ".join(UNITS)
        )
    where, unit = choice if isinstance(choice, tuple) else (choice, None)
    listed = ", ".join(repr(label) for label in labels)
    if isinstance(where, str) and where in labels:
        index = list(labels).index(where)
    elif isinstance(where, int) and not isinstance(where, bool) and 0 <= where < len(labels):
        index = where
    else:
        raise OptionError("the file has no such column", file=file, field=variable, value=where, limit=listed)
    label = labels[index]
    if unit is None:
        stated = next((unit for _, unit in _splits(label.replace("<", "").replace(">", "")) if unit), None)
        unit = ONE if variable in INTEGERS else stated
    return Column(index, variable, unit, label or str(index))


def is_trace(labels: Sequence[str]) -> bool:
    """Whether the labels name a time and at least one thing measured against it."""
    found = {match[0] for match in map(recognise, labels) if match}
    measured = {"voltage_volt", "working_electrode_potential_volt", "current_ampere", CHARGE_INCREMENT}
    return bool(found & {"test_time_second", "unix_time_second"}) and bool(found & measured)


def require_time(columns: Sequence[Column], labels: Sequence[str], *, file: str) -> None:
    """Raise when no column holds a time.

    Raises
    ------
    FileFormatError
        Naming the columns that there are.
    """
    if not {"test_time_second", "unix_time_second"} & {column.variable for column in columns}:
        raise FileFormatError(
            "the file has no column of time",
            file=file,
            field="test_time_second",
            value=", ".join(labels),
            remedy="name it with columns={'test_time_second': ('label', 's')}",
        )
