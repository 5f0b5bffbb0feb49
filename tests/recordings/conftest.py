"""SDF scans written by hand (not by the writer under test), and recordings with known content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages

HEADER = """
ScanDefinition = {{ Label = "A.hdr"; Type = "{kind}"; Flags = "{flags}"; Dwell = {dwell};
\tRegions = ({region_count},
{regions});

\tStackAxis = {{ Name = "Energy"; Unit = "{energy_unit}"; Min = 0; Max = 1; Dir = 1;
\t\tPoints = ({energy_count}, {energies});
}};

\tChannels = (1,
{{ Name = "counter1"; Unit = "{channel_unit}";}});
}};
 Time = "{time}"; BeamFeedback = true;
 StorageRingCurrent = 400.5; EPUPhase = 0;
{log}
"""
REGION = """{{
\t\tPAxis = {{ Name = "Sample X"; Unit = "{unit}"; Min = 0; Max = 1; Dir = 1;
\t\t\tPoints = ({nx}, {x});
}};
\t\tQAxis = {{ Name = "Sample Y"; Unit = "{unit}"; Min = 0; Max = 1; Dir = 1;
\t\t\tPoints = ({ny}, {y});
}};
}}"""


def header_text(
    energies=(700.0, 705.0, 710.0),
    x=(0.0, 0.05, 0.1, 0.15),
    y=(1.0, 1.05, 1.1),
    regions=1,
    unit="um",
    kind="NEXAFS Image Scan",
    flags="Image Stack",
    dwell="2",
    energy_unit="eV",
    channel_unit="counts",
    time="2017 Nov 05 16:39:13",
    log="",
) -> str:
    def listed(points) -> str:
        return ", ".join(map(str, points))

    region = REGION.format(unit=unit, nx=len(x), x=listed(x), ny=len(y), y=listed(y))
    return HEADER.format(
        kind=kind,
        flags=flags,
        dwell=dwell,
        region_count=regions,
        regions=",\n".join([region] * regions),
        energy_unit=energy_unit,
        energy_count=len(energies),
        energies=listed(energies),
        channel_unit=channel_unit,
        time=time,
        log=log,
    )


def image_text(values: np.ndarray, fmt: str = "{:g}") -> str:
    return "".join("".join(fmt.format(value) + "\t" for value in row) + "\n" for row in values)


def counts_of(frames: int, ny: int = 3, nx: int = 4) -> np.ndarray:
    """Counts that differ in every frame, row and column."""
    return np.arange(frames * ny * nx, dtype=float).reshape(frames, ny, nx) + 100


@pytest.fixture
def write_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write header and images by hand; frames given as None are left out."""

    def write(frames=None, name: str = "A", text: str | None = None, **header) -> Path:
        frames = counts_of(3) if frames is None else frames
        path = tmp_path / f"{name}.hdr"
        path.write_text(header_text(**header) if text is None else text, encoding="latin-1")
        for number, frame in enumerate(frames):
            if frame is not None:
                content = frame if isinstance(frame, str) else image_text(frame)
                (tmp_path / f"{name}_a{number:03d}.xim").write_text(content, encoding="latin-1", newline="")
        return path

    return write


def make_recording(counts: np.ndarray, energy, *, mid=None, start="2020-02-03T04:05:06.789000", **attrs) -> xr.Dataset:
    """Make a recording of one scan with all optional fields; NaN counts are flagged missing."""
    frames, ny, nx = counts.shape
    mid = np.linspace(3.25, 100.5, frames) if mid is None else mid
    return stages.new(
        "recording",
        {
            "counts": ("time energy y x", counts[None]),
            "counts_flag": ("time energy y x", np.where(np.isnan(counts), stages.flag_bit("missing"), 0)[None]),
            "exposure_mid": ("time energy", np.asarray(mid, dtype=float)[None]),
            "dwell": ("time energy", np.linspace(1e-3, 4e-3, frames)[None]),
            "ring_current": ("time energy", np.linspace(0.5, 0.45, frames)[None]),
        },
        coords={
            "time": ("time", [float(np.nanmean(mid))]),
            "scan": ("time", [0]),
            "energy": ("energy", energy),
            "y": ("y", 5189.5 + 0.05 * np.arange(ny)),
            "x": ("x", -4736.602 + 0.05 * np.arange(nx)),
        },
        attrs={"start_local": start, "origin": "simulation", "saturation": 65535.0, "channel": "counter0", **attrs},
    )
