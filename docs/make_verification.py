"""Write docs/verification.md from what `lithiscope verify` measures (about ten minutes)."""

from __future__ import annotations

from pathlib import Path

from lithiscope.studies.provenance import versions
from lithiscope.verification.table import as_markdown, rows

_HEAD = """# What is promised and what is measured

`lithiscope verify [NAME ...]` prints these rows and exits non-zero when one fails; `--all` takes longer runs with
sharper statistics. This page was made by `python docs/make_verification.py` with {versions}.

"""


def main() -> None:
    """Run every check and write the page."""
    found = list(rows())
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    page = _HEAD.format(versions=used) + as_markdown(found)
    Path(__file__).with_name("verification.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
