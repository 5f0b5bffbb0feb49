"""The lines that `lithiscope materials` prints: what sets there are, and the numbers of one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from lithiscope.materials.numbers import Components, Number, Series
from lithiscope.materials.parameter_set import Material
from lithiscope.materials.reading import material, material_names

_WIDTH = 110
_LONGEST = 6
_WIDEST = 26
_HEAD = ("number", "symbol", "value", "unit", "range of x")


def set_lines() -> Iterator[str]:
    """Yield one block for each set: name, what it is, where it is from."""
    for name in material_names():
        given = material(name)
        data = given.data
        yield name
        yield f"    {data.title}"
        yield f"    from {', '.join(data.references) or 'no paper'}; {_shares(given)}"
    yield ""
    yield "lithiscope materials NAME shows the numbers of a set, --plot FILE.svg draws its laws, --yaml prints its file"
    yield "for you to copy, rename and change. NAME may be the path of your own file."


def number_lines(given: Material) -> Iterator[str]:
    """Yield the numbers of a set with unit, source, status and range, what follows from them, and the references."""
    data = given.data
    yield f"{data.name}: {data.title} ({data.formula})"
    yield from textwrap.wrap(data.description.strip(), _WIDTH)
    if data.based_on:
        yield f"A copy of {data.based_on} with other numbers."
    yield ""
    yield from _table(given)
    yield ""
    yield f"Laws: {_laws(given)}"
    if data.reaction is not None:
        acts = "gradient energy and strain act on j0 too" if given.full_potential else "j0 follows x alone"
        yield f"Full potential: {str(given.full_potential).lower()}, so in a simulation {acts}"
    yield f"Optical constants: {len(data.optical_constants) or 'none yet'}"
    yield "In the units of the phase-field engine:"
    yield from (f"  {line}" for line in _engine(given))
    yield "References:"
    for key, reference in data.references.items():
        yield f"  {key}: {reference.citation}" + (f", https://doi.org/{reference.doi}" if reference.doi else "")


def _table(given: Material) -> Iterator[str]:
    """Yield two lines or more for each number: itself, and where it is from."""
    numbers = given.numbers()
    rows = [_HEAD, *(_row(path, stated) for path, stated in numbers.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    widths[2] = min(widths[2], _WIDEST)
    for row, stated in zip(rows, [None, *numbers.values()], strict=True):
        long = len(row[2]) > _WIDEST
        cells = (*row[:2], "" if long else row[2], *row[3:])
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        if long:
            yield f"    {row[2]}"
        if stated is not None:
            text = f"{stated.status}: {stated.source}" + (f" ({stated.remark})" if stated.remark else "")
            yield from textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="      ")


def _shares(given: Material) -> str:
    statuses = [stated.status for stated in given.numbers().values()]
    named = [f"{statuses.count(status)} {status}" for status in ("published", "derived", "assumed")]
    return f"{len(statuses)} numbers: {', '.join(named)}"


def _row(path: str, stated: Number | Series | Components) -> tuple[str, ...]:
    low, high = stated.composition
    return (path, stated.symbol, _value(stated), stated.unit, f"{low:g} to {high:g}")


def _value(stated: Number | Series | Components) -> str:
    if isinstance(stated, Components):
        return " ".join(f"{name} {value:g}" for name, value in stated.value.items())
    values = stated.values()
    shown = " ".join(f"{value:.6g}" for value in values[:_LONGEST])
    return shown if len(values) <= _LONGEST else f"{shown} ... ({len(values)})"


def _laws(given: Material) -> str:
    parts = [f"mu by {given.free_energy[0]}"]
    if given.data.reaction is not None:
        parts += [f"F by {given.exchange[0]}", f"reaction by {given.reaction[0]}"]
    return ", ".join(parts)


def _engine(given: Material) -> Iterator[str]:
    data = given.data
    yield f"kT = {given.thermal_energy:.4g} J, rho_s kT = {given.site_energy_density:.4g} J/m3"
    name, parameters = given.free_energy
    if name != "table":
        yield f"{name}: " + ", ".join(f"{key} = {_short(value)}" for key, value in parameters.items()) + " (kT)"
    if data.gradient_energy is not None:
        yield f"kappa = {given.gradient_energy_nm2:.4g} nm2"
    if data.elasticity.coherency is not None:
        yield f"B = {given.coherency:.4g} rho_s kT ({given.coherency_pascal / 1e9:.4g} GPa)"
    if data.diffusion is not None:
        along = ", ".join(f"{axis} {value:.4g}" for axis, value in zip("abc", given.diffusivity_nm2, strict=True))
        yield f"D = {along} nm2/s"


def _short(value: Any) -> str:
    return "[" + ", ".join(f"{item:.5g}" for item in value) + "]" if isinstance(value, list) else f"{value:.5g}"
