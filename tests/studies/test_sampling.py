"""The step that draws from the posterior, the command, the store and the page; fit and draws are stand-ins."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from lithiscope.cli.app import app
from lithiscope.errors import OptionError
from lithiscope.learning import sampling
from lithiscope.studies.check_learning import check_learning
from lithiscope.studies.learn import learn_study
from lithiscope.studies.learn_command import learn_command
from lithiscope.studies.learning import learning_steps
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.reopen import open_study
from lithiscope.studies.run import run_study
from lithiscope.studies.store import Store
from studies.kinetic_beamtime import NO_CELL, NO_KINETICS
from studies.stand_ins import Draws

pytestmark = pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
NAME, ON = "sampled_laws", "learning.sample.compute=true"
ASKED = [NO_CELL, NO_KINETICS, "learning.compute=true", "learning.thickness=120"]


@pytest.fixture
def draws(fit, monkeypatch):
    stand_in = Draws()
    monkeypatch.setattr(sampling, "sample", stand_in)
    return stand_in


def steps_of(place):
    return {name for name in Store(place).steps() if name.startswith("sampled")}


def test_a_recipe_asks_for_the_step_only_when_it_says_so(prepared):
    def steps(*settings):
        recipe = load_recipe(prepared / "recipe.yaml", settings=[*ASKED, *settings])
        return [(one.name, one.options(recipe)) for one in learning_steps(recipe)]

    (plain,) = steps()
    same, step = steps(ON, "learning.sample.draws=60")
    assert same == plain  # the laws do not depend on it
    assert step == (NAME, {"compute": True, "draws": 60, "warm_up": 200, "chains": 4, "seed": 0})
    with pytest.raises(OptionError, match=r"learning\.sample\.chains"):
        steps("learning.sample.chains=0")


def test_check_says_how_long_it_takes(prepared):
    def told(*settings):
        recipe = load_recipe(prepared / "recipe.yaml", settings=[NO_CELL, NO_KINETICS, ON, *settings])
        return [str(one) for one in check_learning(recipe)]

    assert "set learning.compute to true" in told()[0]
    assert told("learning.compute=true")[-1].endswith("learning.sample: 4 chain(s) of 700 draws: minutes to hours")


def test_draws_go_into_store_page_and_tables_and_the_laws_are_not_learned_again(results, fit, draws):
    learn_command(results, settings=["thickness=120"])
    shown = CliRunner().invoke(app, ["learn", str(results), "--sample", "--set", "sample.draws=60"])
    assert shown.exit_code == 0, shown.output
    assert len(fit.calls) == 1
    ((options, particles, asked),) = draws.calls
    assert options == fit.calls[0][1]
    assert particles == fit.calls[0][2]
    assert asked == {"draws": 60, "warm_up": 200, "chains": 4, "seed": 0}
    assert shown.stdout.rstrip().count("The draws confirm the error bars of the laws") == 1
    assert steps_of(results / "study.zarr") == {NAME, *(f"sampled_particle-0-{label}" for label in particles)}
    assert 'id="learned-sampled"' in (results / "page.html").read_text()
    assert (results / "sampled_laws.csv").read_text().startswith("parameter,")
    assert "draws: 60" in open_study(results).recipe.text
    learn_command(results)  # the stored recipe asks for the same
    assert len(draws.calls) == 1
    learn_command(results, sample=False)
    assert steps_of(results / "study.zarr") == set()
    assert not (results / "sampled_laws.csv").exists()
    assert len(fit.calls) == 1
    assert not list(results.glob("*.npz"))


def test_new_laws_take_old_draws_out_and_too_many_numbers_are_told(results, fit, draws, monkeypatch):
    monkeypatch.setattr("lithiscope.studies.learn_command.write_results", lambda *_: [])
    learn_command(results, settings=["thickness=120"], sample=True)
    name = str(open_study(results).results["labels"]["particle"].values[1])
    draws.error = OptionError("there are too many numbers to sample at once", field="particles", limit="4000 numbers")
    study = learn_study(results, settings=["thickness=80"], particles=[name])
    assert len(fit.calls) == 2
    assert NAME not in study.results
    assert steps_of(results / "study.zarr") == set()
    assert any("no sampled laws: there are too many numbers" in one for one in open_study(results).warnings)
    draws.error = None
    assert NAME in learn_study(results).results
    assert steps_of(results / "study.zarr") == {NAME, "sampled_particle-0-2"}
    assert not [one for one in open_study(results).warnings if one.startswith("no sampled laws")]


def test_a_run_draws_as_a_step_of_its_own(results, prepared, fit, draws):
    for settings in (ASKED, [*ASKED, ON], [*ASKED, ON]):
        study = run_study(load_recipe(prepared / "recipe.yaml", settings=settings), results)
    assert (len(fit.calls), len(draws.calls)) == (1, 1)
    assert study.results[NAME].attrs["converged"] == 1
    run_study(load_recipe(prepared / "recipe.yaml", settings=ASKED), results)
    assert steps_of(results / "study.zarr") == set()


def test_a_simulation_is_sampled_as_well(simulated, draws):
    lines = learn_command(simulated, sigma=0.07, sample=True)
    assert any(one.startswith("The draws confirm") for one in lines)
    assert steps_of(simulated / "learned.zarr") == {NAME, "sampled_particle-0-1"}
    assert "learned-sampled" in (simulated / "learned.html").read_text()
    learn_command(simulated, sigma=0.07)
    assert steps_of(simulated / "learned.zarr") == set()
    assert not list(simulated.glob("*.npz"))


def test_help_says_how_long_it_takes():
    shown = CliRunner().invoke(app, ["learn", "--help"]).stdout
    for text in ("--sample", "--no-sample", "minutes", "hours"):
        assert text in shown
