"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Recipe = Annotated[
    Path, typer.Argument(help="The recipe, a YAML file; `lithiscope new` writes one.", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the raw files; overrides the recipe's `data.folder`.", show_default=False),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override one option: `step.option=value`; items of lists by number: `data.series.0.cycle=1`. "
        "May be repeated.",
        show_default=False,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option("--processes", help="Learn from so many particles side by side, each on a core.", show_default=False),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Learn from particles on the workers of a Dask cluster: the address that `dask scheduler` prints, such as "
        "tcp://10.0.0.1:8786. Needs `pip install 'lithiscope[cluster]'`, on the workers as well.",
        show_default=False,
    ),
]
