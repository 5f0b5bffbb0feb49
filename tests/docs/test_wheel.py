"""The wheel holds every file of the package, and nothing else; what it holds is asked of the builder, not built."""

from __future__ import annotations

from hatchling.builders.wheel import WheelBuilder

from docs.pages import ROOT


def test_the_wheel_holds_every_file_of_the_package() -> None:
    source = ROOT / "src"
    there = {
        path.relative_to(source).as_posix()
        for path in (source / "lithiscope").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert held == there
    # What the program reads beside its code: recipes, parameter sets, the scripts and the style of the page.
    assert {name.rsplit(".", 1)[-1] for name in held} >= {"py", "typed", "yaml", "js", "css"}
