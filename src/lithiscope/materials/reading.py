"""Sets from files: the built-in ones, those of plug-ins, and a user's own."""

from __future__ import annotations

import warnings
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pydantic import ValidationError

from lithiscope.errors import LithiscopeError, LithiscopeWarning, OptionError
from lithiscope.materials.parameter_set import Material
from lithiscope.materials.schema import MaterialData
from lithiscope.yaml_files import read_yaml

GROUP = "lithiscope.materials"
_SETS = Path(__file__).with_name("sets")
_ENDINGS = (".yaml", ".yml")


def material_names() -> tuple[str, ...]:
    """Return the names of all sets, those of plug-ins last; a plug-in that fails warns and is left out.

    Examples
    --------
    >>> "lfp_cogswell_bazant_2012" in material_names()
    True
    """
    built_in = _built_in()
    added = [name for name, entry in _plug_ins().items() if name not in built_in and _from_plug_in(entry) is not None]
    return (*built_in, *added)


def material(name_or_path: str | Path) -> Material:
    """Return a parameter set by name, or from a YAML file.

    Parameters
    ----------
    name_or_path : str or Path
        One of `material_names`, or the path of a file that ends in .yaml or .yml.

    Raises
    ------
    OptionError
        If there is no such set, or a number of it cannot be used: the error names file, field, value and limit.
    FileFormatError
        If the file cannot be read, is larger than 1 MB, no YAML, or makes objects or aliases.

    Examples
    --------
    >>> lfp = material("lfp_cogswell_bazant_2012")
    >>> round(lfp.gradient_energy_nm2, 2), round(lfp.coherency, 2)
    (8.83, 3.37)
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(_ENDINGS) or "/" in text or "\\" in text:
        return read_material(Path(name_or_path))
    built_in = _built_in()
    if text in built_in:
        return read_material(built_in[text])
    entry = _plug_ins().get(text)
    found = None if entry is None else _from_plug_in(entry)
    if found is None:
        raise OptionError(
            "there is no such parameter set",
            field="material",
            value=text,
            limit=", ".join(material_names()),
            remedy="choose one of these, or give the path of a YAML file",
        )
    return found


def read_material(path: Path) -> Material:
    """Return the set of a YAML file; raises as `material` does."""
    content = read_yaml(
        path,
        what="the parameter set",
        remedy="start from a built-in set: `lithiscope materials NAME --yaml`",
        too_large="a set is a few kilobytes; thin out its tables",
    )
    try:
        data = MaterialData.model_validate(content)
    except ValidationError as error:
        raise set_error(error, path) from None
    try:
        found = Material(data, path)
        found.check_laws()
    except LithiscopeError as error:
        raise OptionError(
            f"a law of the parameter set cannot be built: {error.problem}",
            file=path,
            field=error.field,
            value=error.value,
            limit=error.limit,
            remedy=error.remedy,
        ) from None
    return found


def set_error(error: ValidationError, path: Path | None) -> OptionError:
    """Turn pydantic's report into one error that names file, field, value, limit and remedy."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith("#")) or "the whole set"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    remedies = {
        "missing": "add the field; `lithiscope materials NAME --yaml` shows a complete set",
        "extra_forbidden": "there is no such field here; check its name and indentation",
        "finite_number": "give a finite number, or leave the field out where nothing is known",
    }
    value = None if first["type"] == "missing" or not first["loc"] else first["input"]
    return OptionError(
        f"a field of the parameter set cannot be used{more}",
        file=path,
        field=field,
        value=f"{value.get('value')} {value['unit']}" if isinstance(value, dict) and "unit" in value else value,
        limit=first["msg"].removeprefix("Value error, "),
        remedy=remedies.get(first["type"], "mend the field; docs/how-to/materials.md explains each"),
    )


def _built_in() -> dict[str, Path]:
    return {path.stem: path for path in sorted(_SETS.glob("*.yaml"))}


def _plug_ins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _from_plug_in(entry: EntryPoint) -> Material | None:
    """Return the set of a plug-in (a Material, a path, or a function that gives one), or None with a warning."""
    try:
        given = entry.load()
        given = given() if callable(given) else given
        return given if isinstance(given, Material) else read_material(Path(given))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a plug-in must not stop the others
        warnings.warn(f"the material plug-in {entry.name!r} was skipped: {error!r}", LithiscopeWarning, stacklevel=4)
        return None
