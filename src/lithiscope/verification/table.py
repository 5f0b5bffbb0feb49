"""The table that `lithiscope verify` prints, from the checks of this package."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module

from lithiscope.errors import OptionError
from lithiscope.verification.rows import Row, Unchecked

Line = Row | Unchecked
Check = Callable[[bool], Iterable[Line]]

# Name on the command line -> module of this package that has `rows(everything) -> Iterator[Line]`.
CHECKS = {
    "files": "lithiscope.verification.files",
    "page": "lithiscope.verification.page",
    "stxm": "lithiscope.verification.stxm",
    "registration": "lithiscope.verification.registration",
    "cell": "lithiscope.verification.cell",
    "kinetics": "lithiscope.verification.kinetics",
    "phasefield": "lithiscope.verification.phasefield",
    "learning": "lithiscope.verification.learning",
}


def rows(names: Sequence[str] = (), *, everything: bool = False) -> Iterator[tuple[str, Line]]:
    """Yield (name, row) of the named checks, all of them when no name is given.

    Raises
    ------
    OptionError
        If a name is unknown.
    """
    for name in names:
        if name not in CHECKS:
            raise OptionError(
                "there is no such verification", value=name, limit=", ".join(CHECKS), remedy="choose one of these"
            )
    for name in names or CHECKS:
        check: Check = import_module(CHECKS[name]).rows
        for row in check(everything):
            yield name, row


def verify(
    names: Sequence[str] = (),
    *,
    everything: bool = False,
    as_json: bool = False,
    say: Callable[[str], object] = lambda _: None,
    aside: Callable[[str], object] = lambda _: None,
) -> bool:
    """Run checks and return whether no row failed; what cannot be checked here is listed.

    Parameters
    ----------
    names : sequence of str
        Of checks; all of them when none is given.
    everything : bool
        Include the long runs.
    as_json : bool
        Say one JSON list of the rows that were checked at the end; the table, row by row, goes aside.
    say : callable
        Takes each piece of text as soon as it is known.
    aside : callable
        Takes what is not part of the JSON.
    """
    found, table = [], aside if as_json else say
    for name, row in rows(names, everything=everything):
        found.append((name, row))
        table(_text(name, row))
    verdicts = [row.verdict for _, row in found]
    if as_json:
        checked = [(name, row) for name, row in found if isinstance(row, Row)]
        say(json.dumps([{"name": name, **row.as_json()} for name, row in checked], indent=1))
    left = verdicts.count("not checked")
    more = f", {left} not checked" if left else ""
    table(f"{verdicts.count('pass')} of {len(verdicts) - left} claims hold{more}")
    return "fail" not in verdicts


def _text(name: str, row: Line) -> str:
    if isinstance(row, Unchecked):
        return f"NOT CHECKED  [{name}] {row.claim}: {row.reason}"
    bound = {"==": f"= {row.expected:.6g} ± {row.tolerance:.3g}", "<=": f"<= {row.expected:.6g}"}.get(
        row.relation, f">= {row.expected:.6g}"
    )
    slack = f" (+- {row.tolerance:.3g})" if row.relation != "==" and row.tolerance else ""
    unit = "" if row.unit == "1" else f" {row.unit}"
    return "\n".join(
        [
            f"{row.verdict.upper()}  [{name}] {row.claim}",
            f"      measured {row.measured:.6g}{unit}; expected {bound}{slack}{unit}",
            f"      source: {row.source}; tolerance: {row.reason}",
        ]
    )


def as_markdown(found: Sequence[tuple[str, Line]]) -> str:
    """Return the rows as a Markdown table, for docs/verification.md."""
    head = "| check | claim | source | expected | measured | tolerance and its reason | verdict |"
    return "\n".join([head, "|---" * 7 + "|", *(_markdown_line(name, row) for name, row in found)]) + "\n"


def _markdown_line(name: str, row: Line) -> str:
    if isinstance(row, Unchecked):
        return f"| {name} | {row.claim} | | | | {row.reason} | {row.verdict} |"
    unit = "" if row.unit == "1" else f" {row.unit}"
    sign = "" if row.relation == "==" else f"{row.relation} "
    cells = (
        name,
        row.claim,
        row.source,
        f"{sign}{row.expected:.6g}{unit}",
        f"{row.measured:.6g}{unit}",
        f"{row.tolerance:.3g}: {row.reason}",
        row.verdict,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
