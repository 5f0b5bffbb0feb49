"""The real STXM stack of ALS beamline 11.0.2.2 and its spectra, against the figures noted when it was collected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lithiscope.recordings import open_recording, open_regions, read_mask, read_spectrum


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "stxm" / "als_fe_l_edge_71214078"


@pytest.fixture(scope="module")
def recording(folder: Path):
    return open_recording(folder / "71214078.hdr", timezone="America/Los_Angeles")


def test_shape_energies_counts_and_pixels(recording) -> None:
    assert dict(recording.sizes) == {"time": 1, "energy": 123, "y": 125, "x": 125}
    assert recording["energy"].values[[0, -1]].tolist() == [700.0, 730.353]
    assert 25 <= float(recording["counts"].min()) < 26
    assert 435 < float(recording["counts"].max()) < 437
    assert not recording["counts_flag"].any()
    for axis in ("y", "x"):
        np.testing.assert_allclose(np.diff(recording[axis]), 0.080, atol=1e-9)
    np.testing.assert_allclose(recording["dwell"], 0.433e-3, rtol=1e-12)


def test_times_and_ring_current(recording) -> None:
    assert recording.attrs["start_local"] == "2007-12-14T18:52:00"
    assert recording.attrs["start_utc"] == "2007-12-15T02:52:00+00:00"
    assert recording.attrs["exposure_times"] == "measured"
    # The first frame is that of the scan's own time, the second was logged 26 s later, the third 23 s after that.
    np.testing.assert_allclose(recording["exposure_mid"].values[0, :2], [13.0, 26 + 23 / 2])
    assert np.all(np.diff(recording["exposure_mid"].values[0]) > 20)
    np.testing.assert_allclose(recording["ring_current"].values[0, [0, 1, -1]], [0.3334, 0.33308, 0.30638])


def test_without_a_zone_there_is_no_utc(folder: Path) -> None:
    assert "start_utc" not in open_recording(folder / "71214078.hdr").attrs


def test_the_only_region_is_the_tree(folder: Path, recording) -> None:
    tree = open_regions(folder / "71214078.hdr")
    assert list(tree.children) == ["region0"]
    assert tree["region0"].attrs["stage"] == "recording"
    np.testing.assert_array_equal(tree["region0"]["counts"], recording["counts"])


def test_spectra_of_the_stack(folder: Path) -> None:
    incident = read_spectrum(folder / "i0.xsp")
    assert incident.sizes["energy"] == 123
    assert float(incident.sel(energy=700.0)) == pytest.approx(901.48, abs=0.01)
    assert float(read_spectrum(folder / "oxidized.t").idxmax()) == pytest.approx(709.67, abs=0.01)
    assert float(read_spectrum(folder / "reduced.t").idxmax()) == pytest.approx(708.25, abs=0.01)


def test_the_iron_k_edge_library(real_data: Path) -> None:
    files = sorted((real_data / "stxm" / "fe_k_xdi").glob("*.xdi"))
    assert len(files) == 6
    for file in files:
        absorption = read_spectrum(file)
        assert absorption.attrs["column"] == "mutrans"
        incident, transmitted = (read_spectrum(file, column=name) for name in ("i0", "itrans"))
        np.testing.assert_allclose(absorption, np.log(incident / transmitted), rtol=1e-12)
        # The Fe K edge lies at 7112 eV; the oxides and salts here shift it up by no more than 15 eV.
        edge = float(absorption["energy"][int(np.argmax(np.gradient(absorption, absorption["energy"])))])
        assert 7110 < edge < 7135
    library = real_data / "stxm" / "fe_k_references" / "FeLibNov2021.nor"
    # Whitelines of LiFePO4 and FePO4 as noted with the data, to half a step of its energy axis.
    assert float(read_spectrum(library, column="LiFe(II)PO4").idxmax()) == pytest.approx(7127.3, abs=0.2)
    assert float(read_spectrum(library, column="Fe(III)PO4").idxmax()) == pytest.approx(7132.3, abs=0.2)


def test_the_mask_lies_on_the_particles(folder: Path, recording) -> None:
    mask = read_mask(folder / "mask_file.msk").values
    assert mask.shape == (125, 125)
    pre, peak = (recording["counts"].sel(energy=e, method="nearest").values[0] for e in (700.0, 709.67))
    contrast = np.log(pre / peak)
    # Turned upside down the mask would hold no more iron than the rest (0.01 against 0.17): the rows are those of the
    # image files.
    assert contrast[mask].mean() > 0.4
    assert abs(contrast[~mask].mean()) < 0.05
