"""Every kind of part of a simulation recipe: protocols, strain and shapes, each against what it must give."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.errors import LithiscopeError, OptionError
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import Stiffness, coherency_energy, misfit_tensor
from lithiscope.phasefield.geometry import surface_area, volume
from lithiscope.studies.simulation import Run, run_case
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_model import geometry_of, model_of_recipe, protocol_of
from lithiscope.studies.simulation_recipe import SimulationRecipe, load_simulation

PLATELET = {"shape": "platelet", "sizes": [400, 600], "spacing": 50, "thickness": 150}
CURRENT = {"kind": "current", "c_rate": 1, "to_fraction": 0.5}
CAPACITY = 2.5e-12  # Ah


def recipe(base: Path = Path(), **sections: Any) -> SimulationRecipe:
    content = {"geometry": PLATELET, "gradient_energy": 8.83, "initial": 0.05, "frames": 5, "protocol": [CURRENT]}
    return SimulationRecipe.model_validate(content | sections).located(base)


def run(base: Path = Path(), **sections: Any) -> Run:
    return run_case(cases(recipe(base, **sections))[0])


def write_trace(path: Path, seconds: Any, ampere: Any, volt: Any) -> Path:
    with path.open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["time/s", "current/A", "voltage/V"])
        rows.writerows(zip(seconds, ampere, volt, strict=True))
    return path


@pytest.fixture
def trace(tmp_path) -> Path:
    """A lithiation at 1C, a rest, and a delithiation at half of that, with the voltage of a cell."""
    seconds = np.array([0, 10, 900, 910, 1200, 1210, 2400, 2410, 2500.0])
    ampere = CAPACITY * np.array([0, -1, -1, 0, 0, 0.5, 0.5, 0, 0])
    volt = 3.42 + 0.02 * ampere / CAPACITY + 1e-5 * (seconds - 1200)
    return write_trace(tmp_path / "cell.csv", seconds, ampere, volt)


def test_the_current_of_a_trace_is_passed_to_the_last_charge(trace):
    part = {"kind": "trace", "file": trace.name, "control": "current", "capacity_ah": CAPACITY}
    found = run(trace.parent, protocol=[part], frames=26)
    record = found.record
    assert found.complete
    # The trapezia of the trace: 900 s at 1C in, 1200 s at C/2 out. Round-off, as in any mass balance.
    assert record["mean_lithium_fraction"].values[-1] == pytest.approx(0.05 + (900 - 600) / 3600, abs=1e-12)
    inside = (record["time"] > 20) & (record["time"] < 890)
    assert record["insertion_rate"].values[inside] == pytest.approx(1.0)
    at_rest = (record["time"] > 910) & (record["time"] < 1200)
    assert np.ptp(record["mean_lithium_fraction"].values[at_rest]) < 1e-12
    assert set(np.unique(record["direction"])) == {-1, 0, 1}


def test_the_voltage_of_a_trace_is_held_at_every_moment(trace):
    found = run(trace.parent, protocol=[{"kind": "trace", "file": trace.name, "control": "voltage"}], frames=26)
    given = np.loadtxt(trace, delimiter=",", skiprows=1)
    expected = np.interp(found.record["time"], given[:, 0], given[:, 2])
    assert found.complete
    assert found.record["voltage_volt"].values == pytest.approx(expected, abs=1e-9)
    assert np.ptp(found.record["mean_lithium_fraction"].values) > 0.01, "and lithium moves"


def test_a_trace_that_cannot_be_followed_is_one_error(trace, tmp_path):
    with pytest.raises(OptionError, match="capacity") as caught:
        protocol_of(recipe(tmp_path, protocol=[{"kind": "trace", "file": trace.name}]))
    assert caught.value.field == "capacity_ah"
    missing = {"kind": "trace", "file": "none.csv", "capacity_ah": 1}
    with pytest.raises(LithiscopeError) as absent:
        protocol_of(recipe(tmp_path, protocol=[missing]))
    assert "none.csv" in str(absent.value)


def test_constant_current_then_constant_voltage_then_rest():
    parts = [
        {"kind": "cc_cv", "c_rate": 1, "direction": "lithiation", "volt": 3.25, "end_c_rate": 0.05, "seconds": 7200},
        {"kind": "rest", "seconds": 300},
    ]
    found = run(protocol=parts, frames=100)
    record = found.record
    assert found.complete, found.stopped
    volt, rate = record["voltage_volt"].values, record["insertion_rate"].values
    constant, resting = rate > 0.999, np.abs(rate) < 1e-9
    held = ~constant & ~resting
    assert constant.sum() > 20
    assert held.sum() > 2
    assert resting.sum() > 2
    # The limit is met to 1e-10 V; while the current is constant the voltage is above it.
    assert volt[constant].min() > 3.25 - 1e-9
    assert volt[held] == pytest.approx(3.25, abs=1e-9)
    assert rate[held].min() >= 0.05 - 1e-6
    assert volt[resting][-1] > 3.25, "relaxes towards equilibrium"
    assert np.ptp(record["mean_lithium_fraction"].values[resting]) < 1e-12


def test_a_set_without_gradient_energy_asks_for_one():
    with pytest.raises(OptionError, match="lfp_lim_2016 has no gradient energy") as caught:
        run(gradient_energy=None)
    assert caught.value.field == "gradient_energy"


def test_a_run_that_ends_early_has_its_frames_up_to_there():
    time = run(frames=7).record["time"].values
    # 0.05 to 0.5 takes 1620 s of the 3600 s that x could change; the end is met to 1e-10 of x.
    assert time == pytest.approx(np.linspace(0, 1620, 7), abs=1e-6)


def test_voltage_limits_end_a_current():
    found = run(protocol=[CURRENT | {"lowest_volt": 3.2, "to_fraction": None}])
    assert found.complete
    assert found.record["voltage_volt"].values[-1] == pytest.approx(3.2, abs=1e-9)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["periodic", "free_surface"])
def test_strain_by_crystal_costs_what_differences_cost_and_no_more(kind):
    one = recipe(
        material={"name": "lfp_averaged"},
        geometry=PLATELET | {"sizes": [300, 400], "periodic": kind == "periodic"},
        strain={"kind": kind, "plane": "stress"},
        reaction={"spread": 0.3, "length": 100},
        frames=3,
    )
    found, model = run_case(cases(one)[0]), model_of_recipe(one)
    assert found.complete
    assert found.imbalance < 1e-12
    x, active = np.nan_to_num(found.video["lithium_fraction"].values), model.geometry.active
    uniform, uneven = (float(model.elasticity.energy(jnp.asarray(x[frame]), model.geometry)) for frame in (0, -1))
    spread = float(np.sum((x[-1] - x[-1][active].mean())[active] ** 2))
    # The mean strain is free, so a uniform particle has no stress: at free surfaces to 1e-6 of it.
    assert abs(uniform) < 1e-9
    # Half the largest B of any direction is what a wave in a full, infinite crystal costs; a thin one can bend away.
    assert 0 < uneven < 0.5 * _largest_penalty("lfp_averaged") * spread


def _largest_penalty(name: str) -> float:
    given = material(name)
    tensor, misfit = Stiffness(given.stiffness * 1e-9).tensor, misfit_tensor(given.misfit)
    ways = np.random.default_rng(0).standard_normal((4000, 3))
    energies = coherency_energy(ways / np.linalg.norm(ways, axis=1, keepdims=True), tensor, misfit)
    return float(np.max(energies)) * 1e9 / given.site_energy_density


def test_strain_by_crystal_needs_to_know_what_the_picture_is():
    with pytest.raises(OptionError) as caught:
        run(material={"name": "lfp_averaged"}, strain={"kind": "free_surface"})
    assert "plane" in str(caught.value)
    with pytest.raises(OptionError, match="periodic") as caught:
        run(material={"name": "lfp_averaged"}, strain={"kind": "periodic", "plane": "stress"})
    assert "periodic" in caught.value.limit


EDGES = 0.7 * 10 * 4 * (120 + 160 + 200)  # nm2: an edge of pixels counts 0.7 of a cell too little


def made(**section: Any):
    rim = {"spacing": 10, "thickness": None, "reacts": "rim"}
    return geometry_of(recipe(geometry=rim | section, transport={"kind": "fickian"}))


@pytest.mark.parametrize(
    ("section", "size", "rim"),
    [
        # Cells of 10 nm: smoothed rims within 1 % of the body's, those of pixels within 3 % (see `pixels`).
        ({"shape": "disc", "sizes": [200]}, np.pi * 1e4, np.pi * 200),
        ({"shape": "disc", "sizes": [200], "smoothed": True}, np.pi * 1e4, np.pi * 200),
        ({"shape": "ellipsoid", "sizes": [200, 200, 200]}, np.pi * 200**3 / 6, np.pi * 200**2),
        ({"shape": "ellipsoid", "sizes": [200, 200, 200], "smoothed": True}, np.pi * 200**3 / 6, np.pi * 200**2),
        ({"shape": "cylinder", "sizes": [200, 160], "smoothed": True}, np.pi * 1e4 * 160, np.pi * (2e4 + 200 * 160)),
        ({"shape": "box", "sizes": [120, 160, 200]}, 120 * 160 * 200, 2 * (19200 + 32000 + 24000) - EDGES),
        # Of chosen facets the cells at the corners, whose normals point between, are lost too: finer cells.
        ({"shape": "box", "sizes": [160, 200], "spacing": 2, "facets": [0, 180]}, 160 * 200, 2 * 160),
        ({"shape": "box", "sizes": [160, 200], "spacing": 2, "facets": [[1, 0]]}, 160 * 200, 200),
    ],
)
def test_shapes_have_the_size_and_the_reacting_area_of_the_body(section, size, rim):
    geometry = made(**section)
    assert volume(geometry) == pytest.approx(size, rel=0.02)
    assert surface_area(geometry) == pytest.approx(rim, rel=0.01 if section.get("smoothed") else 0.03)


def test_an_outline_measured_on_a_picture_makes_the_same_particle(tmp_path):
    import xarray as xr

    from lithiscope.particles import outline

    y, x = np.indices((40, 50))
    mask = ((y - 19.5) / 15) ** 2 + ((x - 24.5) / 20) ** 2 < 1
    place = {"y": 0.02 * np.arange(40), "x": 0.02 * np.arange(50)}
    (ring,) = outline(xr.DataArray(mask.astype(int), coords=place, dims=("y", "x"))).values()
    np.savetxt(tmp_path / "ring.csv", ring[0], delimiter=",", header="y,x in um")
    section = {"shape": "outline", "file": "ring.csv", "spacing": 20, "sizes": []}
    geometry = geometry_of(recipe(tmp_path, geometry=section))
    # The outline runs half-way between pixels, so it cuts half of each corner of the staircase.
    assert volume(geometry) == pytest.approx(mask.sum() * 400, rel=0.03)
    grown = geometry_of(recipe(tmp_path, geometry=section | {"reacts": "rim", "smoothed": True, "thickness": None}))
    assert volume(grown) == pytest.approx(np.pi * 300 * 400, rel=0.03)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("shape=cylinder", "cylinder has 2 sizes"),
        ("shape=ellipsoid", "ellipsoid has 2 or 3 sizes"),
        ("shape=outline", "a file belongs to"),
        ("file=a.png", "a file belongs to"),
        ("periodic=true", "can be periodic"),
        ("reacts=everywhere", "needs its thickness"),
    ],
)
def test_a_shape_that_does_not_fit_its_sizes_is_refused(tmp_path, setting, words):
    path = tmp_path / "disc.yaml"
    path.write_text(
        "geometry: {shape: disc, sizes: [9], thickness: null, reacts: rim}\nprotocol: [{kind: rest, seconds: 1}]"
    )
    with pytest.raises(OptionError, match=words) as caught:
        load_simulation(path, settings=[f"geometry.{setting}"])
    assert caught.value.field == "geometry"


@pytest.mark.long
def test_a_sphere_of_a_solid_solution_fills_from_its_surface(tmp_path):
    from lithiscope.studies.simulation import simulate_recipe

    one = recipe(
        material={"name": "nmc811_solid_solution"},
        geometry={"shape": "ellipsoid", "sizes": [1000] * 3, "spacing": 125, "thickness": None, "reacts": "rim"},
        transport={"kind": "fickian", "diffusivity": 1e-16},
        strain={"kind": "none"},
        gradient_energy=0,
        initial=0.3,
        protocol=[{"kind": "current", "c_rate": 1, "to_fraction": 0.5}],
        frames=4,
        method="explicit",
        shown={"movie": {"seconds": 0.2, "width": 300}},
    )
    outcome = simulate_recipe(one, tmp_path / "sphere")
    assert outcome.complete, outcome.lines
    from lithiscope.studies.store import Store

    store = Store(tmp_path / "sphere" / "study.zarr")
    video, record = store.load("composition"), store.load("simulation")
    assert video["lithium_fraction"].dims == ("time", "z", "y", "x")
    x, inside = video["lithium_fraction"].values[-1], video["mask"].values
    place = np.indices(x.shape).reshape(3, -1).T.reshape(*x.shape, 3) - (np.array(x.shape) - 1) / 2
    far = np.linalg.norm(place, axis=-1)
    assert x[inside & (far > 3)].mean() > x[inside & (far < 2)].mean() + 0.01
    assert record["mean_lithium_fraction"][-1] == pytest.approx(0.5, abs=1e-9)
    # Turning the cube changes nothing: sums over cells run in another order only.
    assert x == pytest.approx(x.transpose(2, 0, 1), abs=1e-9, nan_ok=True)
