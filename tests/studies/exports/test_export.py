"""A study written for other programs, and read back by them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings import open_recording
from lithiscope.studies.exports import files
from lithiscope.studies.exports.files import export_study, kinds, list_kinds
from lithiscope.studies.exports.methods import _changed, methods_text, supplement_text
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.reopen import open_study
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, beamtime: Path) -> Path:
    """Return the results folder of a small study with a particle and a scan left out."""
    from studies.conftest import recipe_text

    folder = tmp_path_factory.mktemp("export")
    out = "{table: {exclude: [{particle: p02, reason: 'it | broke'}, {scan: 3, reason: beam lost}]}}"
    recipe = folder / "recipe.yaml"
    recipe.write_text(recipe_text(beamtime, particles=out), encoding="utf-8")
    write_results(run_study(load_recipe(recipe, folder=beamtime), folder / "results"), folder / "results")
    return folder / "results"


def test_every_format_is_listed_with_its_purpose() -> None:
    assert [line.split()[0] for line in list_kinds()] == list(kinds())
    assert all(len(line) > 30 for line in list_kinds())


def test_all_formats_are_written_at_once_and_nothing_else_is_left(done: Path, tmp_path: Path) -> None:
    found = export_study(done, list(kinds()), out=tmp_path / "out")
    assert all(path.exists() for path in found)
    assert len(set(found)) == len(found)
    assert set((tmp_path / "out").iterdir()) == set(found)


def test_pictures_for_fiji_are_those_of_the_store(done: Path, tmp_path: Path) -> None:
    (path,) = export_study(done, ["fiji"], out=tmp_path)
    video = open_study(done).results["composition"]
    with tifffile.TiffFile(path) as tiff:
        stack, about = tiff.asarray(), tiff.imagej_metadata
    assert about["unit"] == "micron"
    np.testing.assert_array_equal(stack[:, 0], video["lithium_fraction"].values)
    np.testing.assert_array_equal(stack[:, 1], video["lithium_fraction_std"].values)


@pytest.mark.parametrize("name", ["nexus", "sdf"])
def test_raw_counts_come_back_through_the_readers(done: Path, tmp_path: Path, name: str) -> None:
    paths = export_study(done, [name], out=tmp_path)
    recording = open_study(done).results["recording"]
    for number, path in enumerate(one for one in paths if one.suffix in (".hdf5", ".hdr")):
        back = open_recording(path, timezone="UTC")
        np.testing.assert_array_equal(back["counts"].values[0], recording["counts"].values[number])
        np.testing.assert_allclose(back["energy"].values, recording["energy"].values)
        np.testing.assert_allclose(np.diff(back["x"].values), np.diff(recording["x"].values), rtol=1e-6)


def test_nexus_holds_what_the_definition_asks_for(done: Path, tmp_path: Path) -> None:
    # https://manual.nexusformat.org/classes/applications/NXstxm.html, required fields of the version 1.1
    path = export_study(done, ["nexus"], out=tmp_path)[0]
    with h5py.File(path) as file:
        (entry,) = [one for one in file.values() if one.attrs.get("NX_class") == "NXentry"]
        classes = {one.attrs["NX_class"]: one for one in entry.values() if "NX_class" in one.attrs}
        text = {name: entry[name][()].decode() for name in ("title", "start_time", "end_time")}
        assert entry["definition"][()].tolist() == [b"NXstxm"]
        assert text["start_time"] < text["end_time"]
        instrument = classes["NXinstrument"]
        within = {one.attrs["NX_class"]: one for one in instrument.values()}
        assert {"NXsource", "NXmonochromator", "NXdetector"} <= set(within)
        assert within["NXmonochromator"]["energy"].attrs["units"] == "eV"
        data = classes["NXdata"]
        assert {"energy", "sample_x", "sample_y", "stxm_scan_type"} <= set(data)
        assert data["stxm_scan_type"][()].tolist() == [b"sample image stack"]
        assert classes["NXmonitor"]["data"].shape == data["data"].shape
        assert data[data.attrs["signal"]].shape == tuple(data[axis].shape[0] for axis in data.attrs["axes"])
        assert within["NXsource"]["probe"][()].decode() == "x-ray"
        assert "rotation_angle" in classes["NXsample"]


def test_parquet_has_the_numbers_of_the_csv_files(done: Path, tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    for path in export_study(done, ["parquet"], out=tmp_path):
        table, text = pyarrow.parquet.read_table(path), pyarrow.csv.read_csv(done / f"{path.stem}.csv")
        assert table.equals(text)
        assert table.num_rows > 0


def test_methods_cite_only_what_the_bibliography_holds(done: Path) -> None:
    text = methods_text(open_study(done))
    prose, entries = text.split("```bibtex")
    cited = {one for group in re.findall(r"\(([a-z0-9, ]*\d{4})\)", prose) for one in group.split(", ")}
    assert cited == {"lucas1981", "unser1999", "lim2016", "henke1993"}
    assert all(f"{{{key}," in entries for key in cited)
    assert "4 scans at" in prose
    assert "pixels of 70 nm" in prose
    assert "were left out" not in prose
    assert "1 was left out" in prose


def test_the_sheet_tells_what_was_left_out_and_why(done: Path) -> None:
    text = supplement_text(open_study(done))
    frames = [line for line in text.split("## Particles")[0].splitlines() if line.startswith("| ")]
    assert "beam lost" in frames[-1]
    assert "beam lost" not in "".join(frames[:-1])
    assert "it \\| broke" in text
    assert "`particles.table.exclude:" in text
    assert open_study(done).provenance["recipe"].strip() in text


def test_only_options_that_are_not_defaults_are_told(done: Path) -> None:
    recipe = open_study(done).recipe
    told = dict(_changed(recipe))
    assert "data.timezone" not in told
    assert all(not name.startswith("learning") for name in told)  # not asked for
    moved = recipe.model_copy(update={"correct": recipe.correct.model_copy(update={"despike": True})})
    assert set(dict(_changed(moved))) - set(told) == {"correct.despike"}


def test_a_file_that_exists_is_replaced_only_when_asked(done: Path, tmp_path: Path) -> None:
    (path,) = export_study(done, ["methods"], out=tmp_path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match="exists"):
        export_study(done, ["methods"], out=tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"
    export_study(done, ["methods"], out=tmp_path, overwrite=True)
    assert path.read_text(encoding="utf-8") != "mine"


def test_what_fails_leaves_nothing_behind(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.write_ome_zarr

    def fail(*given: object, **more: object) -> Path:
        real(*given, **more)  # type: ignore[arg-type]
        raise OSError("no space left")

    monkeypatch.setattr(files, "write_ome_zarr", fail)
    with pytest.raises(OSError, match="no space"):
        export_study(done, ["methods", "ome-zarr"], out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["methods.md"]


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [("pyarrow.csv", "parquet", "parquet"), ("av", "mp4", "movie"), ("av", "webm", "movie")],
)
def test_a_package_that_lacks_is_named(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(OptionError, match=rf"lithiscope\[{extra}\]"):
        export_study(done, [name], out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_formats_and_unfinished_studies_are_refused(done: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="ome-zarr"):
        export_study(done, ["word"], out=tmp_path)
    with pytest.raises(FileFormatError, match="no study"):
        export_study(tmp_path / "nothing", ["methods"])


def test_the_command(done: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from lithiscope.cli.app import app

    run: Callable[[list[str]], object] = lambda words: CliRunner().invoke(app, ["export", *words])  # noqa: E731
    listed = run(["--list"])
    assert "ome-zarr-0.4" in listed.output  # type: ignore[attr-defined]
    written = run([str(done), "--to", "methods", "--out", str(tmp_path)])
    assert f"file:  {tmp_path / 'methods.md'}" in written.output.replace("\n", "")  # type: ignore[attr-defined]
    assert isinstance(run([str(done)]).exception, OptionError | SystemExit)  # type: ignore[attr-defined]


def test_columns_do_not_depend_on_the_order_in_a_folder(done: Path) -> None:
    from lithiscope.particles import table_rows
    from lithiscope.report.page.tables import long_csv

    table = open_study(done).results["particles"]
    names = list(table.coords)
    turned = table.reset_coords(drop=True)
    for name in reversed(names):
        turned = turned.assign_coords({name: table[name]})
    assert list(turned.coords) != names
    assert list(table_rows(turned)[0]) == list(table_rows(table)[0])
    assert long_csv(turned, ("particle", "time")) == long_csv(table, ("particle", "time"))
