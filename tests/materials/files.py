"""A built-in set as plain values, to be broken in one place and written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lithiscope.materials import material


def content(name: str = "lfp_cogswell_bazant_2012") -> dict[str, Any]:
    file = material(name).file
    assert file is not None
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def changed(path: str, value: Any, name: str = "lfp_cogswell_bazant_2012") -> dict[str, Any]:
    """Return the content with one field changed; the value `...` takes the field out."""
    whole = content(name)
    place = whole
    *parents, last = path.split(".")
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return whole


def written(folder: Path, whole: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(whole if isinstance(whole, str) else yaml.safe_dump(whole), encoding="utf-8")
    return path
