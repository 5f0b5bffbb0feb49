"""Making a stage (`new`) and checking one that comes in (`check`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import StageError
from lithiscope.stages.catalogue import CATALOGUE
from lithiscope.stages.flags import fatal_mask, flag_attributes
from lithiscope.stages.schema import Stage, Variable

if TYPE_CHECKING:
    import xarray as xr

_KINDS = {"float": "f", "int": "iu", "bool": "b", "string": "UOT"}


def new(
    stage: str,
    variables: Mapping[str, tuple[str, Any]],
    *,
    coords: Mapping[str, tuple[str, Any]],
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Make a stage: fill in units and flag meanings from the schema, set the storage types, and check the result.

    Parameters
    ----------
    stage : str
        The name of the stage in `CATALOGUE`.
    variables, coords : mapping of str to (dims, array)
        Dimensions as a string of names separated by blanks, and the values. Pictures (float variables with a dimension
        x, but not measured positions) are stored as float32, every other float as float64. Entries that are None are
        left out.
    attrs : mapping, optional
        Attributes of the dataset; nothing is ever inherited from another stage.

    Returns
    -------
    xarray.Dataset
        The stage, with ``attrs["stage"]`` set to its name.

    Raises
    ------
    StageError
        If the data break the schema.

    Examples
    --------
    >>> recording = new("recording", {"counts": ("time y x", np.ones((1, 2, 3)))},
    ...     coords={"time": ("time", [0.0]), "y": ("y", [0.0, 0.05]), "x": ("x", [0.0, 0.05, 0.1])})
    >>> recording["counts"].attrs["units"]
    'count'
    """
    import xarray as xr

    schema = _schema(stage)
    data_vars = {
        name: _as_variable(schema, name, dims, values)
        for name, (dims, values) in variables.items()
        if values is not None
    }
    coordinates = {
        name: _as_variable(schema, name, dims, values) for name, (dims, values) in coords.items() if values is not None
    }
    result = xr.Dataset(data_vars, coords=coordinates, attrs={**(attrs or {}), "stage": stage})
    check(result, stage)
    _check_flags(result, schema)
    return result


def check(data: xr.Dataset, *stages: str) -> xr.Dataset:
    """Check that `data` is one of the named stages and keeps its schema; return it unchanged.

    Parameters
    ----------
    data : xarray.Dataset
        What came in.
    *stages : str
        The stages that are welcome.

    Returns
    -------
    xarray.Dataset
        `data` itself.

    Raises
    ------
    StageError
        If `data` is another stage, or names, dimensions, kinds, units or the order of time break the schema.
    """
    found = data.attrs.get("stage") if hasattr(data, "attrs") else None
    if found not in stages:
        raise StageError(
            "the data are not of the expected stage",
            field="attrs['stage']",
            value=found or type(data),
            limit=" or ".join(stages),
            remedy="make it with lithiscope.stages.new or the step before this one",
        )
    schema = _schema(str(found))
    for name, declared in {**schema.variables, **schema.coordinates}.items():
        if declared.required and name not in data.variables:
            raise StageError(f"a {found} lacks a variable", field=name, limit=f"({declared.dims}): {declared.meaning}")
    for found_name in data.variables:
        _check_variable(data, schema, str(found_name))
    for name in schema.required_attributes:
        if name not in data.attrs:
            raise StageError(f"a {found} lacks an attribute", field=f"attrs[{name!r}]", limit=schema.attributes[name])
    _check_time(data)
    return data


def _schema(stage: str) -> Stage:
    try:
        return CATALOGUE[stage]
    except KeyError:
        raise StageError(
            "no such stage", value=stage, limit=", ".join(CATALOGUE), remedy="choose one of these"
        ) from None


def _declared(schema: Stage, name: str) -> Variable:
    declared = schema.variable(name)
    if declared is None:
        raise StageError(
            f"a {schema.name} has no such variable",
            field=name,
            limit=", ".join([*schema.variables, *schema.coordinates]),
        )
    return declared


def _as_variable(schema: Stage, name: str, dims: str, values: Any) -> xr.Variable:
    import xarray as xr

    declared = _declared(schema, name)
    attrs: dict[str, Any] = {"units": declared.unit, "long_name": declared.meaning}
    if name.endswith("_flag") or name == "flag":
        attrs = {"long_name": declared.meaning, **flag_attributes()}
        values = np.asarray(values, dtype=np.uint16)
    elif declared.kind == "float" and not hasattr(values, "chunks"):
        values = np.asarray(values, dtype=np.float32 if _is_picture(name, dims) else np.float64)
    elif declared.kind == "int":
        values = np.asarray(values, dtype=np.int32)
    elif declared.kind in ("bool", "string"):
        attrs = {"long_name": declared.meaning}
        values = np.asarray(values)
    try:
        return xr.Variable(tuple(dims.split()), values, attrs=attrs)
    except ValueError as error:
        raise StageError(
            f"a variable of a {schema.name} has the wrong shape",
            field=name,
            value=np.shape(values),
            limit=f"({declared.dims})",
            remedy=str(error),
        ) from error


def _is_picture(name: str, dims: str) -> bool:
    # Positions of a stage run to thousands of um, where float32 resolves no better than a nanometre.
    return {"x", "y"} <= set(dims.split()) and not name.startswith("position_")


def _check_variable(data: xr.Dataset, schema: Stage, name: str) -> None:
    declared = _declared(schema, name)
    variable = data.variables[name]
    dims = tuple(str(dim) for dim in variable.dims)
    if not declared.allows(dims):
        raise StageError(
            f"a variable of a {schema.name} has the wrong dimensions",
            field=name,
            value=f"({' '.join(dims)})",
            limit=f"({declared.dims})",
        )
    if variable.dtype.kind not in _KINDS[declared.kind]:
        raise StageError(
            f"a variable of a {schema.name} has the wrong type", field=name, value=variable.dtype, limit=declared.kind
        )
    if declared.kind == "float" and variable.attrs.get("units") != declared.unit:
        raise StageError(
            f"a variable of a {schema.name} has the wrong unit",
            field=name,
            value=variable.attrs.get("units"),
            limit=declared.unit,
            remedy="convert with lithiscope.units.convert",
        )


def _check_time(data: xr.Dataset) -> None:
    if "time" in data.dims and "time" in data.coords:
        time = np.asarray(data["time"].values, dtype=float)
        if not np.all(np.isfinite(time)) or np.any(np.diff(time) <= 0):
            worst = (
                int(np.argmax(~np.isfinite(time))) if not np.all(np.isfinite(time)) else int(np.argmin(np.diff(time)))
            )
            raise StageError(
                "time does not increase strictly",
                field="time",
                value=time[worst : worst + 2],
                remedy="sort the scans by time and remove duplicates",
            )


def _check_flags(data: xr.Dataset, schema: Stage) -> None:
    import xarray as xr

    for name in schema.variables:
        flag = f"{name}_flag"
        if name in data and flag in data:
            # A flag may lack a dimension of its variable: one reason for both axes of a position.
            values, bits = (array.values for array in xr.broadcast(data[name], data[flag]))
            wrong = np.isnan(values) != fatal_mask(bits)
            if wrong.any():
                where = tuple(int(i) for i in np.argwhere(wrong)[0])
                raise StageError(
                    "NaN and fatal flags disagree",
                    field=name,
                    value=f"{values[where]} with flag {bits[where]} at {where}",
                    limit="NaN exactly where a fatal bit is set",
                )
