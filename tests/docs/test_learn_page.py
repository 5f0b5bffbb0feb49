"""The Python, the recipe and the commands of the page on learning are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import yaml
from typer.main import get_command

from learning import made
from lithiscope.cli.app import app
from lithiscope.learning import inference
from lithiscope.learning.models import ModelName, named
from lithiscope.studies.recipe_learning import LearningSection

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "learn.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "learn", lambda *_, **__: made.tree())
    names: dict = {"video": None, "folder": tmp_path}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "learn.md", "exec"), names)
    assert "log_rate" in names["rates"]
    files = {path.name for path in tmp_path.iterdir()}
    for ending in re.findall(r"`learned_SET(\S+?)`", PAGE):
        assert f"learned_lfp_cogswell_bazant_2012{ending}" in files


def test_the_recipe_of_the_page_is_one():
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    section = LearningSection.model_validate(yaml.safe_load(block)["learning"])
    assert section.compute
    assert section.model.thickness == 150


def test_the_options_of_the_commands_exist():
    options = {
        one
        for parameter in get_command(app).commands["learn"].params
        for one in (*parameter.opts, *parameter.secondary_opts)
    }
    used = {one for line in re.findall(r"^ +lithiscope learn .*", PAGE, flags=re.MULTILINE)
            for one in re.findall(r"--[\w-]+", line)}  # fmt: skip
    comparing = {"--compare", "--no-compare", "--model", "--hold-back"}
    assert {
        "--set",
        "--particle",
        "--export",
        "--sigma",
        "--seed",
        "--processes",
        "--cluster",
        "--sample",
        "--no-sample",
        *comparing,
    } == used
    assert used <= options
    for setting in re.findall(r"--set learning\.(\w+)=", PAGE):
        assert setting in LearningSection.model_fields


def test_the_models_and_the_recipe_of_the_comparison_are_those_of_the_code():
    table = PAGE.split("| model | what it changes |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(get_args(ModelName))
    (line,) = re.findall(r"^    (learning: .*compare.*)", PAGE, flags=re.MULTILINE)
    section = LearningSection.model_validate(yaml.safe_load(line)["learning"])
    assert section.compare.models == ("marcus", "same_k_everywhere")
    for name in re.findall(r"--model (\w+)", PAGE):
        assert named(name) == name
