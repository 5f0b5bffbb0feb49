"""What a check has found, and running a check so that nothing it meets stops the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lithiscope.errors import LithiscopeError, LithiscopeWarning


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: fine, doubtful or impossible."""

    level: Literal["ok", "warning", "error"]
    text: str

    def __str__(self) -> str:
        mark = {"ok": "ok      ", "warning": "warning ", "error": "error   "}[self.level]
        return mark + self.text.replace("\n", "\n        ")


def guarded(look: Callable[[], Iterator[Finding]], *, tell: bool = True) -> list[Finding]:
    """Return what was found; an error ends the look and is the last finding, `tell` adds the warnings."""
    found: list[Finding] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LithiscopeWarning)
        try:
            found.extend(look())
        except LithiscopeError as error:
            found.append(Finding("error", str(error)))
    return found + [Finding("warning", str(w.message)) for w in caught if tell]
