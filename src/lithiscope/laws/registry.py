"""Laws by name: the built-in ones and those of plug-ins.

A plug-in registers a factory (parameters in, law out) in the entry point group ``lithiscope.laws``. The entry's name
says which kind of law it is: ``exchange.NAME``, ``potential.NAME`` or ``reaction.NAME``.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from lithiscope.errors import LithiscopeWarning, OptionError

GROUP = "lithiscope.laws"
Law = TypeVar("Law")
Factory = Callable[..., Any]


def names(kind: str, built_in: Mapping[str, Factory]) -> tuple[str, ...]:
    """Return the names of all laws of a kind that can be built; a plug-in that fails to load warns and is left out."""
    found = [name for name in _plug_ins(kind) if name not in built_in and _load(_plug_ins(kind)[name]) is not None]
    return (*built_in, *found)


def build(
    kind: str, built_in: Mapping[str, Factory], expected: type[Law], name: str, parameters: Mapping[str, Any]
) -> Law:
    """Build a law by name.

    Raises
    ------
    OptionError
        If there is no such law, its parameters have other names, or a plug-in gives something else.
    """
    factory = built_in.get(name) or _load(_plug_ins(kind).get(name))
    if factory is None:
        raise OptionError(
            f"there is no such {kind} law",
            field=kind,
            value=name,
            limit=", ".join(names(kind, built_in)),
            remedy=f"choose one of these, or install a plug-in that registers {kind}.{name} in {GROUP}",
        )
    try:
        inspect.signature(factory).bind(**parameters)
    except TypeError as error:
        raise OptionError(
            f"the parameters do not fit the {kind} law",
            field=name,
            value=dict(parameters),
            limit=f"{name}{inspect.signature(factory)}",
            remedy=str(error),
        ) from None
    law = factory(**parameters)
    if not isinstance(law, expected):
        raise OptionError(
            f"a plug-in gave something that is no {kind} law",
            field=name,
            value=type(law).__name__,
            limit=expected.__name__,
            remedy="mend or remove the plug-in",
        )
    return law


def _plug_ins(kind: str) -> dict[str, EntryPoint]:
    prefix = f"{kind}."
    return {entry.name[len(prefix) :]: entry for entry in entry_points(group=GROUP) if entry.name.startswith(prefix)}


def _load(entry: EntryPoint | None) -> Factory | None:
    """Return the factory of a plug-in, or None with a warning if it cannot be had."""
    if entry is None:
        return None
    try:
        factory = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a plug-in must not stop the others
        warnings.warn(f"the law plug-in {entry.name!r} was skipped: {error!r}", LithiscopeWarning, stacklevel=4)
        return None
    if not callable(factory):
        warnings.warn(f"the law plug-in {entry.name!r} was skipped: not callable", LithiscopeWarning, stacklevel=4)
        return None
    return factory  # type: ignore[no-any-return]
