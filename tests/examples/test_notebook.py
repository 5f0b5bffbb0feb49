from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("notebook", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_the_notebook_runs_from_top_to_bottom(notebook: Path, tmp_path: Path):
    pytest.importorskip("nbclient", reason="the notebook extra is not installed")
    copy = tmp_path / notebook.name
    copy.write_bytes(notebook.read_bytes())
    # A process of its own, because the machinery of notebooks gives warnings that are not ours.
    code = (
        "import sys, nbformat, nbclient; nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), timeout=300).execute()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(copy)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not any('outputs": [\n    {' in line for line in notebook.read_text().splitlines())


@pytest.mark.parametrize("recipe", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_recipe_is_valid(recipe: Path):
    from lithiscope.studies.recipe import load_recipe

    assert load_recipe(recipe).title != "untitled"
