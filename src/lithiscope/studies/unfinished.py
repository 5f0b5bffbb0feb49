"""What a store says of itself from the first step that a run replaces until the run has finished.

Results of two runs then lie beside each other. The note that says so takes the place of the provenance, and holds the
keys that the run gives its steps, by which one can tell which results are already its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from lithiscope.errors import FileFormatError
from lithiscope.studies.store import Store

PAGE = "page.html"
"""The page of a study, in the folder of its store."""

_NOTE = "unfinished"
_MARK = "A later run, begun"
_REMEDY = "run `lithiscope run RECIPE`: it goes on from here"


class Unfinished(NamedTuple):
    """A run that has not finished.

    Attributes
    ----------
    since : str
        When it began, UTC; empty where the store does not say.
    done, earlier : list of str
        Results of this run, and those that an earlier one left and this one has not come to yet.
    """

    since: str
    done: list[str]
    earlier: list[str]

    def __str__(self) -> str:
        begun = f"the last run, begun {self.since}," if self.since else "the run"
        return f"{begun} has not finished"


def begin(store: Store, title: str, since: str, keys: Iterable[str]) -> None:
    """Note in a store, and on the page beside it, that a run begins to replace its results by those with other keys."""
    store.set_attributes({"title": title, _NOTE: {"since": since, "keys": list(keys)}})
    page = store.path.with_name(PAGE)
    if page.is_file():
        _mark(page, since)


def _mark(page: Path, since: str) -> None:
    """Say on a page that a later run has begun; the page of that run takes its place."""
    from lithiscope.report.page import Notice, with_notice

    made = page.read_text(encoding="utf-8")
    if _MARK in made:
        return
    text = (
        f"{_MARK} {since}, has not written its results yet: this page, the tables and the maps beside it "
        "are those of the run before. `lithiscope run RECIPE` goes on."
    )
    draft = page.with_name(f"{page.name}.partial")
    draft.write_text(with_notice(made, Notice(text, "error")), encoding="utf-8")
    draft.replace(page)


def unfinished(store: Store) -> Unfinished | None:
    """Return how far the last run of a study has come, or None when it has finished."""
    about = store.attributes()
    note = about.get(_NOTE)
    if note is None:
        return None if "provenance" in about else Unfinished("", store.steps(), [])
    done = [step for step in store.steps() if store.key(step) in note["keys"]]
    return Unfinished(note["since"], done, [step for step in store.steps() if step not in done])


def require_finished(store: Store) -> None:
    """Refuse a store whose results may be those of two runs.

    Raises
    ------
    FileFormatError
        If the last run has not finished.
    """
    state = unfinished(store)
    if state is None:
        return
    told = [("up to date", state.done), ("of an earlier run", state.earlier)]
    raise FileFormatError(
        f"the study cannot be used yet: {state}",
        file=store.path,
        value="; ".join(f"{words}: {', '.join(steps)}" for words, steps in told if steps) or None,
        limit="results of one run" if state.earlier else None,
        remedy=_REMEDY,
    )
