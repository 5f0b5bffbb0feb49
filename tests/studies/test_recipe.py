from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError

from lithiscope.errors import OptionError
from lithiscope.options import Options
from lithiscope.studies.recipe import Recipe, load_recipe, recipe_schema

MINIMAL = "data: {series: [{files: [a.hdr]}]}\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_text_of_a_recipe_is_a_recipe_with_every_default_spelled_out(tmp_path: Path):
    recipe = load_recipe(write(tmp_path, MINIMAL))
    again = load_recipe(write(tmp_path, recipe.text))
    assert again == recipe
    content = yaml.safe_load(recipe.text)
    assert content["composition"]["unmix"]["mode"] == "few_energy"
    assert content["align"]["registration"]


def test_every_option_is_described(tmp_path: Path):
    text = load_recipe(write(tmp_path, MINIMAL)).text
    lines = text.splitlines()
    bare = [
        line
        for before, line in itertools.pairwise(lines)
        if ":" in line and not line.lstrip().startswith(("#", "-")) and not before.lstrip().startswith("#")
    ]
    # The fields of one list entry are written without comments; everything else has one.
    assert {line.strip().split(":")[0] for line in bare} <= {"direction", "cycle"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("data: {series: []}\n", "data.series"),
        ("{}\n", "data"),
        (MINIMAL + "compositon: {}\n", "compositon"),
        (MINIMAL + "composition: {unmix: {mode: magic}}\n", "composition.unmix.mode"),
        (MINIMAL + "particles: {find: {threshold: 7}}\n", "particles.find.threshold"),
        (MINIMAL + "technique: neutron\n", "technique"),
        (MINIMAL + "lithiscope: 2\n", "lithiscope"),
        ("data: {series: [{files: [a.hdr], direction: up}]}\n", "data.series.0.direction"),
        (MINIMAL + "references: {lithiated_pixels: [[3.0, 4]]}\n", "references.lithiated_pixels.0.0"),
        (MINIMAL + "references: {lithiated_pixels: [[3, 4, 5]]}\n", "references.lithiated_pixels.0"),
        (MINIMAL + "references: {lithiated_pixels: [3, 4]}\n", "references.lithiated_pixels.0"),
        (MINIMAL + "references: {delithiated_pixels: [[yes, 4]]}\n", "references.delithiated_pixels"),
        (MINIMAL + "references: {spectra: {LFP: {lithium_content: 1}}}\n", "references.spectra.LFP.file"),
        (
            MINIMAL + "references: {spectra: {LFP: {file: a.csv, lithium_content: 5}}}\n",
            "references.spectra.LFP.lithium_content",
        ),
    ],
)
def test_a_wrong_recipe_names_the_field_with_its_whole_path(tmp_path: Path, text: str, field: str):
    path = write(tmp_path, text)
    with pytest.raises(OptionError) as caught:
        load_recipe(path)
    assert caught.value.field == field
    assert str(path) in str(caught.value)


def test_settings_and_the_data_folder_override(tmp_path: Path):
    path = write(tmp_path, MINIMAL)
    (tmp_path / "elsewhere").mkdir()
    recipe = load_recipe(path, settings=["particles.find.threshold=0.4"], folder=tmp_path / "elsewhere")
    assert recipe.particles.find.threshold == 0.4
    assert recipe.folder == tmp_path / "elsewhere"
    with pytest.raises(OptionError, match="does not exist"):
        load_recipe(path, folder=tmp_path / "nowhere")


def test_files_lie_with_the_data_or_beside_the_recipe(tmp_path: Path):
    recipe = load_recipe(write(tmp_path, "data: {folder: raw, series: [{files: [a.hdr]}]}\n"))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "i0.csv").touch()
    (tmp_path / "lfp.csv").touch()
    assert recipe.path(Path("i0.csv")) == tmp_path / "raw" / "i0.csv"
    assert recipe.path(Path("lfp.csv")) == tmp_path / "lfp.csv"


def test_the_schema_knows_every_section():
    schema = recipe_schema()
    assert set(schema["properties"]) == set(Recipe.model_fields)
    assert schema["additionalProperties"] is False


def numbers_of(options: type[Options], path: str = "") -> Iterator[tuple[type[Options], str, str]]:
    """Yield every option of a recipe that takes one number or a list of numbers, and its path."""
    for name, field in options.model_fields.items():
        kinds = {field.annotation, *get_args(field.annotation)}
        if kinds & {int, float}:
            yield options, name, f"{path}{name}"
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Options):
                yield from numbers_of(kind, f"{path}{name}.")


def test_no_number_of_a_recipe_takes_yes_or_no():
    found = list(numbers_of(Recipe))
    assert len(found) > 100
    for options, name, path in found:
        for given in (True, [False]):
            with pytest.raises(ValidationError) as caught:
                options.model_validate({name: given})
            said = {error["loc"][0]: error["msg"] for error in caught.value.errors()}
            assert "not yes or no" in said[name], path
