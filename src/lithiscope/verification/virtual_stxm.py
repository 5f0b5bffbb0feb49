"""A virtual STXM experiment on disk: raw files as a beamline writes them, spectra, and the truth beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope.errors import OptionError
from lithiscope.instruments.stxm import MicroscopeOptions, Scene, acquire, incident_counts, reference_spectra

if TYPE_CHECKING:
    import xarray as xr

FileFormat = Literal["sdf", "nexus"]

_SPECTRUM_STEP = 0.1


class VirtualExperiment(NamedTuple):
    """What `make_experiment` wrote.

    Parameters
    ----------
    scans : tuple of Path
        One header (SDF) or file (NXstxm) per scan, in the order of time.
    references : mapping of str to Path
        Two-column csv (energy in eV, optical density of 150 nm) of LiFePO4 and FePO4.
    incident : Path
        Two-column csv of the counts through window and liquid at nominal ring current.
    truth : Path
        Zarr store; see `read_truth`.
    """

    scans: tuple[Path, ...]
    references: Mapping[str, Path]
    incident: Path
    truth: Path


def make_experiment(
    folder: str | Path,
    scene: Scene,
    times: ArrayLike,
    *,
    microscope: MicroscopeOptions = MicroscopeOptions(),  # noqa: B008 - frozen
    seed: int = 0,
    file_format: FileFormat = "sdf",
    lithiated: float = 1.0,
    delithiated: float = 0.0,
) -> VirtualExperiment:
    """Scan a scene and write all that a beamline would hand over, with the truth beside it.

    Parameters
    ----------
    folder : str or Path
        Where to write; made when it does not exist.
    scene : Scene
        What lies under the microscope.
    times : array_like of float
        When each scan begins (s); kept to the millisecond in the files.
    microscope : MicroscopeOptions
        The microscope.
    seed : int
        Of all that is random.
    file_format : {"sdf", "nexus"}
        Format of the scans.
    lithiated, delithiated : float
        Lithium fractions that the reference spectra truly have.

    Returns
    -------
    VirtualExperiment
        The paths.

    Raises
    ------
    OptionError
        If a scan exists already, the format is unknown, or the times cannot be.
    """
    from lithiscope.studies.store import Store

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    recording, truth = acquire(scene, times, options=microscope, seed=seed)
    paths = [_write(scan, folder, number, file_format) for number, scan in enumerate(split_scans(recording, times))]
    energies = np.arange(690.0, 730.0 + _SPECTRUM_STEP / 2, _SPECTRUM_STEP)
    references = {}
    for name, spectrum in reference_spectra(energies, lithiated=lithiated, delithiated=delithiated).groupby(
        "component"
    ):
        references[str(name)] = folder / f"{name}.csv"
        _write_spectrum(references[str(name)], energies, spectrum.values.ravel(), "optical density")
    _write_spectrum(folder / "i0.csv", energies, incident_counts(energies, microscope), "counts")
    store = Store(folder / "truth.zarr")
    store.save("truth", truth, key=f"seed {seed}", record={})
    return VirtualExperiment(tuple(paths), references, folder / "i0.csv", store.path)


def read_truth(path: str | Path) -> xr.Dataset:
    """Return the truth that `make_experiment` saved; `lithiscope.instruments.stxm.Acquisition` says what is in it."""
    from lithiscope.studies.store import Store

    return Store(path).load("truth")


def offset_of(truth: xr.Dataset, alignment: xr.Dataset) -> NDArray[np.float64]:
    """Return where the scene lies in the aligned pictures, along y and x (um); the registration chooses its own origin.

    Parameters
    ----------
    truth : xarray.Dataset
        From `read_truth`.
    alignment : alignment
        What the registration found.
    """
    return np.asarray(np.nanmean(truth["drift"].values - alignment["shift"].values, axis=(0, 1)))


def split_scans(recording: xr.Dataset, times: ArrayLike) -> Iterator[xr.Dataset]:
    """Yield the scans of a virtual recording one by one, each with its own start and clock, as files hold them.

    Parameters
    ----------
    recording : xarray.Dataset
        Stage recording, with attrs["start_utc"].
    times : array_like of float
        When each scan begins (s after start_utc).
    """
    start = datetime.fromisoformat(recording.attrs["start_utc"])
    for number, begin in enumerate(np.asarray(times, dtype=np.float64)):
        scan = recording.isel(time=[number]).copy(deep=True)
        scan["exposure_mid"].values -= begin
        moved = scan.assign_coords(time=("time", scan["time"].values - begin, scan["time"].attrs))
        moved.attrs["start_utc"] = (start + timedelta(seconds=float(begin))).isoformat()
        yield moved


def _write(scan: xr.Dataset, folder: Path, number: int, file_format: str) -> Path:
    from lithiscope.recordings import write_nexus, write_sdf

    if file_format == "sdf":
        return write_sdf(scan, folder / f"scan_{number:03d}.hdr")
    if file_format == "nexus":
        return write_nexus(scan, folder / f"scan_{number:03d}.hdf5")
    raise OptionError(
        "no such format", field="file_format", value=file_format, limit="sdf or nexus", remedy="choose one of these"
    )


def _write_spectrum(path: Path, energies: NDArray[np.float64], values: NDArray[np.float64], name: str) -> None:
    rows = "\n".join(f"{energy:.2f},{value:.9g}" for energy, value in zip(energies, values, strict=True))
    path.write_text(f"energy (eV),{name}\n{rows}\n", encoding="utf-8")
