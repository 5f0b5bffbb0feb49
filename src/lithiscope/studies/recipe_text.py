"""A recipe as text: safe reading of YAML, overrides from the command line, and commented writing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from lithiscope import yaml_files
from lithiscope.errors import OptionError

if TYPE_CHECKING:
    from pydantic import BaseModel


def read_yaml(path: Path, *, explained: str = "lithiscope new") -> dict[str, Any]:
    """Read the YAML of a recipe, such as the command `explained` writes; raises FileFormatError, see `yaml_files`."""
    return yaml_files.read_yaml(
        path,
        what="the recipe",
        remedy=f"start from `{explained}`, which writes what a recipe looks like",
        too_large="write the spectra into files and name those",
    )


def override(content: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return a copy of a recipe with ``step.option=value`` settings applied; items of lists count from 0.

    Examples
    --------
    >>> override({"composition": {"weighted": True}}, ["composition.weighted=false", "particles.find.threshold=0.4"])
    {'composition': {'weighted': False}, 'particles': {'find': {'threshold': 0.4}}}
    >>> override({"protocol": [{"c_rate": 1}, {"c_rate": 2}]}, ["protocol.0.c_rate=3", "protocol[1].c_rate=4"])
    {'protocol': [{'c_rate': 3}, {'c_rate': 4}]}
    """
    import copy

    result: dict[str, Any] = copy.deepcopy(dict(content))
    for setting in settings:
        name, equals, text = setting.partition("=")
        path = _INDEX.sub(r".\1", name.strip()).split(".")
        if not equals or not all(path):
            raise OptionError(
                "a setting cannot be read",
                value=setting,
                limit="step.option=value",
                remedy="write it like composition.unmix.weighting=none, or protocol.0.c_rate=3 for an item of a list",
            )
        place: Any = result
        for part, following in pairwise(path):
            place = _inner(place, part, following, name)
        place[_key(place, path[-1], name)] = _value(name, text)
    return result


_INDEX = re.compile(r"\[(\w+)\]")


def _inner(place: Any, part: str, following: str, name: str) -> Any:
    """Return what a part of a recipe holds under a name or number, made when absent."""
    key = _key(place, part, name)
    child = place[key] if isinstance(place, list) else place.get(key)
    if child is None and following.isdecimal():
        raise OptionError(
            "a setting names an item of a list that the recipe does not hold",
            field=name,
            value=f"{part}.{following}",
            remedy=f"give the whole list, like {part}=[...]",
        )
    if child is None:
        child = place[key] = {}
    if not isinstance(child, (dict, list)):
        raise OptionError(
            "a setting names a part of something that has no parts",
            field=name,
            value=part,
            remedy="leave out what follows that name; an option with parts has them below it in the recipe",
        )
    return child


def _key(place: Any, part: str, name: str) -> Any:
    """Return a part of a setting's name as a key of a mapping, or as the number of an item of a list."""
    if not isinstance(place, list):
        return part
    if not part.isdecimal() or int(part) >= len(place):
        raise OptionError(
            "a setting names an item that the list does not have",
            field=name,
            value=part,
            limit=f"0 to {len(place) - 1}" if place else "none: the list is empty",
            remedy="items count from 0; to add one, give the whole list",
        )
    return int(part)


def _value(name: str, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except RecursionError:
        raise OptionError("a setting is nested too deeply", field=name, remedy="write it into the recipe") from None
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError
        raise OptionError("a setting has an unreadable value", field=name, value=text, remedy=str(error)) from None


def commented_yaml(options: BaseModel, *, header: str, leave_out: Sequence[str] = ()) -> str:
    """Return options as YAML, each field with its description above it and its choices and default explained.

    Parameters
    ----------
    options : BaseModel
        A (nested) model; its field descriptions become comments.
    header : str
        Comment for the top of the file, without the ``#``.
    leave_out : sequence of str
        Fields at the top that are not written.

    Returns
    -------
    str
        Text that `read_yaml` reads back to the same values.
    """
    lines = [f"# {line}".rstrip() for line in header.splitlines()]
    return "\n".join([*lines, "", *_lines(options, 0, leave_out)]) + "\n"


def _lines(options: BaseModel, depth: int, leave_out: Sequence[str] = ()) -> Iterator[str]:
    from pydantic import BaseModel

    indent = "  " * depth
    for name, field in type(options).model_fields.items():
        if name in leave_out:
            continue
        value = getattr(options, name)
        yield from _comment(field.description, indent)
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:"
            yield from _lines(value, depth + 1)
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], BaseModel):
            yield f"{indent}{name}:"
            for number, item in enumerate(value):
                lines = list(_lines(item, depth + 2))
                if number > 0:  # explained at the first
                    lines = [line for line in lines if not line.lstrip().startswith("#")]
                first = next(place for place, line in enumerate(lines) if not line.lstrip().startswith("#"))
                yield from lines[:first]
                yield f"{indent}  - {lines[first].lstrip()}"
                yield from lines[first + 1 :]
        else:
            yield f"{indent}{name}: {_scalar(value)}"
        if depth == 0:
            yield ""


def _comment(description: str | None, indent: str, width: int = 110) -> Iterator[str]:
    import textwrap

    if description:
        yield from textwrap.wrap(
            " ".join(description.split()), width, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )


def _scalar(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(
        _plain(value), default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
    )
    return text.removesuffix("...\n").strip()


def _plain(value: Any) -> Any:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value
