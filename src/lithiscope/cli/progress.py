"""A reporter that draws progress bars in a terminal and plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

Item = TypeVar("Item")


class RichReporter:
    """Bars with time left on a terminal; only the lines that are said when the output goes to a file."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console as RichConsole

        self.console = console or RichConsole(stderr=True)

    def track(self, items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:
        """Yield the items and show how many have gone by, and how long the rest will take."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if not self.console.is_terminal:
            yield from items
            return
        columns = (TextColumn("  {task.description}"), BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield from progress.track(items, total=total, description=label)

    def say(self, message: str) -> None:
        """Show one line."""
        self.console.print(message, highlight=False, markup=False)
