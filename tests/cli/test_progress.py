from __future__ import annotations

import io

from rich.console import Console

from lithiscope.cli.progress import RichReporter


def reporter(*, terminal: bool) -> tuple[RichReporter, io.StringIO]:
    out = io.StringIO()
    return RichReporter(Console(file=out, force_terminal=terminal, width=80)), out


def test_a_terminal_sees_a_bar_with_its_label():
    told, out = reporter(terminal=True)
    assert list(told.track(range(3), label="reading", total=3)) == [0, 1, 2]
    assert "reading" in out.getvalue()


def test_a_file_gets_lines_only():
    told, out = reporter(terminal=False)
    assert list(told.track(range(3), label="reading", total=3)) == [0, 1, 2]
    told.say("[1/9] [brackets] stay")
    assert out.getvalue() == "[1/9] [brackets] stay\n"
