"""A virtual experiment on disk is read back as it was acquired."""

from pathlib import Path

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.instruments.stxm import (
    MicroscopeOptions,
    acquire,
    incident_counts,
    reference_spectra,
    scan_times,
    three_platelets,
)
from lithiscope.recordings import open_series, read_spectrum
from lithiscope.verification.virtual_stxm import FileFormat, make_experiment, read_truth

SCENE = three_platelets("mixed", c_rate=2.0)
OPTIONS = MicroscopeOptions(pixel=0.1, saturation=2e4)
TIMES = scan_times(SCENE, OPTIONS, per_half_cycle=2)


@pytest.mark.parametrize("file_format", ["sdf", "nexus"])
def test_the_files_hold_what_was_acquired(tmp_path: Path, file_format: FileFormat) -> None:
    written = make_experiment(tmp_path / "beamline", SCENE, TIMES, microscope=OPTIONS, seed=4, file_format=file_format)
    recording, truth = acquire(SCENE, TIMES, options=OPTIONS, seed=4)
    # The order of the names must not matter.
    read = open_series(reversed(written.scans), timezone="UTC")
    np.testing.assert_array_equal(read["counts"], recording["counts"])
    for name in ("y", "x", "energy"):
        np.testing.assert_allclose(read[name], recording[name], rtol=1e-12)
    for name in ("dwell", "ring_current"):
        np.testing.assert_allclose(read[name], recording[name], rtol=1e-12)
    # A series counts from its first scan.
    np.testing.assert_allclose(read["exposure_mid"], recording["exposure_mid"] - TIMES[0], atol=1e-6)
    np.testing.assert_allclose(read["time"], recording["time"].values - TIMES[0], atol=1e-6)
    assert read.attrs["saturation"] == 2e4
    assert read.attrs["origin"] == "simulation"
    assert truth.identical(read_truth(written.truth))


def test_the_spectra_are_those_of_the_sample_and_the_beam(tmp_path: Path) -> None:
    written = make_experiment(tmp_path, SCENE, TIMES[:1], microscope=OPTIONS, lithiated=0.89)
    expected = reference_spectra(OPTIONS.energies, lithiated=0.89)
    for name, path in written.references.items():
        found = read_spectrum(path).sel(energy=list(OPTIONS.energies), method="nearest")
        np.testing.assert_allclose(found, expected.sel(component=name), rtol=1e-8)
    incident = read_spectrum(written.incident).sel(energy=list(OPTIONS.energies), method="nearest")
    np.testing.assert_allclose(incident, incident_counts(OPTIONS.energies, OPTIONS), rtol=1e-8)


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    make_experiment(tmp_path, SCENE, TIMES[:1], microscope=OPTIONS)
    with pytest.raises(OptionError, match="exists"):
        make_experiment(tmp_path, SCENE, TIMES[:1], microscope=OPTIONS)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="sdf or nexus"):
        make_experiment(tmp_path, SCENE, TIMES[:1], microscope=OPTIONS, file_format="tiff")  # type: ignore[arg-type]
