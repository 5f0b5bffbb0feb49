"""Every figure of a study as a file, for one column of a paper and for both."""

from __future__ import annotations

import json
import shutil

import pytest

from lithiscope.errors import AnalysisError, FileFormatError, OptionError
from lithiscope.report.page import Drawing
from lithiscope.studies import figures as module
from lithiscope.studies.figures import figure_options, list_figures, study_drawings, write_figures
from lithiscope.studies.reopen import open_study

STARTS = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}


@pytest.fixture
def place(sound):
    return sound.store.path.parent


@pytest.fixture
def few(monkeypatch):
    """Make the study one of two figures, of which the second cannot be drawn."""

    def fail():
        raise AnalysisError("no value can be trusted", field="uniformity")

    both = [Drawing(lambda: b"picture", "A picture", "What it shows.", "one"), Drawing(fail, "Another", "", "two")]
    monkeypatch.setattr(module, "study_drawings", lambda place, options: {one.name: one for one in both})


def test_every_figure_of_the_page_is_listed_once(place, sound):
    names = [line.split()[0] for line in list_figures(place)]
    assert len(set(names)) == len(names)
    assert {"lithium-maps", "particles", "insertion-rate", "domains", "uniformity-rate", "cell"} <= set(names)


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_figures_asked_for_are_written_with_their_captions(place, tmp_path, kind):
    told = write_figures(
        place,
        only=["particles", "cell", "cell"],
        out=tmp_path / "new" / "figures",
        options=figure_options(kind, width=3.5),
    )
    folder = tmp_path / "new" / "figures"
    assert sorted(path.name for path in folder.iterdir()) == [f"cell.{kind}", "figures.md", f"particles.{kind}"]
    assert (folder / f"cell.{kind}").read_bytes().startswith(STARTS[kind])
    text = (folder / "figures.md").read_text(encoding="utf-8")
    assert f"## particles.{kind}" in text
    assert "Mean x of each particle." in text
    assert told == [
        str(folder / f"particles.{kind}"),
        str(folder / f"cell.{kind}"),
        f"captions: {folder / 'figures.md'}",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["figures"]  # nothing half-written beside it


def test_captions_tell_of_all_files_in_the_folder(place, tmp_path):
    for name in ("cell", "particles"):
        write_figures(place, only=[name], out=tmp_path, options=figure_options("png", width=7.2, dots_per_inch=50))
    text = (tmp_path / "figures.md").read_text(encoding="utf-8")
    assert text.index("## particles.png") < text.index("## cell.png")


def test_by_default_everything_goes_beside_the_results_and_what_cannot_be_drawn_is_told(few, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "two.pdf").write_bytes(b"of an earlier run")
    told = write_figures(tmp_path)
    assert told[1] == "not drawn: two: no value can be trusted (uniformity)"
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["figures.md", "one.pdf"]
    assert "two" not in (tmp_path / "figures" / "figures.md").read_text()


@pytest.mark.parametrize("only", [["one", "two"], ["two", "one"]])
def test_of_the_figures_asked_for_those_that_can_be_drawn_are(few, tmp_path, only):
    told = write_figures(tmp_path, only=only, out=tmp_path / "out")
    assert "not drawn: two: no value can be trusted (uniformity)" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["figures.md", "one.pdf"]


def test_when_no_figure_asked_for_can_be_drawn_it_is_an_error_and_leaves_nothing(few, tmp_path):
    with pytest.raises(AnalysisError, match="no value can be trusted"):
        write_figures(tmp_path, only=["two"], out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_leaves_no_folder(few, tmp_path, monkeypatch):
    def full(self, data):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        write_figures(tmp_path, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_told_with_those_that_there_are(place, tmp_path):
    with pytest.raises(OptionError, match="no such figure") as caught:
        write_figures(place, only=["cell", "exchange"], out=tmp_path / "out")
    assert caught.value.value == "exchange"
    assert "exchange-maps" in caught.value.limit
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file_is_refused(few, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OptionError, match="is a file"):
        write_figures(tmp_path, out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("field", "options"),
    [("width", {"width": 2.0}), ("format", {"file_format": "gif"}), ("font_size", {"font_size": 3.0}),
     ("dots_per_inch", {"dots_per_inch": 5})],
)  # fmt: skip
def test_options_out_of_range_are_named(field, options):
    with pytest.raises(OptionError) as caught:
        figure_options(**{"file_format": "pdf", "width": 7.2} | options)
    assert caught.value.field == field


def test_narrow_figures_have_smaller_type():
    assert figure_options("pdf", width=3.5).font_size == 7
    assert figure_options("pdf", width=7.2).font_size == 8
    assert figure_options("pdf", width=3.5, font_size=6).font_size == 6


def test_the_palette_is_that_of_the_recipe(place, monkeypatch):
    seen = []
    study = open_study(place)
    report = study.recipe.report.model_copy(update={"palette": "lim2016"})
    study.recipe = study.recipe.model_copy(update={"report": report})
    monkeypatch.setattr(module, "open_study", lambda place: study)
    monkeypatch.setattr("lithiscope.report.maps.lithium_maps", lambda *a, options, **k: seen.append(options) or b"")
    study_drawings(place, figure_options("pdf", width=7.2))["lithium-maps"].draw()
    assert (seen[0].palette, seen[0].format) == ("lim2016", "pdf")


def test_a_study_taken_up_again_is_the_study(place, sound):
    again = open_study(place / "study.zarr")
    assert set(again.results) == set(sound.results)
    assert again.recipe.model_dump() == sound.recipe.model_dump()
    assert again.warnings == sound.warnings
    assert again.provenance["inputs"] == sound.provenance["inputs"]


def _with_attributes(place, folder, change):
    """Copy only the head of a store, changed."""
    (folder / "study.zarr").mkdir(parents=True)
    head = json.loads((place / "study.zarr" / "zarr.json").read_text())
    change(head["attributes"])
    (folder / "study.zarr" / "zarr.json").write_text(json.dumps(head))
    return folder


def test_options_that_are_no_more_do_not_lock_a_study(place, tmp_path):
    def add(attributes):
        text = attributes["provenance"]["recipe"]
        attributes["provenance"]["recipe"] = text.replace("report:", "report:\n  sparkle: true", 1) + "\ngone: {a: 1}\n"

    assert open_study(_with_attributes(place, tmp_path, add)).recipe.text == open_study(place).recipe.text


def test_a_recipe_that_means_nothing_is_refused(place, tmp_path):
    def spoil(attributes):
        attributes["provenance"]["recipe"] = "lithiscope: 7\ndata: {series: [{files: [a.hdr]}]}\n"

    with pytest.raises(OptionError, match="the recipe in the store"):
        open_study(_with_attributes(place, tmp_path, spoil))


def test_a_run_that_has_not_finished_and_no_study_at_all(place, tmp_path):
    with pytest.raises(FileFormatError, match="there is no study"):
        open_study(tmp_path / "nothing")
    half = _with_attributes(place, tmp_path / "half", lambda attributes: attributes.pop("provenance"))
    with pytest.raises(FileFormatError, match="has not finished"):
        open_study(half)
    shutil.rmtree(half)


@pytest.mark.slow
@pytest.mark.parametrize("width", [3.5, pytest.param(5.0, marks=pytest.mark.long), 7.2])
def test_every_figure_fits_its_width_with_all_its_text(place, monkeypatch, width):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seen, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (seen.append(self), save(self, *a, **k))[1])
    outside = {}
    for name, one in study_drawings(place, figure_options("png", width=width, dots_per_inch=100)).items():
        try:
            assert one.draw().startswith(STARTS["png"])
        except AnalysisError:
            continue  # this small study does not allow it; how many there are is told below
        figure = seen[-1]
        figure.draw_without_rendering()
        box, (across, up) = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer()), figure.get_size_inches()
        beyond = max(-box.x0, -box.y0, box.x1 - across, box.y1 - up, across - width)
        if beyond > 0.01:  # a hundredth of an inch is less than the white around letters
            outside[name] = round(float(beyond), 3)
    assert len(seen) > 20
    assert outside == {}
