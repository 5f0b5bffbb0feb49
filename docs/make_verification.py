"""Write docs/verification.md from what `lithiscope verify` measures (about ten minutes).

With names of checks, only their rows are measured again; the others stay.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lithiscope.studies.provenance import versions
from lithiscope.verification.table import CHECKS, as_markdown, rows

_HEAD = """# What is promised and what is measured

`lithiscope verify [NAME ...]` prints these rows and exits non-zero when one fails; `--all` takes longer runs with
sharper statistics. This page was made by `python docs/make_verification.py` with {versions}.

"""


def main() -> None:
    """Run the checks that are named, every one by default, and write the page."""
    page = Path(__file__).with_name("verification.md")
    head, line, *lines = as_markdown(list(rows(sys.argv[1:]))).splitlines()
    old = page.read_text(encoding="utf-8").splitlines() if len(sys.argv) > 1 else []
    order = list(CHECKS)
    kept = [row for row in old if (name := _check(row)) in order and name not in sys.argv[1:]]
    table = sorted([*kept, *lines], key=lambda row: order.index(_check(row)))
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    page.write_text(_HEAD.format(versions=used) + "\n".join([head, line, *table]) + "\n", encoding="utf-8")


def _check(row: str) -> str:
    """Return to which check a row of the table belongs; empty text for a line that is none."""
    return row.split("|")[1].strip() if row.startswith("|") else ""


if __name__ == "__main__":
    main()
