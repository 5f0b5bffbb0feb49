"""The Python and the fields of the page on parameter sets are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lithiscope.materials import material, material_names
from lithiscope.materials.numbers import Number
from lithiscope.materials.schema import MaterialData

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "materials.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs_as_it_stands():
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "materials.md", "exec"), names)
    assert names["kappa"] == pytest.approx(8.83, abs=0.005)
    assert names["wide"].data.based_on == "lfp_cogswell_bazant_2012"


def test_every_set_and_every_field_is_on_the_page():
    for name in material_names():
        assert f"`{name}`" in PAGE
    for field in set(MaterialData.model_fields) - {"based_on"}:
        assert f"`{field}" in PAGE, field


def test_the_number_of_the_page_can_be_read():
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    number = Number.model_validate(yaml.safe_load(block)["gradient_energy"])
    assert number.value == 5e-10
    assert material("lfp_mpet").data.gradient_energy.unit == number.unit
