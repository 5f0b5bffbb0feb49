"""A set with other numbers, under another name: two named sets are never mixed silently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lithiscope.errors import OptionError
from lithiscope.materials.parameter_set import Material
from lithiscope.materials.reading import set_error
from lithiscope.materials.schema import MaterialData


def varied(base: Material, name: str, values: Mapping[str, float | list[float] | dict[str, float]]) -> Material:
    """Return a copy of a set with some values changed, each marked as assumed, under a new name.

    Parameters
    ----------
    base : Material
        The set to start from.
    name : str
        Name of the copy; not that of `base`.
    values : mapping
        New values by path, e.g. ``{"gradient_energy": 2e-9}``, in the units that the set states for them.

    Returns
    -------
    Material
        Its ``data.based_on`` names `base`.

    Raises
    ------
    OptionError
        If the name is that of the set, there is no such number, or a value cannot be used.
    """
    if name == base.name:
        raise OptionError(
            "a set with other numbers needs another name",
            field="name",
            value=name,
            remedy="a name stands for its published numbers; give the copy one of its own",
        )
    known = base.numbers()
    content = base.data.model_dump(mode="python")
    for path, value in values.items():
        if path not in known:
            raise OptionError(
                f"the set {base.name} has no such number", field=path, value=value, limit=", ".join(known)
            )
        _change(content, path.split("."), value, base.name)
    content |= {"name": name, "based_on": base.name}
    try:
        result = Material(MaterialData.model_validate(content))
    except ValidationError as error:
        raise set_error(error, None) from None
    result.check_laws()
    return result


def _change(content: dict[str, Any], path: list[str], value: Any, name: str) -> None:
    place: Any = content
    for part in path:
        place = place[int(part)] if isinstance(place, (list, tuple)) else place[part]
    before = place["value"]
    place |= {"value": value, "status": "assumed", "source": f"changed from {before} of {name}"}
