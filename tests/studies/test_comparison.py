"""The step that compares models, the command, the store and the page; the fits are stand-ins."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from lithiscope.cli.app import app
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.learning import compare as comparing
from lithiscope.learning import residuals
from lithiscope.learning.residuals import Note
from lithiscope.studies import run as running
from lithiscope.studies.check_learning import check_learning
from lithiscope.studies.checkpoint import Checkpoint
from lithiscope.studies.learn import learn_study
from lithiscope.studies.learn_command import compare_settings, learn_command
from lithiscope.studies.learn_video import learn_videos
from lithiscope.studies.learning import learning_steps
from lithiscope.studies.recipe import load_recipe, recipe_schema
from lithiscope.studies.reopen import open_study
from lithiscope.studies.store import Store
from studies.kinetic_beamtime import NO_CELL, NO_KINETICS
from studies.stand_ins import Comparison

pytestmark = pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
NAME = "model_comparison"
ON = "learning.compare.compute=true"


@pytest.fixture
def fits(fit, monkeypatch):
    stand_in = Comparison()
    monkeypatch.setattr(comparing, "_compared", stand_in)
    monkeypatch.setattr(residuals, "structure_of", lambda particle, cuts: [Note("a worse outline", "long")] * len(cuts))
    monkeypatch.setattr("lithiscope.studies.learn_command.write_results", lambda *_: [])
    return stand_in


def call(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_recipe_asks_for_the_step_only_when_it_says_so(prepared):
    def names(*settings):
        recipe = load_recipe(prepared / "recipe.yaml", settings=[NO_CELL, NO_KINETICS, *settings])
        return [(one.name, one.options(recipe)) for one in learning_steps(recipe)], recipe

    (plain,), recipe = names("learning.compute=true")
    assert "compute: false" in recipe.text.split("  compare:")[1]
    assert "same_k_everywhere: one rate" in recipe.text  # commented
    assert names(ON)[0] == []
    (same, step), _ = names("learning.compute=true", ON, "learning.compare.models=[marcus]")
    assert same == plain  # the laws do not depend on it
    assert step == (NAME, {"compute": True, "models": ["marcus"], "hold_back": False})
    with pytest.raises(OptionError, match=r"learning\.compare\.models"):
        names("learning.compare.models=[nernst]")
    assert "same_k_everywhere" in json.dumps(recipe_schema()["$defs"]["CompareSection"])


def test_check_says_what_would_stop_a_comparison(prepared):
    def told(*settings):
        base = [NO_CELL, NO_KINETICS, "learning.thickness=100", ON, *settings]
        return [str(one) for one in check_learning(load_recipe(prepared / "recipe.yaml", settings=base))]

    assert "set learning.compute to true" in told()[0]
    asked = "learning.compute=true"
    # Three laws, three shapes of j0, one rate everywhere.
    assert told(asked)[1].endswith("learning.compare: 7 other model(s), 7 more fit(s) of minutes each")
    assert (
        "1 other model(s), 3 more"
        in told(asked, "learning.compare.models=[marcus]", "learning.compare.hold_back=true")[1]
    )
    assert "no other model" in told(asked, "learning.compare.models=[without_strain]")[1]
    one = "data.series=[{files: ['scan_*.hdr'], direction: lithiation}]"
    assert "two half cycles" in told(asked, "learning.compare.hold_back=true", one)[-1]


def test_options_of_the_command_are_those_of_the_recipe():
    assert compare_settings(None, [], hold_back=False) == []
    assert compare_settings(False, [], hold_back=False) == ["learning.compare.compute=false"]
    assert compare_settings(None, ["Marcus", "j0-constant", "marcus"], hold_back=True) == [
        ON, "learning.compare.models=[marcus, j0_constant]", "learning.compare.hold_back=true",
    ]  # fmt: skip
    assert compare_settings(True, [], hold_back=False)[1] == "learning.compare.models=[]"
    with pytest.raises(OptionError, match="no such model"):
        compare_settings(None, ["nernst"], hold_back=False)
    with pytest.raises(OptionError, match="--no-compare"):
        compare_settings(False, ["marcus"], hold_back=False)


def test_a_comparison_goes_into_the_store_and_the_laws_are_not_learned_again(results, fit, fits):
    lines = learn_command(results, settings=["thickness=120"])
    assert len(fit.calls) == 1
    lines = learn_command(results, models=["marcus", "same_k_everywhere", "j0_constant"], hold_back=True)
    assert len(fit.calls) == 1  # what was learned is the model asked for
    # Two half cycles of three particles; what the stand-in gave for the model asked for has an evidence of 12.
    assert fits.calls == [
        ("as_asked", 3), ("marcus", 6), ("marcus", 3), ("j0_constant", 6), ("same_k_everywhere", 6),
        ("same_k_everywhere", 3),
    ]  # fmt: skip
    study = open_study(results)
    found = study.results[NAME]
    assert found["model"].values.tolist() == ["as_asked", "marcus", "same_k_everywhere", "j0_constant"]
    assert found["log_evidence_difference"].values.tolist() == [0.0, -1.5, -312.0, -np.inf]
    assert found["held_back_log_density"].values.tolist()[1] == 10.5 / 2
    assert found["residual_notes"].values.tolist()[0] == "a worse outline (3 of 3 particles)"
    assert found.attrs["frames"] == 8
    text = "\n".join(lines)
    for part in ("cannot tell the model asked for from Marcus kinetics", "NOT converged", "−∞", "it <cannot> follow"):
        assert part in text, part
    assert "hold_back: true" in study.recipe.text
    learn_command(results)  # the stored recipe asks for the same
    assert len(fits.calls) == 6
    learn_command(results, models=["marcus"])
    assert fits.calls[6:] == [("marcus", 6)]
    learn_command(results, compare=False)
    assert NAME not in Store(results / "study.zarr").steps()
    assert len(fit.calls) == 1
    assert not list(results.glob("*.npz"))


def test_a_model_that_is_no_other_is_told_before_anything_is_learned(results, simulated, fit, fits):
    with pytest.raises(OptionError, match="no other model"):
        learn_command(results, models=["butler_volmer"])
    with pytest.raises(OptionError, match="no other model"):
        learn_command(simulated, sigma=0.07, models=["butler_volmer"])
    assert fit.calls == fits.calls == []


def test_new_laws_take_an_old_comparison_out(results, fit, fits, monkeypatch):
    learn_command(results, settings=["thickness=120"], models=["marcus"])

    def fail(*_, **__):
        raise AnalysisError("the comparison fails")

    monkeypatch.setattr(comparing, "half_cycles", fail)
    study = learn_study(results, settings=["thickness=80"])
    assert len(fit.calls) == 2
    assert NAME not in study.results
    assert any(one.startswith("no model comparison: the comparison fails") for one in open_study(results).warnings)
    monkeypatch.undo()
    monkeypatch.setattr(comparing, "_compared", fits)
    monkeypatch.setattr(residuals, "structure_of", lambda *_: [])
    again = learn_study(results)
    assert NAME in again.results
    assert not [one for one in open_study(results).warnings if one.startswith("no model comparison")]


def test_a_comparison_that_is_stopped_goes_on_with_the_next_model(results, fits):
    fits.stop = "same_k_everywhere"
    wanted = {"models": ["marcus", "same_k_everywhere"]}
    with pytest.raises(KeyboardInterrupt):
        learn_command(results, settings=["thickness=120"], **wanted)
    assert fits.calls == [("marcus", 6)]
    fits.stop = None
    learn_command(results, **wanted)
    assert fits.calls == [("marcus", 6), ("same_k_everywhere", 6)]
    assert open_study(results).results[NAME].sizes["model"] == 3


def test_a_run_compares_as_a_step_of_its_own(results, prepared, fit, fits):
    asked = [NO_CELL, NO_KINETICS, "learning.compute=true", "learning.thickness=120"]
    for settings in (
        asked,
        [*asked, ON, "learning.compare.models=[marcus]"],
        [*asked, ON, "learning.compare.models=[marcus]"],
    ):
        study = running.run_study(load_recipe(prepared / "recipe.yaml", settings=settings), results)
    assert len(fit.calls) == 1
    assert fits.calls == [("marcus", 6)]
    assert study.results[NAME].attrs["verdict"].startswith("the data cannot tell the model asked for")
    assert "zhao2023" in study.provenance["bibtex"]


def test_the_page_and_the_tables_of_a_study_hold_it(results, fit, fits, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr("lithiscope.learning.inference.learn", fit)
    monkeypatch.setattr(comparing, "_compared", fits)
    monkeypatch.setattr(residuals, "structure_of", lambda *_: [])
    shown = call("learn", results, "--set", "learning.thickness=120", "--model", "marcus", "--model", "j0 constant")
    assert shown.exit_code == 0, shown.output
    assert "cannot tell the model asked for from Marcus kinetics" in " ".join(shown.stdout.split())
    page = (results / "page.html").read_text()
    assert 'id="learned-models"' in page
    assert "The data cannot tell the model asked for from Marcus kinetics" in page
    assert "it &lt;cannot&gt; follow" in page
    assert "it <cannot>" not in page
    table = (results / f"{NAME}.csv").read_text().splitlines()
    assert len(table) == 4
    assert table[0].startswith("model,description,log_evidence,")
    assert "-inf" in table[3]


def test_a_simulation_is_compared_as_well(simulated, fits):
    shown = call("learn", simulated, "--sigma", "0.07", "--compare", "--hold-back")
    assert shown.exit_code == 0, shown.output
    assert len(fits.calls) == 1 + 2 * 6 + 1  # without the last half cycle; nothing is held back from what cannot follow
    for text in ("model 2 of 8, Marcus kinetics: learning", "models compared with 8 frame(s)", "NOT converged"):
        assert text in shown.output, text
    assert NAME in Store(simulated / "learned.zarr").steps()
    assert "learned-models" in (simulated / "learned.html").read_text()
    learn_videos(simulated, sigma=0.07)
    assert NAME not in Store(simulated / "learned.zarr").steps()
    assert not list(simulated.glob("*.npz"))


def test_help_teaches():
    shown = call("learn", "--help").stdout
    for text in ("--compare", "--model", "--hold-back", "cannot tell", "marcus", "same_k_everywhere"):
        assert text in shown, text


def test_rows_of_a_checkpoint_belong_to_their_key(tmp_path):
    path = tmp_path / "steps.npz"
    rows = [{"name": "a", "log_evidence": -np.inf, "notes": ["b"]}]
    Checkpoint(path, "one").keep(rows)
    assert Checkpoint(path, "one").rows() == rows
    assert Checkpoint(path, "other").rows() == []
    assert Checkpoint(path, "one").entries() == []
    path.write_bytes(b"damaged")
    assert Checkpoint(path, "one").rows() == []
    shutil.rmtree(tmp_path)
    assert Checkpoint(path, "one").rows() == []
