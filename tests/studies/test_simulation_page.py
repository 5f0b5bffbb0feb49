"""The page on simulations names and shows every one that comes with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lithiscope.studies.simulation_recipe import packaged

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "simulation.md"
LARGEST = 120_000  # bytes, so that the page opens fast


@pytest.mark.parametrize("name", list(packaged()))
def test_every_simulation_has_a_line_and_a_small_picture(name):
    text = PAGE.read_text(encoding="utf-8")
    assert f"| `{name}` |" in text
    (picture,) = re.findall(rf"!\[.+\]\((.+simulation_{name}\.png)\)", text)
    content = (PAGE.parent / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) <= LARGEST
