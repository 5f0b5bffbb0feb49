"""From the chosen columns of a text table to the variables of a trace, in their units."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from lithiscope.cell.readers.columns import COUNTER, UNITS, Column, choose, require_time
from lithiscope.cell.readers.dates import column_of_moments, is_moment
from lithiscope.cell.readers.raw import Request
from lithiscope.cell.readers.text import HEAD_BYTES, Table, decode, read_columns
from lithiscope.errors import LithiscopeWarning, UnitError
from lithiscope.units import convert

# What a trace can do without.
_AUXILIARY = ("ambient_temperature_celsius", "cycle_count", "step_index", "step_count")


def read_table(
    table: Table,
    labels: Sequence[str],
    request: Request,
    *,
    start: datetime | None = None,
    usual_order: str | None = None,
) -> tuple[dict[str, np.ndarray], datetime | None]:
    """Read the columns of a trace from a table.

    Parameters
    ----------
    table : Table
        The rows.
    labels : sequence of str
        Labels of the columns, with units.
    request : Request
        What the user asked for.
    start : datetime, optional
        Start that the header states.
    usual_order : str, optional
        How this format writes dates.

    Returns
    -------
    variables : dict of str to ndarray
        In the units of the stage.
    start : datetime or None
        The header's start, or the first clock time of the table.

    Raises
    ------
    FileFormatError
        If there is no column of time.
    UnitError
        If the unit of time, voltage, current or charge is missing or of another dimension.

    Warns
    -----
    LithiscopeWarning
        If the unit of another column cannot be read; the column is left out.
    """
    file = str(table.path)
    columns = choose(labels, request.columns, file=file)
    require_time(columns, labels, file=file)
    sample = next((line for line in table.data[:HEAD_BYTES].splitlines() if line.strip()), b"")
    fields = [field.strip().strip('"') for field in decode(sample).split(table.separator)][table.offset :]
    clocks = [
        column.index
        for column in columns
        if column.variable == "test_time_second" and column.index < len(fields) and is_moment(fields[column.index])
    ]
    numbers = sorted({column.index for column in columns} - set(clocks))
    read = read_columns(table, numbers, clocks)
    variables: dict[str, np.ndarray] = {}
    for column in columns:
        if column.index in clocks:
            variables[column.variable], start = column_of_moments(
                read[column.index],
                start,
                timezone=request.timezone,
                date_order=request.options.date_order,
                usual=usual_order,
                file=file,
            )
            continue
        try:
            variables[column.variable] = in_units(read[column.index], column, file=file)
        except UnitError as error:
            if column.variable not in _AUXILIARY or column.variable in (request.columns or {}):
                raise
            warnings.warn(
                f"{file}: the column {column.label!r} was left out, because its unit cannot be read: {error.problem}; "
                f"state it with columns= (recipe: cell.columns): {column.variable}: [{column.label}, UNIT]",
                LithiscopeWarning,
                stacklevel=5,
            )
    return with_cell_voltage(variables), start


def in_units(values: np.ndarray, column: Column, *, file: str) -> np.ndarray:
    """Convert a column to the unit of its variable.

    Raises
    ------
    UnitError
        If the unit is missing or of another dimension.
    """
    converted: np.ndarray = convert(values, column.unit, UNITS[column.variable], field=column.label, file=file)
    return converted


def with_cell_voltage(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the variables with the potential of the counter electrode turned into the voltage of the cell."""
    result = dict(variables)
    counter = result.pop(COUNTER, None)
    working = result.get("working_electrode_potential_volt")
    if counter is not None and working is not None and "voltage_volt" not in result:
        result["voltage_volt"] = working - counter
    return result
