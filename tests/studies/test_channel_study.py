"""Platelets seen along [100], from raw files and the potentiostat's trace to what limits them (Koo 2023)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lithiscope.instruments.potentiostat import write_mpt
from lithiscope.instruments.reaction import (
    Electrode,
    Even,
    Insertion,
    Rest,
    Transport,
    bulk_seconds,
    channel_platelets,
    channel_rates,
    react_along_channels,
    reaction_seconds,
)
from lithiscope.instruments.stxm import MicroscopeOptions, scan_duration
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study
from lithiscope.verification.virtual_kinetics import trace_of
from lithiscope.verification.virtual_stxm import make_experiment

SCANS = 8
MICROSCOPE = MicroscopeOptions(
    pixel=0.04,
    probe_fwhm=0.04,
    probe_nodes=3,
    energy_change=2.0,
    line_overhead=0.02,
    jitter=0.01,
    drift_step=0.002,
    drift_velocity=(0.02, -0.01),
    top_up_interval=7200.0,
)


def write_beamtime(folder: Path, electrode: Electrode, transport: Transport, c_rate: float, top: float) -> Path:
    """Write raw files, trace and recipe of two platelets in a lithiation and a delithiation at the same rate."""
    rng = np.random.default_rng(11)
    steps = [
        Rest(300.0),
        Insertion(c_rate, top),
        Rest(600.0),
        Even(0.97, 1800.0),
        Insertion(c_rate, 1 - top),
        Rest(300.0),
    ]
    run = react_along_channels(electrode, transport, channel_rates(2, 25, rng), steps, start=0.03, samples=150)
    scene = channel_platelets(run, angles=(0.0, 25.0))
    length = scan_duration(scene, MICROSCOPE)
    parts = [part for part in scene.protocol if part.direction]
    starts = np.round(np.concatenate([np.linspace(p.start + 2, p.end - length - 2, SCANS) for p in parts]), 3)
    made = make_experiment(folder / "raw", scene, starts, microscope=MICROSCOPE, seed=3)
    charge = np.concatenate([[0.0], np.cumsum((run.current[1:] + run.current[:-1]) / 2 * np.diff(run.time))]) / 3600
    noisy = run.volt + 2e-4 * rng.standard_normal(run.time.size)
    trace = trace_of(run).assign(net_capacity_ah=("sample", charge), voltage_volt=("sample", noisy))
    write_mpt(trace.assign_attrs(start_utc=MICROSCOPE.start_utc), folder / "raw" / "cell.mpt")
    files = [path.name for path in made.scans]
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"""lithiscope: 1
technique: stxm
title: platelets along [100]
data:
  folder: raw
  timezone: UTC
  series:
    - {{direction: lithiation, files: [{", ".join(files[:SCANS])}]}}
    - {{direction: delithiation, files: [{", ".join(files[SCANS:])}]}}
correct: {{flicker: 0.01, dark_counts: 2}}
references:
  spectra:
    LiFePO4: {{file: {made.references["LiFePO4"].name}, lithium_content: 1}}
    FePO4: {{file: {made.references["FePO4"].name}, lithium_content: 0}}
cell:
  files: [cell.mpt]
  timezone: UTC
  split: {{nominal_capacity_ah: 5.0e-9}}
  resistance: {{ohm: 1.0e+8, ohm_std: 1.0e+6}}
  equilibrium: {{volt: 3.425, volt_std: 0.001}}
  clock: {{offset_std: 2.0}}
  frames: {{lithium_start: 0.03}}
kinetics:
  compute: true
  transport: in_plane
  exchange: {{law: butler_volmer, largest_overpotential: null}}
  regime: {{diffusivity: [1.0e-18, 1.0e-14]}}
""",
        encoding="utf-8",
    )
    return recipe


def plates(ratio: float, tau_bulk: float) -> tuple[Electrode, Transport]:
    """An electrode of channels of 400 nm with that ratio of times, flat equilibrium voltage."""
    plain = Electrode(exchange_current=1.0, interaction=0.0, thickness=400.0)
    k0 = reaction_seconds(plain) / (ratio * tau_bulk)
    return dataclasses.replace(plain, exchange_current=k0), Transport(4e-14 / tau_bulk)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::lithiscope.errors.LithiscopeWarning")
@pytest.mark.parametrize(
    ("ratio", "tau_bulk", "top", "limit"),
    [
        (100.0, 400.0, 0.85, "surface-reaction-limited"),
        pytest.param(1 / 30, 5000.0, 0.75, "bulk-diffusion-limited", marks=pytest.mark.long),
    ],
)
def test_raw_files_to_a_verdict_on_every_particle(tmp_path, ratio, tau_bulk, top, limit):
    electrode, transport = plates(ratio, tau_bulk)
    recipe = write_beamtime(tmp_path, electrode, transport, 0.4, top)
    j0 = electrode.exchange_current * 3 * np.pi / 16
    stated = [] if limit.startswith("surface") else [f"kinetics.regime.exchange_current=[{j0:.6g}, {0.2 * j0:.6g}]"]
    study = run_study(load_recipe(recipe, settings=stated), tmp_path / "results")
    evidence = study.results["evidence"]
    assert evidence.attrs["verdict"] == limit
    assert evidence["overall_verdict"].shape == (2, 2)
    assert set(evidence["overall_verdict"].values.ravel()) <= {limit, "not decidable"}
    # Three of four ranges hold the truth or more: each does with a probability of 95 %.
    true = bulk_seconds(electrode, transport)
    held = (evidence["tau_bulk_low"].values < true) & (true < evidence["tau_bulk_high"].values)
    assert held.sum() >= 3
    if not stated:
        assert evidence["exchange_current_source"].values.tolist() == [["half cycle 1", "half cycle 0"]] * 2
        off = evidence["exchange_current_density"].values - j0
        assert np.all(np.abs(off) < 3 * evidence["exchange_current_density_std"].values + 0.2 * j0)
    surfaces = study.results["surfaces"]
    np.testing.assert_allclose(surfaces["applied_c_rate"], 0.4, rtol=0.01)
    # Koo 2023, Fig. 5b: the surface is ahead of the inside, richer on lithiation and poorer on delithiation.
    ahead = (surfaces["surface_lithium_fraction"] - surfaces["internal_lithium_fraction"]).mean("particle").values
    assert ahead[0] > 0
    assert ahead[1] < 0
    write_results(study, tmp_path / "results")
    page = (tmp_path / "results" / "page.html").read_text(encoding="utf-8")
    for words in ("Composition along the channels", "What limits each particle", "Where the particles lie"):
        assert words in page
    assert ": not drawn, " not in page
