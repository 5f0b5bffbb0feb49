"""A tiny virtual microscope for the tests of this room: Poisson counts of platelets with known x, nothing shared."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lithiscope import stages

# Optical densities of 150 nm of LiFePO4 and FePO4 at 703 (pre-edge), 706 and 713 eV: plausible contrasts, stated once.
ENERGIES = np.array([703.0, 706.0, 713.0])
LITHIATED = np.array([0.345, 1.10, 0.75])
DELITHIATED = np.array([0.345, 0.62, 1.25])
INCIDENT = 1.6e4


def references(lithiated=LITHIATED, delithiated=DELITHIATED, energies=ENERGIES):
    return stages.new(
        "references",
        {
            "reference": ("component energy", np.stack([lithiated, delithiated])),
            "lithium_content": ("component", [1.0, 0.0]),
        },
        coords={"component": ("component", ["LFP", "FP"]), "energy": ("energy", energies)},
    )


def densities(x, thickness, lithiated=LITHIATED, delithiated=DELITHIATED):
    """Truth: (energy, y, x) optical densities of maps x and relative thickness."""
    return thickness * (lithiated[:, None, None] * x + delithiated[:, None, None] * (1 - x))


def recording(od, incident=INCIDENT, *, rng, energies=ENERGIES, times=None, noise=True):
    """Raw counts (time, energy, y, x) from densities of the same shape, or of one scan."""
    od = od if od.ndim == 4 else od[None]
    expected = np.broadcast_to(np.asarray(incident), od.shape[:2])[..., None, None] * np.exp(-od)
    counts = rng.poisson(expected) if noise else expected
    times = np.arange(od.shape[0]) * 100.0 if times is None else np.asarray(times)
    step = 20.0 / len(energies)
    exposure = times[:, None] + step * (np.arange(len(energies)) - (len(energies) - 1) / 2)
    return stages.new(
        "recording",
        {"counts": ("time energy y x", counts), "exposure_mid": ("time energy", exposure)},
        coords={
            "time": ("time", times),
            "energy": ("energy", energies),
            "y": ("y", 0.05 * np.arange(od.shape[2])),
            "x": ("x", 0.05 * np.arange(od.shape[3])),
        },
        attrs={"origin": "simulation"},
    )


def spectrum(values, energies=ENERGIES):
    return xr.DataArray(np.asarray(values, float), dims="energy", coords={"energy": np.asarray(energies, float)})


def incident_spectrum(value=INCIDENT, energies=ENERGIES):
    return spectrum(np.full(len(energies), value), energies)


def platelet(shape=(100, 100), share=0.5):
    """A thickness map: 1 on the left part that leaves the blank share on the right."""
    thickness = np.zeros(shape)
    thickness[:, : round(shape[1] * (1 - share))] = 1.0
    return thickness
