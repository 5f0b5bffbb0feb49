"""How long work tells how far it is: a protocol, and the reporter that says nothing.

Steps never print. They take a `Reporter` and announce what they do; the command line passes one that draws bars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Reporter(Protocol):
    """What a step may say while it works."""

    def track(self, items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:
        """Yield the items and show how many have gone by."""
        ...

    def say(self, message: str) -> None:
        """Show one line."""
        ...


class Silent:
    """A reporter that shows nothing: the default everywhere."""

    def track(self, items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:  # noqa: ARG002
        """Yield the items."""
        yield from items

    def say(self, message: str) -> None:
        """Show nothing."""


SILENT = Silent()
