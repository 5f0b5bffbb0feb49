"""The step that learns, the command, the store, and the page; the fit itself is a stand-in."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest
from typer.testing import CliRunner

from learning.scenes import video_of
from lithiscope import stages
from lithiscope.cli.app import app
from lithiscope.errors import AnalysisError, FileFormatError, OptionError
from lithiscope.learning import inference
from lithiscope.studies.check_learning import check_learning
from lithiscope.studies.learn import learn_study, with_learning
from lithiscope.studies.learn_command import learn_command
from lithiscope.studies.learn_video import _key, learn_videos, learning_section
from lithiscope.studies.learning import learned_tree, learning_steps, shown_at, with_voltage
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.reopen import open_study
from lithiscope.studies.store import Store
from studies.kinetic_beamtime import NO_CELL, NO_KINETICS

SIMULATION = ("mean_lithium_fraction", "insertion_rate", "free_energy", "mass_balance_error")
pytestmark = pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")


def call(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_recipe_asks_for_the_step_only_when_it_says_so(prepared):
    recipe = load_recipe(prepared / "recipe.yaml", settings=[NO_CELL, NO_KINETICS])
    assert learning_steps(recipe) == []
    asked = load_recipe(prepared / "recipe.yaml", settings=["learning.compute=true", "learning.thickness=120"])
    (step,) = learning_steps(asked)
    assert step.needs == ("composition", "labels", "cell_frames")
    assert asked.learning.model.thickness == 120
    assert "compute: false" in recipe.text.split("learning:")[1]
    with pytest.raises(OptionError, match=r"learning\.unknowns"):
        load_recipe(prepared / "recipe.yaml", settings=["learning.unknowns=[speed]"])


def test_learning_goes_into_store_page_and_tables(results, fit, tmp_path):
    shown = call("learn", results, "--set", "learning.thickness=120", "--export", tmp_path / "laws")
    assert shown.exit_code == 0, shown.output
    store = Store(results / "study.zarr")
    parts = [name for name in store.steps() if name.startswith("learned_particle-")]
    assert len(parts) == 3
    names = {store.load(name).attrs["name"] for name in parts}
    assert names == set(open_study(results).results["labels"]["particle"].values.tolist())
    ((video,), options, particles) = fit.calls[0]
    assert options.thickness == 120
    assert len(particles) == 3
    assert (video["half_cycle"].values >= 0).all()
    page = (results / "page.html").read_text()
    assert "Learned kinetics" in page
    assert "the error bars &lt;are&gt; too small" in page
    assert "error bars <are> too small" not in page
    assert (results / "learned_laws.csv").read_text().count("\n") == 100
    head = store.attributes()
    assert "zhao2023" in head["provenance"]["bibtex"]
    assert "compute: true" in head["provenance"]["recipe"].split("learning:")[1]
    assert "the spread of ln k is not known" in head["warnings"]
    for text in ("learned from 3 particle(s)", "0.15 to 0.85", "trade off", "chi-square", "laws/learned_lfp"):
        assert text in shown.stdout, text
    assert not list(results.glob("*.npz"))
    assert not list(results.glob("*.lock"))


def test_a_second_call_does_nothing_and_another_choice_replaces_the_first(results, fit, monkeypatch):
    monkeypatch.setattr("lithiscope.studies.learn_command.write_results", lambda *_: [])
    learn_command(results, settings=["thickness=120"])
    learn_command(results)
    assert len(fit.calls) == 1  # the options of the first are in the store's recipe
    learn_command(results, fresh=True)
    assert len(fit.calls) == 2
    name = str(open_study(results).results["labels"]["particle"].values[1])
    lines = learn_command(results, particles=[name])
    assert lines[0].startswith("learned from 1 particle(s)")
    again = open_study(results)
    assert [one for one in again.results if one.startswith("learned_particle-")] == ["learned_particle-0-2"]
    assert len([one for one in again.warnings if "spread of ln k" in one]) == 1


def test_a_run_keeps_what_was_learned_with_the_same_options(results, prepared, fit):
    from lithiscope.studies.run import run_study

    learn_command(results, settings=["thickness=120"])
    wanted = [NO_CELL, NO_KINETICS, "learning.compute=true", "learning.thickness=120"]
    study = run_study(load_recipe(prepared / "recipe.yaml", settings=wanted), results)
    assert len(fit.calls) == 1
    tree = learned_tree(study.results)
    assert sorted(tree["particle"].children) == ["0_1", "0_2", "0_3"]
    without = run_study(load_recipe(prepared / "recipe.yaml", settings=[NO_CELL, NO_KINETICS]), results)
    assert learned_tree(without.results) is None
    assert not [name for name in Store(results / "study.zarr").steps() if name.startswith("learned")]


def test_processes_and_a_cluster_reach_the_learning(results, prepared, simulated, fit, monkeypatch):
    from lithiscope.studies import learn_command as command
    from lithiscope.studies.run import run_study

    asked = []

    @contextmanager
    def stand_in(count=None, address=None):
        asked.append((count, address))
        yield f"mapper {len(asked)}"

    monkeypatch.setattr(command, "side_by_side", stand_in)
    monkeypatch.setattr(command, "write_results", lambda *_: [])
    learn_command(results, settings=["thickness=120"], processes=3)
    learn_command(simulated, sigma=0.07, cluster="tcp://host:8786")
    wanted = [NO_CELL, NO_KINETICS, "learning.compute=true", "learning.thickness=110"]
    run_study(load_recipe(prepared / "recipe.yaml", settings=wanted), results, mapper="that of the run")
    assert asked == [(3, None), (None, "tcp://host:8786")]
    assert fit.mappers == ["mapper 1", "mapper 2", "that of the run"]
    both = call("run", prepared / "recipe.yaml", "--processes", "2", "--cluster", "tcp://host:8786")
    assert isinstance(both.exception, OptionError)
    assert "not to both" in both.exception.problem


def test_what_cannot_be_learned_is_told(results, fit, tmp_path):
    with pytest.raises(OptionError, match="no such particle"):
        learn_study(results, particles=["nobody"])
    with pytest.raises(OptionError, match="no such half cycle"):
        learn_study(results, settings=["half_cycles=[7]"])
    with pytest.raises(OptionError, match="only options of the learning"):
        learn_study(results, settings=["composition.unmix.weighting=none"])
    with pytest.raises(OptionError, match="--sigma does not apply"):
        learn_command(results, sigma=0.1)
    with pytest.raises(FileFormatError, match="nothing to learn from"):
        learn_command(tmp_path / "nowhere")
    Store(results / "study.zarr").discard("labels")
    with pytest.raises(FileFormatError, match="does not hold what the learning needs"):
        learn_study(results)
    assert fit.calls == []


def test_an_analysis_that_fails_leaves_the_study_as_it_was(results, monkeypatch):
    def fail(*_arguments, **_more):
        raise AnalysisError("no half cycle of a particle has enough frames to learn from")

    monkeypatch.setattr(inference, "learn", fail)
    before = json.dumps(Store(results / "study.zarr").attributes())
    with pytest.raises(AnalysisError, match="enough frames"):
        learn_study(results)
    assert json.dumps(Store(results / "study.zarr").attributes()) == before


def test_settings_may_leave_out_the_section(prepared):
    recipe = load_recipe(prepared / "recipe.yaml")
    changed = with_learning(recipe, ["thickness=99", "learning.field_modes=40"], ["a"])
    assert (changed.learning.thickness, changed.learning.field_modes) == (99, 40)
    assert changed.learning.particles == ("a",)
    with pytest.raises(OptionError, match=r"learning\.field_modes"):
        with_learning(recipe, ["field_modes=1"], [])


def test_a_simulation_needs_noise_and_then_is_learned_from(simulated, fit):
    with pytest.raises(OptionError, match=r"--sigma 0\.07"):
        learn_videos(simulated)
    with pytest.raises(OptionError, match="no such run"):
        learn_videos(simulated, runs=["2C"], sigma=0.1)
    with pytest.raises(OptionError, match="--particle does not apply"):
        learn_command(simulated, particles=["a"], sigma=0.1)
    assert fit.calls == []
    lines = learn_command(simulated, sigma=0.07, seed=3)
    assert lines[0] == "learned from 1 particle(s), 2 half cycle(s), 8 frame(s)"
    ((video,), options, _) = fit.calls[0]
    assert options.thickness == 150
    assert video["half_cycle"].values.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert (np.diff(video["time"].values) > 0).all()
    noise = video["lithium_fraction"].values[:4] - np.linspace(0.1, 0.9, 4)[:, None, None]
    # 100 values: their standard deviation is known to 7 %; four of these.
    assert np.nanstd(noise) == pytest.approx(0.07, rel=0.28)
    assert np.nanmax(np.abs(video["lithium_fraction_std"].values - 0.07)) < 1e-6
    assert "Learned kinetics" in (simulated / "learned.html").read_text()
    held = Store(simulated / "learned.zarr")
    assert set(held.steps()) == {"learned_laws", "learned_particle-0-1"}
    assert "seed 3" in held.attributes()["provenance"]["recipe"]
    assert "the spread of ln k is not known" in held.attributes()["warnings"]


def test_the_voltage_of_a_simulation_comes_with_noise(simulated, fit):
    store = Store(simulated / "study.zarr")
    volts = {"1C-lithiation": np.linspace(3.4, 3.3, 4), "1C-delithiation": np.linspace(3.4, 3.5, 4)}
    for name, volt in volts.items():
        rest = {key: ("time", np.zeros(4)) for key in SIMULATION}
        record = {"voltage_volt": ("time", volt), **rest}
        times = {
            "time": ("time", 600.0 * np.arange(4)),
            "y": ("y", 0.05 * np.arange(6)),
            "x": ("x", 0.05 * np.arange(5)),
        }
        attrs = {"stopped": "the end", "method": "stand-in"}
        store.save(f"simulation-{name}", stages.new("simulation", record, coords=times, attrs=attrs), key="", record={})
    for flag in ("true", "false"):
        learn_videos(simulated, settings=[f"learning.voltage={flag}", "voltage_noise=2"], sigma=0.07)
    (video,), (without,) = (one[0] for one in fit.calls)
    off = video["voltage_volt"].values - np.concatenate(list(volts.values()))
    assert np.allclose(video["voltage_volt_std"].values, 0.002)
    # Eight values of 2 mV: four deviations of their root mean square.
    assert 0.0 < np.sqrt(np.mean(off**2)) < 0.002 * (1 + 4 / np.sqrt(16))
    assert "voltage_volt" not in without


def test_another_voltage_is_another_fit():
    video = video_of(np.full((3, 4, 4), 0.5), np.ones((4, 4), bool), 60.0 * np.arange(3), np.zeros(3, int))
    section = learning_section([], 150)
    one, other = (shown_at(video, np.full(3, volt), np.full(3, 1e-3)) for volt in (3.4, 3.5))
    keys = {_key(section, {"a": given}) for given in (video, one, other, one)}
    assert len(keys) == 3


def test_the_voltage_of_a_cell_is_that_of_the_frames_without_ohmic_drop():
    video = video_of(np.full((3, 4, 4), 0.5), np.ones((4, 4), bool), 60.0 * np.arange(3), np.zeros(3, int))
    cell = {
        "voltage_volt": ("time", [3.40, np.nan, 3.30]),
        "voltage_volt_std": ("time", [1e-4, np.nan, 1e-4]),
        "ohmic_drop_volt": ("time", [0.01, 0.0, -0.01]),
    }
    frames = stages.new("cell_frames", cell, coords={"time": ("time", 60.0 * np.arange(3))})
    found = with_voltage(video, frames)
    np.testing.assert_allclose(found["voltage_volt"].values, [3.39, np.nan, 3.31])
    np.testing.assert_allclose(found["voltage_volt_std"].values, [1e-4, np.nan, 1e-4])
    with pytest.raises(OptionError, match="no voltage of the cell") as caught:
        with_voltage(video, None)
    assert caught.value.field == "learning.voltage"


def test_the_noise_follows_its_seed(simulated, fit):
    for seed in (1, 1, 2):
        learn_videos(simulated, runs=["1C-lithiation"], sigma=0.07, seed=seed)
    first, second, third = (one[0][0]["lithium_fraction"].values for one in fit.calls)
    np.testing.assert_array_equal(first, second)
    assert np.nanmax(np.abs(first - third)) > 0.01
    assert set(fit.calls[0][0][0]["half_cycle"].values) == {0}


def test_a_store_without_videos_is_refused(tmp_path):
    Store(tmp_path / "study.zarr").set_attributes({"kind": "simulation"})
    with pytest.raises(FileFormatError, match="no composition video"):
        learn_videos(tmp_path, sigma=0.1)
    assert learning_section(["thickness=80"], 150).thickness == 80
    with pytest.raises(OptionError, match="thickness"):
        learning_section(["thickness=-1"], None)


def test_help_teaches():
    shown = call("learn", "--help").stdout
    for text in ("recipe-results", "--sigma", "thickness", "error bars", "--export", "--processes", "--cluster"):
        assert text in shown


def test_check_says_what_would_stop_the_learning(prepared):
    def told(*settings):
        recipe = load_recipe(prepared / "recipe.yaml", settings=[NO_CELL, NO_KINETICS, *settings])
        return [str(one) for one in check_learning(recipe)]

    assert told() == []
    fine, thickness = told("learning.compute=true")
    assert "2 half cycle(s)" in fine
    assert "learning.thickness" in thickness
    assert len(told("learning.compute=true", "learning.thickness=100")) == 1
    assert "trace in cell.files" in told("learning.compute=true", "learning.voltage=true")[1]
    without = "learning.unknowns=[rate_field, coherency, reorganisation, film_resistance, frame_blur]"
    starts = [one.split(":")[0] for one in told("learning.compute=true", "learning.thickness=100", without)[1:]]
    fields = ("strain", "law_parameters", "film_resistance", "blur")
    assert starts == [f"error   learning.{field}" for field in fields]
    stated = [
        "learning.strain=coherent", "learning.law=marcus", "learning.law_parameters={reorganisation: 8.3}",
        "learning.film_resistance=0.01", "learning.blur=20", "learning.thickness=100",
    ]  # fmt: skip
    assert len(told("learning.compute=true", without, *stated)) == 1
    few = "data.series=[{files: [scan_000.hdr], direction: lithiation}]"
    assert told("learning.compute=true", few)[0].startswith("error")
    assert "no such parameter set" in told("learning.compute=true", "learning.material=iron")[0]
    assert "no such exchange law" in told("learning.compute=true", "learning.exchange=fast")[0]
