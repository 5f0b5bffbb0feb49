"""Stacks of other programs: .stk, .ncb, .txrm, .cxi, MISTRAL, and TIFF with YAML, read back number by number."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest

from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError
from lithiscope.recordings import guess_format, open_optical_density, open_recording
from lithiscope.stages import flag_bit
from lithiscope.verification import file_builders as build

GIVEN = build.picture()
WRITERS = {
    "STK": (build.write_stk, "a.stk"),
    "NCB": (build.write_ncb, "a.ncb"),
    "XRM": (build.write_txrm, "a.txrm"),
    "TIFF": (build.write_tiff, "a.tif"),
}


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    write, name = WRITERS[request.param]
    return request.param, write(tmp_path / name, GIVEN)


def test_every_number_comes_back(written) -> None:
    name, path = written
    recording = open_recording(path)
    assert guess_format(path) == recording.attrs["format"] == name
    np.testing.assert_array_equal(recording["counts"].values[0], GIVEN.counts)
    np.testing.assert_array_equal(recording["energy"], GIVEN.energy)
    # Full-field files hold no positions, and one size for both sides of a pixel.
    x, y = (GIVEN.x, GIVEN.y) if name != "XRM" else (0.5 * np.arange(5), 0.5 * np.arange(4))
    np.testing.assert_array_equal(recording["x"], x)
    np.testing.assert_array_equal(recording["y"], y)
    # float32 and six decimals of a millisecond keep the dwell to seven digits.
    np.testing.assert_allclose(recording["dwell"].values[0], GIVEN.dwell, rtol=2e-7)


def test_some_frames_of_formats_that_are_read_whole(written) -> None:
    _, path = written
    assert open_recording(path, frames=[2, 0])["energy"].values.tolist() == GIVEN.energy[[0, 2]].tolist()


def cut(path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize(("write", "name"), [WRITERS["STK"], WRITERS["NCB"]])
def test_what_the_end_of_the_file_cut_off_is_missing(write, name, tmp_path) -> None:
    path = write(tmp_path / name, GIVEN)
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: whole - 4 * 7])  # seven of twenty pixels of the last frame
    with pytest.warns(LithiscopeWarning, match="cut off after 10 of 12 rows"):
        recording = open_recording(path)
    counts = recording["counts"].values[0]
    np.testing.assert_array_equal(counts[-1, :2], GIVEN.counts[-1, :2])
    assert np.isnan(counts[-1, 2:]).all()
    assert (recording["counts_flag"].values[0, -1, 2:] == flag_bit("missing")).all()


@pytest.mark.parametrize("scale", [10.0, 0.1])
def test_scaled_integers_of_axis2000(tmp_path, scale) -> None:
    given = replace(GIVEN, counts=GIVEN.counts * 10)
    path = build.write_ncb(tmp_path / "a.ncb", replace(given, counts=given.counts / scale / 10), scale=scale)
    expected = np.rint(GIVEN.counts) / scale
    np.testing.assert_allclose(open_recording(path)["counts"].values[0], expected, rtol=1e-6)


def test_an_axis_of_axis2000_that_runs_backwards(tmp_path) -> None:
    back = replace(GIVEN, x=GIVEN.x[::-1])
    recording = open_recording(build.write_ncb(tmp_path / "a.ncb", back))
    np.testing.assert_array_equal(recording["x"], GIVEN.x)
    np.testing.assert_array_equal(recording["counts"].values[0], GIVEN.counts[:, :, ::-1])


def test_the_header_of_axis2000_has_to_be_there(tmp_path) -> None:
    path = build.write_ncb(tmp_path / "a.ncb", GIVEN)
    path.with_suffix(".dat").unlink()
    with pytest.raises(FileFormatError, match=r"header is not beside[\s\S]*a\.dat"):
        open_recording(path)


def test_times_of_xradia(tmp_path) -> None:
    recording = open_recording(build.write_txrm(tmp_path / "a.txrm", GIVEN), timezone="Europe/Madrid")
    assert recording.attrs["start_utc"] == "2023-05-04T10:30:00+00:00"
    # Two minutes between the images, and half an exposure of 2, 3 and 4 ms.
    np.testing.assert_allclose(recording["exposure_mid"].values[0], [0.001, 120.0015, 240.002], rtol=1e-6)


@pytest.mark.parametrize("name", ["sample_0710.5_eV_001.xrm", "710.5eV.xrm", "a_710.5EV.xrm"])
def test_the_energy_in_the_name_of_an_image(tmp_path, name) -> None:
    one = replace(GIVEN, counts=GIVEN.counts[:1], energy=GIVEN.energy[:1], dwell=GIVEN.dwell[:1])
    path = build.write_txrm(tmp_path / name, one, energies=np.zeros(1))
    assert open_recording(path)["energy"].values.tolist() == [710.5]


def test_images_without_energies_or_with_one_for_all(tmp_path) -> None:
    path = build.write_txrm(tmp_path / "710eV.txrm", GIVEN, energies=np.zeros(3))
    with pytest.raises(FileFormatError, match="states no energies"):
        open_recording(path)
    build.write_txrm(path, GIVEN, energies=np.full(3, 710.0))
    with pytest.raises(FileFormatError, match="series of angles"):
        open_recording(path)


def test_an_image_that_was_not_taken(tmp_path) -> None:
    streams = build.xradia_streams(GIVEN)
    del streams["ImageData1/Image2"]
    path = tmp_path / "a.txrm"
    path.write_bytes(build.compound_file(streams))
    with pytest.warns(LithiscopeWarning, match=r"1 of 3 images are missing[\s\S]*Image2"):
        recording = open_recording(path)
    assert np.isnan(recording["counts"].values[0]).all(axis=(1, 2)).tolist() == [False, True, False]
    assert np.isnan(recording["exposure_mid"].values[0]).tolist() == [False, True, False]


def test_a_compound_file_that_was_cut_off(tmp_path) -> None:
    path = build.write_txrm(tmp_path / "a.txrm", GIVEN)
    cut(path, 0.5)
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_recording(path)


def test_the_image_of_cosmic(tmp_path) -> None:
    path = build.write_cxi(tmp_path / "a.cxi", GIVEN, frame=1)
    recording = open_recording(path)
    assert guess_format(path) == "CXI"
    np.testing.assert_array_equal(recording["counts"].values[0, 0], GIVEN.counts[1])
    # Energies in J and positions in m are rounded twice on their way.
    np.testing.assert_allclose(recording["energy"], GIVEN.energy[1:2], rtol=1e-12)
    np.testing.assert_allclose(recording["x"], GIVEN.x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(recording["y"], GIVEN.y, rtol=0, atol=1e-9)
    with h5py.File(path, "a") as file:
        steps = file["entry_1/instrument_1/detector_1/translation"][:-1]
        del file["entry_1/instrument_1/detector_1/translation"]
        file["entry_1/instrument_1/detector_1/translation"] = steps
    with pytest.raises(FileFormatError, match="positions do not fit"):
        open_recording(path)


def test_transmissions_are_no_counts_but_optical_densities(tmp_path) -> None:
    path = build.write_mistral(tmp_path / "a.hdf5", GIVEN)
    assert guess_format(path) == "MISTRAL"
    with pytest.raises(FileFormatError, match=r"transmissions[\s\S]*open_optical_density"):
        open_recording(path)
    frames = open_optical_density(path)
    expected = np.log(2 * GIVEN.counts.max() / GIVEN.counts)
    # The file holds float32.
    np.testing.assert_allclose(frames["signal"].values[0], expected, rtol=1e-6)
    assert frames.attrs["quantity"] == "optical_density"
    np.testing.assert_array_equal(frames["energy"], GIVEN.energy)


@pytest.mark.parametrize(("write", "name"), [WRITERS["STK"], WRITERS["NCB"]])
def test_optical_densities_are_told_from_counts(write, name, tmp_path) -> None:
    density = replace(GIVEN, counts=GIVEN.counts / 700)
    path = write(tmp_path / name, density)
    with pytest.raises(FileFormatError, match="optical densities, not counts"):
        open_recording(path)
    np.testing.assert_allclose(open_optical_density(path)["signal"].values[0], density.counts, rtol=1e-6)


def test_counts_are_no_optical_densities(written) -> None:
    with pytest.raises(FileFormatError, match=r"holds counts[\s\S]*open_recording"):
        open_optical_density(written[1])


def test_the_yaml_beside_a_tiff_says_what_the_numbers_are(tmp_path) -> None:
    path = build.write_tiff(tmp_path / "a.tif", replace(GIVEN, counts=GIVEN.counts / 2000), kind="optical_density")
    with pytest.raises(FileFormatError, match="optical densities, not counts"):
        open_recording(path)
    assert float(open_optical_density(path)["signal"][0, 0, 0, 0]) == pytest.approx(0.5)


def test_all_that_the_yaml_can_say(tmp_path) -> None:
    extra = "exposure_mid_s: [10, 20, 30]\nring_current_a: [0.5, 0.4, 0.3]\nsaturation: 60000"
    recording = open_recording(build.write_tiff(tmp_path / "a.tif", GIVEN, extra=extra), timezone="UTC")
    assert recording.attrs["start_utc"] == "2023-05-04T12:30:00+00:00"
    assert recording["exposure_mid"].values.tolist() == [[10, 20, 30]]
    assert recording["ring_current"].values.tolist() == [[0.5, 0.4, 0.3]]
    assert recording.attrs["saturation"] == 60000


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("energies_ev: [700, 710]", "does not fit"),
        ("kind: photons", "kind"),
        ("pixel_size_um: [0.1, -0.1]", "not positive"),
        ("colour: red", "colour"),
        ("start: yesterday", "start"),
    ],
)
def test_a_wrong_yaml_is_named(tmp_path, line, message) -> None:
    path = build.write_tiff(tmp_path / "a.tif", GIVEN)
    beside = path.with_suffix(".yaml")
    key = line.partition(":")[0]
    kept = [old for old in beside.read_text().splitlines() if not old.startswith(f"{key}:")]
    beside.write_text("\n".join([*kept, line]))
    with pytest.raises(FileFormatError, match=rf"{message}[\s\S]*") as caught:
        open_recording(path)
    assert "a.yaml" in str(caught.value)


def test_a_tiff_without_yaml_is_not_known(tmp_path) -> None:
    path = build.write_tiff(tmp_path / "a.tif", GIVEN)
    path.with_suffix(".yaml").unlink()
    with pytest.raises(FileFormatError, match="no reader"):
        open_recording(path)


def test_a_colour_tiff_is_refused(tmp_path) -> None:
    import tifffile

    path = build.write_tiff(tmp_path / "a.tif", GIVEN)
    tifffile.imwrite(path, np.zeros((3, 4, 5, 3), dtype=np.uint8), photometric="rgb")
    with pytest.raises(FileFormatError, match="grey"):
        open_recording(path)


def test_numbers_that_are_hard_to_believe(tmp_path) -> None:
    level = replace(GIVEN, counts=np.full(GIVEN.counts.shape, 7.0))
    with pytest.warns(LithiscopeWarning, match=r"a\.stk: hard to believe[\s\S]*same number"):
        open_recording(build.write_stk(tmp_path / "a.stk", level))
    negative = replace(GIVEN, counts=-GIVEN.counts)
    with pytest.warns(LithiscopeWarning, match="100 % of the numbers are zero or negative"):
        open_recording(build.write_stk(tmp_path / "a.stk", negative))
    huge = replace(GIVEN, counts=GIVEN.counts * 1e12)
    with pytest.raises(FileFormatError, match="beyond any detector"):
        open_recording(build.write_stk(tmp_path / "a.stk", huge))
    blank = GIVEN.counts.copy()
    blank[1] = 0
    with pytest.warns(LithiscopeWarning, match="1 of 3 frames are blank"):
        recording = open_recording(build.write_stk(tmp_path / "a.stk", replace(GIVEN, counts=blank)))
    assert np.isnan(recording["counts"].values[0, 1]).all()


def test_a_plug_in_without_scans_reads_counts_only(monkeypatch, tmp_path) -> None:
    from types import SimpleNamespace

    from lithiscope.recordings import opening

    plain = SimpleNamespace(FORMAT="plain", list_regions=lambda path: ["all"])
    monkeypatch.setattr(opening, "reader_for", lambda path: plain)
    with pytest.raises(OptionError, match="counts only"):
        open_optical_density(tmp_path / "a")


@pytest.mark.parametrize(("write", "name"), [WRITERS["STK"], WRITERS["NCB"]])
def test_a_file_with_more_than_its_header_declares(write, name, tmp_path) -> None:
    path = write(tmp_path / name, GIVEN)
    path.write_bytes(path.read_bytes() + bytes(4))
    with pytest.raises(FileFormatError, match="more than its header declares"):
        open_recording(path)
