"""Files that a simulation recipe names: masks, x at the start, tables of j0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.studies.simulation import simulate_recipe
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_files import read_cells, read_exchange, read_mask, read_start
from lithiscope.studies.simulation_model import geometry_of, start_of
from lithiscope.studies.simulation_recipe import SimulationRecipe, load_simulation


def recipe(base: Path, **sections: Any) -> SimulationRecipe:
    content = {"gradient_energy": 8.83, "protocol": [{"kind": "current", "c_rate": 1, "to_fraction": 0.5}]}
    return SimulationRecipe.model_validate(content | sections).located(base)


def block() -> np.ndarray:
    mask = np.zeros((5, 6, 7))
    mask[1:4, 1:5, 2:6] = 0.5  # no whole number: not 0 is inside, whatever the kind of number
    return mask


def write(path: Path, values: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values)
    return path


@pytest.mark.parametrize("name", ["mask.npy", "mask.tif"])
def test_a_mask_of_three_dimensions_makes_that_particle(tmp_path, name):
    write(tmp_path / name, block().astype(np.float32))
    section = {"shape": "picture", "file": name, "sizes": [], "spacing": 10, "thickness": None, "reacts": "rim"}
    geometry = geometry_of(recipe(tmp_path, geometry=section, transport={"kind": "fickian"}))
    assert geometry.shape == (5, 6, 7)
    np.testing.assert_array_equal(geometry.active, block() > 0)


def test_a_picture_and_an_array_hold_the_same_mask(tmp_path):
    from PIL import Image

    flat = (block()[2] > 0).astype(np.uint8)
    Image.fromarray(flat * 255).save(tmp_path / "mask.png")
    write(tmp_path / "mask.npy", flat > 0)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), read_mask(tmp_path / "mask.npy"))


@pytest.mark.parametrize("values", [np.zeros((4, 4)), np.ones(4), np.ones((2, 2, 2, 2))])
def test_a_mask_without_particle_is_refused(tmp_path, values):
    with pytest.raises(FileFormatError, match="holds no particle") as caught:
        read_mask(write(tmp_path / "mask.npy", values))
    assert caught.value.file == str(tmp_path / "mask.npy")


@pytest.mark.parametrize("name", ["x.npy", "x.tif", "x.png"])
def test_what_is_no_array_is_one_error(tmp_path, name):
    (tmp_path / name).write_text("no numbers")
    with pytest.raises(FileFormatError, match="the mask cannot be read") as caught:
        read_cells(tmp_path / name, "the mask")
    assert caught.value.file == str(tmp_path / name)
    with pytest.raises(FileFormatError, match="the mask cannot be read"):
        read_cells(tmp_path / f"absent-{name}", "the mask")


def test_objects_are_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_cells(tmp_path / "x.npy", "the mask")


def test_a_run_starts_from_the_composition_of_a_file(tmp_path):
    start = np.full((4, 6), 0.1)
    start[:, :3] = 0.2
    write(tmp_path / "start.npy", start)
    section = {"shape": "platelet", "sizes": [200, 300], "spacing": 50, "thickness": 150}
    one = recipe(tmp_path, geometry=section, initial="start.npy", frames=3, shown={"movie": {"seconds": 0.2}})
    np.testing.assert_array_equal(start_of(one, geometry_of(one)), start)
    assert simulate_recipe(one, tmp_path / "out").complete
    from lithiscope.studies.store import Store

    video = Store(tmp_path / "out" / "study.zarr").load("composition")
    np.testing.assert_allclose(video["lithium_fraction"].values[0], start)
    assert "initial: start.npy" in (tmp_path / "out" / "recipe.yaml").read_text()
    assert not list((tmp_path / "out").glob("*.lock"))


def test_a_composition_that_does_not_fit_is_refused_before_anything_is_written(tmp_path):
    write(tmp_path / "start.npy", np.full((3, 3), 0.1))
    with pytest.raises(FileFormatError, match="does not fit the grid") as caught:
        simulate_recipe(recipe(tmp_path, initial="start.npy"), tmp_path / "out")
    assert caught.value.field == "initial"
    assert not (tmp_path / "out").exists()
    with pytest.raises(FileFormatError, match="does not fit the grid"):
        read_start(write(tmp_path / "start.npy", np.ones((3, 3), bool)), (3, 3))


def test_x_outside_its_range_is_one_error(tmp_path):
    write(tmp_path / "start.npy", np.full((4, 6), 1.5))
    section = {"shape": "platelet", "sizes": [200, 300], "spacing": 50, "thickness": 150}
    one = recipe(tmp_path, geometry=section, initial="start.npy")
    with pytest.raises(OptionError, match="initial composition cannot be used"):
        simulate_recipe(one, tmp_path / "out")


def test_the_other_direction_needs_a_number_to_end_at(tmp_path):
    one = recipe(tmp_path, initial="start.npy", sweep={"directions": ["lithiation", "delithiation"]})
    with pytest.raises(OptionError, match="other direction has no end"):
        cases(one)


@pytest.mark.parametrize(
    "text",
    [
        "0.1,1\n",
        "0.5,1\n0.1,1\n",
        "0.1,1\n0.5,0\n",
        "0.1,1\n1.5,2\n",
        "-0.1,1\n0.5,2\n",
        "0.1,1,2\n0.5,1,2\n",
        "0.1,nan\n0.5,1\n",
    ],
)
def test_a_table_of_j0_that_cannot_be_used_is_refused(tmp_path, text):
    (tmp_path / "j0.csv").write_text(text)
    with pytest.raises(FileFormatError, match="cannot be used") as caught:
        read_exchange(tmp_path / "j0.csv")
    assert caught.value.field == "reaction.exchange_current"
    assert caught.value.file == str(tmp_path / "j0.csv")


def test_a_table_of_j0_that_is_no_table_is_one_error(tmp_path):
    (tmp_path / "j0.csv").write_text("x;j0\n")
    with pytest.raises(FileFormatError, match="table of j0 cannot be read"):
        read_exchange(tmp_path / "j0.csv")
    with pytest.raises(FileFormatError, match="table of j0 cannot be read"):
        read_exchange(tmp_path / "absent.csv")


def test_initial_may_be_written_as_yaml_writes_small_numbers():
    # YAML 1.1 reads 1e-2 as text.
    assert load_simulation("lfp_rates", settings=["initial=1e-2"]).initial == 0.01
