"""Write docs/reference/stages.md from the catalogue of stages."""

from __future__ import annotations

from pathlib import Path

from lithiscope.stages import CATALOGUE, FLAGS
from lithiscope.stages.schema import Stage, Variable

_HEAD = """# The stages of the data

Every step takes and returns one of these `xarray.Dataset`s. Dimensions in brackets are optional. For a quantity q:
`q_std` is random and per pixel, `q_frame_std` common to a frame, `q_shift` what a named cause moved by one standard
deviation does to q, `q_flag` why a value is missing or doubtful. This page is made from the code by
`python docs/make_reference.py`.
"""


def reference() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(_stage(stage) for stage in CATALOGUE.values()), _flags()])


def _stage(stage: Stage) -> str:
    rows = [_row(name, variable) for name, variable in (*stage.variables.items(), *stage.coordinates.items())]
    attributes = [f'- `attrs["{name}"]`: {meaning}' for name, meaning in stage.attributes.items()]
    table = "| variable | dimensions | unit | meaning |\n|---|---|---|---|\n" + "\n".join(rows)
    return "\n".join([f"## {stage.name}\n\n{stage.meaning}.\n", table, "", *attributes, ""])


def _row(name: str, variable: Variable) -> str:
    unit = variable.unit if variable.kind == "float" else variable.kind
    mark = " (required)" if variable.required else ""
    return f"| `{name}` | {variable.dims} | {unit} | {variable.meaning}{mark} |"


def _flags() -> str:
    rows = [
        f"| `{name}` | {flag.bit} | {'NaN' if flag.fatal else 'kept'} | {flag.meaning} |"
        for name, flag in FLAGS.items()
    ]
    return "\n".join(["## Flags\n", "| flag | bit | value | meaning |", "|---|---|---|---|", *rows, ""])


if __name__ == "__main__":
    Path(__file__).with_name("reference").joinpath("stages.md").write_text(reference(), encoding="utf-8")
