"""A small virtual beamtime that reacts: eight scans of one cycle, and the potentiostat's file; tests damage copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lithiscope.instruments.potentiostat import write_mpt
from lithiscope.instruments.reaction import Electrode, Insertion, react, reacting_platelets
from lithiscope.instruments.stxm import MicroscopeOptions
from lithiscope.verification.virtual_kinetics import one_cycle, trace_of
from lithiscope.verification.virtual_stxm import make_experiment

CAPACITY = 5.0e-9  # Ah
START = 1433145600.0  # 2015-06-01 08:00 UTC, when both clocks say 0
NO_CELL, NO_KINETICS = "cell.files=[]", "kinetics.compute=false"
LABELS = ("Unix Time / s", "Test Time / s", "Voltage / V", "Current / A", "Net Capacity / Ah")

RECIPE = """lithiscope: 1
title: a small beamtime that reacts
data:
  folder: raw
  timezone: UTC
  series:
    - {direction: lithiation, files: ["scan_00[0-3].hdr"]}
    - {direction: delithiation, files: ["scan_00[4-7].hdr"]}
align: {energies: false, scans: false}
references:
  spectra:
    LFP: {file: LiFePO4.csv, lithium_content: 1}
    FP: {file: FePO4.csv, lithium_content: 0}
"""
TRACE = """cell:
  files: [cell.mpt]
  timezone: UTC
  split: {nominal_capacity_ah: 5.0e-9}
  resistance: {ohm: 1.0e+8, ohm_std: 1.0e+6}
  equilibrium: {volt: 3.425, volt_std: 0.001}
  clock: {offset_std: 2.0}
  frames: {lithium_start: 0.03}
kinetics:
  compute: true
  agreement: {draws: 99}
  exchange: {law: butler_volmer}
"""

Change = Callable[[list[list[str]]], None]


def write_kinetic_beamtime(folder: Path, *, scans: int = 4, pixel: float = 0.08) -> Path:
    """Write raw files, trace and recipe, with so many scans in each half cycle (um pixels); return the recipe."""
    reaction = react(Electrode(interaction=0.0), one_cycle(0.3), start=0.03, sample=40.0)
    spans = [reaction.span(number) for number, step in enumerate(reaction.steps) if isinstance(step, Insertion)]
    # The first scan is under way when the current starts, the last one ends when it stops.
    starts = np.concatenate([np.linspace(begin, end - 60.0, scans) for begin, end in spans])
    microscope = MicroscopeOptions(
        pixel=pixel, probe_nodes=3, drift_velocity=(0, 0), drift_step=0, jitter=0, flicker_pixel=0, dark_counts=0
    )
    make_experiment(folder / "raw", reacting_platelets(reaction), starts.tolist(), microscope=microscope, seed=7)
    rng = np.random.default_rng(7)
    trace = trace_of(reaction)
    passed = (reaction.current[1:] + reaction.current[:-1]) / 2 * np.diff(reaction.time)
    noisy = trace.assign(
        voltage_volt=trace["voltage_volt"] + 2e-4 * rng.standard_normal(reaction.time.size),
        net_capacity_ah=("sample", np.concatenate([[0.0], np.cumsum(passed)]) / 3600),
    )
    write_mpt(noisy.assign_attrs(start_utc=MicroscopeOptions().start_utc), folder / "raw" / "cell.mpt")
    recipe = folder / "recipe.yaml"
    half = [", ".join(f"scan_{number:03d}.hdr" for number in range(k * scans, (k + 1) * scans)) for k in (0, 1)]
    text = RECIPE.replace('"scan_00[0-3].hdr"', half[0]).replace('"scan_00[4-7].hdr"', half[1])
    recipe.write_text(text + TRACE, encoding="utf-8")
    return recipe


def edit_mpt(
    path: Path, change: Change = lambda rows: None, *, header: tuple[str, str] = ("", ""), to: str | None = None
) -> None:
    """Change the rows of an .mpt, as text (3: time, 4: voltage, 5: current in mA, 6 and 7: charge), and its header."""
    lines = path.read_bytes().decode("latin-1").split("\r\n")
    head = next(number for number, line in enumerate(lines) if line.startswith("mode\t")) + 1
    rows = [line.split("\t") for line in lines[head:] if line]
    change(rows)
    top = [line.replace(*header) if header[0] else line for line in lines[:head]]
    path.with_name(to or path.name).write_bytes("\r\n".join([*top, *map("\t".join, rows), ""]).encode("latin-1"))


def times(factor: float, *columns: int) -> Change:
    """Multiply columns of an .mpt."""

    def change(rows: list[list[str]]) -> None:
        for row in rows:
            for column in columns:
                row[column] = f"{factor * float(row[column]):.15E}"

    return change


def as_table(raw: Path, columns: tuple[int, ...], **factors: float) -> None:
    """Write the trace as ``cell.csv`` with some of the columns of `LABELS`, some multiplied (by name without unit)."""
    rows: list[list[str]] = []
    edit_mpt(raw / "cell.mpt", rows.extend, to="copy.tmp")
    (raw / "copy.tmp").unlink()
    numbers = np.array([[float(row[column]) for column in (3, 3, 4, 5, 7)] for row in rows])
    numbers[:, 3:] *= 1e-3
    for name, factor in factors.items():
        numbers[:, [label.split(" / ")[0].lower().replace(" ", "_") for label in LABELS].index(name)] *= factor
    numbers[:, 0] += START
    lines = [
        ",".join(LABELS[k] for k in columns),
        *(",".join(f"{row[k]:.12g}" for k in columns) for row in numbers),
    ]
    (raw / "cell.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
