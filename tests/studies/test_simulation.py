"""Simulations from a recipe: what the files hold, and what the examples must show."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import FileFormatError, OptionError
from lithiscope.studies.simulation import run_case, simulate_recipe, simulation_lines
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_measures import active_share, front_speed, reversal, rich_radius, uniformity
from lithiscope.studies.simulation_panels import gaps, reversal_amplitude
from lithiscope.studies.simulation_pathway import filling
from lithiscope.studies.simulation_recipe import SimulationRecipe, load_simulation, packaged
from lithiscope.studies.store import Store

SMALL = ("geometry.sizes=[600, 600]", "shown.movie.seconds=0.3", "frames=25")


def small(name: str, *settings: str) -> SimulationRecipe:
    return load_simulation(name, settings=(*SMALL, *settings))


@pytest.mark.parametrize("name", list(packaged()))
def test_every_packaged_recipe_makes_a_model(name):
    from lithiscope.studies.simulation_model import model_of_recipe, protocol_of

    recipe = load_simulation(name)
    assert recipe.title != "untitled"
    assert recipe.about
    one = cases(recipe)[0].recipe
    assert model_of_recipe(one).geometry.active.any()
    assert protocol_of(one).duration > 0
    assert load_simulation(name).text == recipe.text


def test_a_run_writes_everything_it_promises(tmp_path):
    out = tmp_path / "out"
    settings = ("sweep.directions=[lithiation]", "geometry.sizes=[300, 300]")
    simulate_recipe(small("lfp_rates", "sweep.c_rates=[3]", *settings), out)
    recipe = small("lfp_rates", "sweep.c_rates=[1]", *settings)
    outcome = simulate_recipe(recipe, out)
    assert outcome.complete
    names = {"figure.png", "figure.svg", "movie.webp", "trace.csv", "numbers.csv", "summary.txt", "recipe.yaml"}
    assert names <= {path.name for path in out.iterdir()}
    assert not list(out.glob("*.partial"))
    store = Store(out / "study.zarr")
    assert set(store.steps()) == {"composition-1C-lithiation", "simulation-1C-lithiation"}, "nothing of the first run"
    assert store.attributes()["kind"] == "simulation"
    video = stages.check(store.load("composition-1C-lithiation"), "composition_video")
    record = stages.check(store.load("simulation-1C-lithiation"), "simulation")
    assert video.attrs["origin"] == "simulation"
    rows = list(csv.DictReader((out / "trace.csv").read_text().splitlines()))
    assert [float(row["voltage_volt"]) for row in rows] == pytest.approx(record["voltage_volt"].values.tolist())
    assert float(rows[-1]["mean_lithium_fraction"]) == pytest.approx(0.97, abs=1e-6)
    # Mass balance is round-off: some 1e-16 for each of the order of 100 steps.
    assert max(abs(float(row["mass_balance_error"])) for row in rows) < 1e-13
    summary = (out / "summary.txt").read_text()
    for text in ("BogackiShampine", "accepted", "mean composition of 0.97", "mass-balance error", "complete"):
        assert text in summary
    assert load_simulation(out / "recipe.yaml").text == recipe.text


def test_a_run_that_stops_early_says_so(tmp_path):
    full = "protocol=[{kind: current, c_rate: 1, seconds: 7200}]"  # twice what the particle can take
    recipe = small("lfp_rates", "sweep.c_rates=[]", "sweep.directions=[]", full)
    outcome = simulate_recipe(recipe, tmp_path)
    assert not outcome.complete
    assert "STOPPED EARLY" in "\n".join(outcome.lines)
    assert "1 of 1 runs stopped early" in (tmp_path / "summary.txt").read_text()
    assert (tmp_path / "movie.webp").stat().st_size > 0


def test_lfp_rates_take_turns_at_low_rate_and_only_lithiation_fills_together_at_high_rate():
    recipe = load_simulation("lfp_rates", settings=("geometry.sizes=[1000, 1000]", "sweep.c_rates=[0.01, 3]"))
    runs = [run_case(case) for case in cases(recipe)]
    assert all(run.complete for run in runs)
    key = {(run.case.c_rate, run.case.direction): run for run in runs}
    value = {one: uniformity(run.video) for one, run in key.items()}
    # Lim 2016, fig. 3E: uniformity rises with rate in both directions, and is higher on lithiation.
    assert value[3, 1] > value[0.01, 1] + 0.2
    assert value[3, -1] > value[0.01, -1] + 0.02
    assert value[3, 1] > value[3, -1] + 0.2
    words = {one: filling(run.video).pathway for one, run in key.items()}
    assert words[3, 1] == "solid solution"
    assert "solid solution" not in {words[0.01, 1], words[0.01, -1], words[3, -1]}
    gap = gaps(recipe, runs)
    # At C/100 the gap is that of the two spinodals, 74 mV for 4.49 kT; at 3C hundreds of mV for 8 mA/m2.
    assert 0.06 < gap[0.01] < 0.09
    assert 0.3 < gap[3] < 0.6


def test_uniformity_at_high_rate_is_that_of_the_rate_constant():
    settings = ("geometry.sizes=[1000, 1000]", "sweep.directions=[lithiation]", "sweep.c_rates=[10]")
    values = {}
    for spread in (0.1, 0.3, 0.5):
        (case,) = cases(load_simulation("lfp_rates", settings=(*settings, f"reaction.spread={spread}")))
        values[spread] = uniformity(run_case(case).video)
    # Far from equilibrium every current is proportional to k(r), so nothing but its spread is left to tell cells apart.
    assert values[0.1] > 0.8
    assert values[0.1] > values[0.3] + 0.1 > values[0.5] + 0.2


def test_the_domain_gives_back_at_low_rate_and_not_at_high_rate():
    settings = ("geometry.sizes=[4, 12]", "sweep.offsets=[0.5]", "sweep.c_rates=[1, 18]")
    slow, fast = (run_case(case) for case in cases(load_simulation("two_domains", settings=settings)))
    recipe = load_simulation("two_domains", settings=settings)
    # The domain rises above 0.6 and falls by more than 0.1 while the rest fills; at 18C the surface cannot follow.
    assert reversal_amplitude(recipe, slow) > 0.1
    assert reversal_amplitude(recipe, fast) < 0.02


@pytest.mark.long
def test_population_fills_one_by_one_at_low_rate_and_together_at_high_rate():
    settings = ("population.count=30", "sweep.c_rates=[0.003, 3]", "frames=100")
    slow, fast = (run_case(case) for case in cases(load_simulation("population", settings=settings)))
    # One of 30 particles alone is a share of 0.03, but between two fillings the rest rise to the spinodal together.
    assert active_share(slow.video) < 0.3
    assert active_share(fast.video) > 0.7


def test_a_disc_that_shrinks_is_measured_exactly():
    import xarray as xr

    place = (np.arange(61) - 30) * 0.02  # um
    distance = np.hypot(place[:, None], place[None, :])
    radii = np.linspace(
        0.511, 0.061, 10
    )  # none through the centres of many pixels at once, which count as a whole ring
    video = xr.Dataset(
        {
            "lithium_fraction": (("time", "y", "x"), np.where(distance < radii[:, None, None], 0.95, 0.7)),
            "amount": (("y", "x"), (distance < 0.55).astype(float)),
            "mask": (("y", "x"), distance < 0.55),
        },
        {"time": 5.0 * np.arange(10), "y": place, "x": place},
    )
    radius = rich_radius(video, 0.85)
    # A disc counted in pixels of h has an area right to about h sqrt(h R): some 2 nm of the radius here.
    assert radius == pytest.approx(1e3 * radii, abs=5)
    assert front_speed(video, 0.85) == pytest.approx(10.0, rel=0.05)  # 50 nm each 5 s


def test_reversal_is_counted_against_the_current():
    course = np.array([0.1, 0.6, 0.45, 0.9])
    assert reversal(course, 1) == pytest.approx(0.15)
    assert reversal(1 - course, -1) == pytest.approx(0.15)
    assert reversal(np.sort(course), 1) == 0


def test_the_list_names_every_simulation_with_its_title():
    lines = simulation_lines()
    assert len(lines) == len(packaged())
    assert any(line.startswith("lfp_rates  ") for line in lines)


def test_the_other_direction_starts_where_the_first_ends():
    found = cases(small("lfp_rates", "sweep.c_rates=[0.1, 1]"))
    assert [case.name for case in found] == ["0.1C-lithiation", "1C-lithiation", "0.1C-delithiation", "1C-delithiation"]
    back = found[-1].recipe
    assert (back.initial, back.protocol[0].to_fraction) == (0.97, 0.03)


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("geometry.shape=torus", "geometry.shape"),
        ("geometry.size=5", "geometry.size"),
        ("geometry.sizes=[1, 2, 3]", "geometry"),
        ("geometry.thickness=null", "geometry"),
        ("initial=2", "initial"),
        ("protocol=[]", "protocol"),
        ("protocol=[{kind: wait}]", "protocol.0"),
        ("sweep.c_rates=[0]", "sweep.c_rates.0"),
        ("population.count=0", "population.count"),
    ],
)
def test_what_cannot_be_used_is_named(setting, field):
    with pytest.raises(OptionError) as caught:
        load_simulation("lfp_rates", settings=[setting])
    assert caught.value.field == field


def test_a_sweep_that_changes_nothing_is_refused():
    with pytest.raises(OptionError, match="no constant current"):
        cases(small("lfp_rates", "protocol=[{kind: rest, seconds: 10}]"))
    with pytest.raises(OptionError, match="other direction has no start"):
        cases(small("lfp_rates", "protocol=[{kind: current, c_rate: 1}]"))
    with pytest.raises(OptionError, match="no diffusivity"):
        cases(small("lfp_rates", "sweep.diffusivities=[1e-14]"))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(OptionError, match="no such simulation") as caught:
        load_simulation("lfp_rate")
    assert "lfp_rates" in str(caught.value.limit)


def test_a_mask_picture_and_an_outline_make_particles(tmp_path):
    from PIL import Image

    from lithiscope.studies.simulation_model import geometry_of

    mask = np.zeros((12, 15), dtype=np.uint8)
    mask[2:10, 3:12] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    (tmp_path / "ring.csv").write_text("# y,x in um\n0,0\n0,0.5\n0.4,0.5\n0.4,0\n")
    recipe = small("lfp_rates")

    def cells(**changes) -> int:
        section = recipe.geometry.model_validate({**recipe.geometry.model_dump(), **changes})
        return int(geometry_of(recipe.model_copy(update={"geometry": section}).located(tmp_path)).active.sum())

    assert cells(shape="picture", file="mask.png") == 72
    assert cells(shape="outline", file="ring.csv") == 80  # 400 nm x 500 nm on 50 nm
    (tmp_path / "ring.csv").write_text("this is no outline")
    with pytest.raises(FileFormatError, match="outline cannot be read"):
        cells(shape="outline", file="ring.csv")
    (tmp_path / "mask.png").write_text("no picture")
    with pytest.raises(FileFormatError, match="mask cannot be read"):
        cells(shape="picture", file="mask.png")
