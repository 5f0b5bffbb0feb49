"""Time and memory of a study against its size: from files of scans to the page, in a process of its own each.

A field of platelets in a grid, noise of counting, a stage that drifts; no trace and no kinetics. The resident memory is
sampled every 5 ms, and what the process holds after its imports is taken off. Each size runs with the usual limit of
memory, one of them also without any. Writes `results/stxm_size.md`, `.png` and `.svg`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

RESULTS = Path(__file__).with_name("results") / "stxm_size"
SIZES = ((10, 128), (40, 128), (10, 256), (40, 256), (10, 512), (20, 512), (40, 512), (160, 512))
ENERGIES = np.array([703.0, 706.0, 713.0])
REFERENCES = {"LiFePO4": (0.345, 0.782, 0.747), "FePO4": (0.345, 0.381, 1.162)}
PITCH, PIXEL, PHOTONS, SCAN_SECONDS = 42, 0.05, 3000.0, 300.0
RECIPE = """lithiscope: 1
technique: stxm
title: size
data: {folder: ., timezone: UTC, series: [{direction: lithiation, cycle: 0, files: ["*.hdf5"]}]}
correct: {flicker: 0}
references:
  spectra:
    LiFePO4: {file: LiFePO4.csv, lithium_content: 1}
    FePO4: {file: FePO4.csv, lithium_content: 0}
"""


def write_series(folder: Path, scans: int, side: int) -> None:
    """Write the scans of a field that is lithiated, with references and recipe."""
    from scipy.ndimage import shift

    from lithiscope import stages
    from lithiscope.recordings import write_nexus

    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side]
    there = np.zeros((side, side))
    for y in range(30, side - 20, PITCH):
        for x in range(30, side - 20, PITCH):
            away = np.hypot((rows - y) / 14, (columns - x) / 10)
            there = np.maximum(there, 1 / (1 + np.exp((away - 1) * 12)))
    full, empty = (np.array(REFERENCES[name]) for name in ("LiFePO4", "FePO4"))
    for number in range(scans):
        x = np.clip(1.2 * number / (scans - 1) - 0.1 + 0.1 * np.sin(columns / 40), 0, 1)
        drift = 0.5 * rng.standard_normal(2)
        pictures = [
            shift(there * (x * a + (1 - x) * b), drift + 0.2 * rng.standard_normal(2), order=1)
            for a, b in zip(full, empty, strict=True)
        ]
        begin = number * SCAN_SECONDS
        recording = stages.new(
            "recording",
            {
                "counts": ("time energy y x", rng.poisson(PHOTONS * np.exp(-np.stack(pictures)))[None].astype(float)),
                "exposure_mid": ("time energy", begin + np.array([[30.0, 90.0, 150.0]])),
                "dwell": ("time energy", np.full((1, 3), 1e-3)),
            },
            coords={
                "time": ("time", [begin + 90.0]),
                "energy": ("energy", ENERGIES),
                "y": ("y", PIXEL * np.arange(side)),
                "x": ("x", PIXEL * np.arange(side)),
            },
            attrs={"start_utc": f"2026-01-01T{int(begin // 3600):02d}:{int(begin % 3600 // 60):02d}:00+00:00"},
        )
        write_nexus(recording, folder / f"scan_{number:03d}.hdf5")
    for name, values in REFERENCES.items():
        lines = [f"{energy},{value}" for energy, value in zip(ENERGIES, values, strict=True)]
        (folder / f"{name}.csv").write_text("energy (eV),optical density\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")


def resident() -> float:
    """Return the resident memory of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measured(scans: int, side: int, memory: float | None) -> dict[str, Any]:
    """Return what a study of this size costs, in this process."""
    import xarray  # noqa: F401
    import zarr  # noqa: F401

    from lithiscope.studies.recipe import load_recipe
    from lithiscope.studies.results import write_results
    from lithiscope.studies.run import run_study

    warnings.simplefilter("ignore")
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_series(folder, scans, side)
        base, peak, over = resident(), [0.0], threading.Event()

        def watch() -> None:
            while not over.wait(0.005):
                peak[0] = max(peak[0], resident())

        threading.Thread(target=watch, daemon=True).start()
        begin = time.perf_counter()
        study = run_study(load_recipe(folder / "recipe.yaml"), folder / "results", memory=memory)
        ran, grown = time.perf_counter() - begin, peak[0] - base
        write_results(study, folder / "results")
        over.set()
        return {
            "scans": scans,
            "side": side,
            "limit": memory,
            "particles": int(study.results["particles"].sizes["particle"]),
            "run_s": ran,
            "run_mib": grown,
            "page_s": time.perf_counter() - begin - ran,
            "all_mib": peak[0] - base,
            "counts_mib": scans * 3 * side**2 * 4 / 2**20,
        }


def report(rows: list[dict[str, Any]]) -> str:
    """Return the table."""
    head = "| scans x energies x pixels | particles | limit | counts | run | growth | page | growth with the page |"
    lines = [head, "|" + "---|" * 8]
    for row in rows:
        limit = "none" if row["limit"] is None else f"{row['limit']:g} GiB"
        lines.append(
            f"| {row['scans']} x 3 x {row['side']}² | {row['particles']} | {limit} | {row['counts_mib']:.0f} MiB | "
            f"{row['run_s']:.0f} s | {row['run_mib']:.0f} MiB | {row['page_s']:.0f} s | {row['all_mib']:.0f} MiB |"
        )
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, one thread"
    text = " ".join((__doc__ or "").split("\n\n")[1].split("Writes")[0].split())
    return f"# Cost of a study against its size\n\n{text}\n\nMachine: {machine}.\n\n" + "\n".join(lines) + "\n"


def draw(rows: list[dict[str, Any]]) -> None:
    """Write the figure: growth and time against the size of the counts."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.4), layout="constrained")
    for side, marker in zip(sorted({row["side"] for row in rows}), "osD^v", strict=False):
        for limited, fill, style in ((True, None, "-"), (False, "none", "")):
            some = [row for row in rows if row["side"] == side and (row["limit"] is not None) == limited]
            if some:
                counts = [row["counts_mib"] for row in some]
                look = {"color": f"C{side.bit_length() - 8}", "mfc": fill, "marker": marker, "ls": style}
                label = f"{side}² pixels, {'limit of 1 GiB' if limited else 'no limit'}"
                left.plot(counts, [row["all_mib"] for row in some], label=label, **look)
                right.plot(counts, [row["run_s"] + row["page_s"] for row in some], label=label, **look)
    left.axhline(1024, color="0.5", linestyle="--", linewidth=1)
    left.text(min(row["counts_mib"] for row in rows), 1100, "1 GiB", color="0.35")
    for axes, label in ((left, "growth of resident memory / MiB"), (right, "time, files to page / s")):
        axes.set(xscale="log", yscale="log", xlabel="counts in float32 / MiB", ylabel=label)
    left.legend(frameon=False, fontsize="small")
    for suffix in (".png", ".svg"):
        figure.savefig(RESULTS.with_suffix(suffix), dpi=150)


def main() -> None:
    """Measure every size in a process of its own, and write the results."""
    if sys.argv[1:2] == ["--one"]:
        scans, side, limit = sys.argv[2:5]
        print(json.dumps(measured(int(scans), int(side), None if limit == "none" else float(limit))))
        return
    rows = []
    for scans, side, limit in [*((*size, "1") for size in SIZES), (40, 512, "none")]:
        command = [sys.executable, __file__, "--one", str(scans), str(side), limit]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    RESULTS.with_suffix(".md").write_text(report(rows), encoding="utf-8")
    draw(rows)


if __name__ == "__main__":
    main()
