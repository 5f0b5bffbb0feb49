"""Most of what can be wrong with a YAML file is tested in tests/studies/test_recipe_text.py, on recipes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lithiscope.errors import FileFormatError
from lithiscope.yaml_files import read_yaml

WORDS = {"what": "the set", "remedy": "write a mapping", "too_large": "write less"}


def test_plain_values_come_back(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("a: 1\nb: {c: [1.5, x, null]}\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml", **WORDS) == {"a": 1, "b": {"c": [1.5, "x", None]}}


@pytest.mark.parametrize("text", ["a: 2020-13-45", "a: " + "9" * 6000, "? [1, 2]\n: 3", "a: 1\n'a': 2"])
def test_values_that_are_none_are_one_clear_error(tmp_path: Path, text: str):
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match="the set is not valid YAML") as caught:
        read_yaml(tmp_path / "a.yaml", **WORDS)
    assert str(tmp_path) in str(caught.value)


def test_many_keys_take_time_in_proportion(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("\n".join(f"k{n}: 1" for n in range(20_000)), encoding="utf-8")
    start = time.perf_counter()
    assert len(read_yaml(tmp_path / "a.yaml", **WORDS)) == 20_000
    # A search through all keys for each key would take 2e8 comparisons, minutes here.
    assert time.perf_counter() - start < 30
