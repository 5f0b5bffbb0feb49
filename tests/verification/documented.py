"""What docs/verification.md promises."""

import re

from docs.pages import ROOT


def documented(check: str) -> list[str]:
    """Return the claims that docs/verification.md lists for one check."""
    lines = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8").splitlines()
    cells = [re.split(r"(?<!\\)\|", line) for line in lines if line.startswith(f"| {check} |")]
    return [cell[2].strip().replace("\\|", "|") for cell in cells]
