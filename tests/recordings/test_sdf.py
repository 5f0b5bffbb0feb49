"""Each trap met in SDF files of beamlines, one by one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError, UnitError
from lithiscope.recordings import open_recording, open_regions
from lithiscope.recordings.sdf.images import image_names
from lithiscope.stages import flag_bit
from recordings.conftest import counts_of, header_text, image_text

MISSING = int(flag_bit("missing"))


def test_a_plain_stack(write_scan) -> None:
    recording = open_recording(write_scan())
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(3))
    assert recording["energy"].values.tolist() == [700, 705, 710]
    assert recording["x"].values.tolist() == [0.0, 0.05, 0.1, 0.15]
    assert recording["y"].values.tolist() == [1.0, 1.05, 1.1]
    np.testing.assert_allclose(recording["dwell"], 0.002)
    assert recording.attrs["start_local"] == "2017-11-05T16:39:13"
    assert recording.attrs["source"] == "A.hdr"
    # 12 pixels of 2 ms a frame, one after another.
    np.testing.assert_allclose(recording["exposure_mid"].values[0], [0.012, 0.036, 0.060])
    assert recording.attrs["exposure_times"] == "estimated"


def test_a_single_image(write_scan, tmp_path) -> None:
    path = write_scan([], energies=(706.5,), kind="Image Scan", flags="Image")
    (tmp_path / "A_a.xim").write_text(image_text(counts_of(1)[0]))
    recording = open_recording(path)
    assert recording["energy"].values.tolist() == [706.5]
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(1))
    np.testing.assert_allclose(recording["ring_current"], 0.4005)


def test_names_of_image_files() -> None:
    assert image_names("A", channel=0, frame=3, region=0, frames=9, regions=1) == ["A_a003.xim"]
    assert image_names("A", channel=2, frame=12, region=4, frames=60, regions=5) == ["A_c0124.xim"]
    assert image_names("A", channel=0, frame=0, region=1, frames=1, regions=2)[0] == "A_a1.xim"


def test_several_regions_must_be_chosen_from(write_scan, tmp_path) -> None:
    path = write_scan([], energies=(700.0, 705.0), regions=2)
    for frame in range(2):
        for region in range(2):
            (tmp_path / f"A_a{frame:03d}{region}.xim").write_text(image_text(counts_of(4)[2 * frame + region]))
    with pytest.raises(OptionError, match=r"several regions[\s\S]*0: 3 x 4 pixels[\s\S]*1: 3 x 4") as caught:
        open_recording(path)
    assert caught.value.field == "region"
    np.testing.assert_array_equal(open_recording(path, region=1)["counts"].values[0], counts_of(4)[1::2])
    tree = open_regions(path)
    assert list(tree.children) == ["region0", "region1"]
    assert tree["region1"].attrs["region"] == 1
    with pytest.raises(OptionError, match="no such region"):
        open_recording(path, region=2)


def test_times_of_regions_follow_the_order_of_exposure(write_scan, tmp_path) -> None:
    log = "\n".join(
        f'Image{frame:03d}_{region} = {{Time = "2017 Nov 05 16:39:{13 + 10 * (2 * frame + region)}"; }};'
        for frame in range(2)
        for region in range(2)
    )
    path = write_scan([], energies=(700.0, 705.0), regions=2, log=log)
    for frame in range(2):
        for region in range(2):
            (tmp_path / f"A_a{frame:03d}{region}.xim").write_text(image_text(counts_of(1)[0]))
    # Frames begin at 0, 10, 20, 30 s and last until the next begins: the regions take turns.
    np.testing.assert_allclose(open_recording(path, region=0)["exposure_mid"], [[5, 25]])
    np.testing.assert_allclose(open_recording(path, region=1)["exposure_mid"], [[15, 35]])


def test_the_old_log_leaves_out_the_first_frame(write_scan) -> None:
    log = (
        'Image2 = {StorageRingCurrent = 400.25; Time = "2017 Nov 05 16:39:33";};\n'
        'Image3 = {StorageRingCurrent = 400.00; Time = "2017 Nov 05 16:39:53";};\n'
    )
    recording = open_recording(write_scan(log=log))
    np.testing.assert_allclose(recording["exposure_mid"], [[10, 30, 50]])
    np.testing.assert_allclose(recording["ring_current"], [[0.4005, 0.40025, 0.4]])
    assert recording.attrs["exposure_times"] == "measured"


def test_a_pause_is_not_part_of_the_frame_before_it(write_scan) -> None:
    seconds = (13, 23, 33, 43)
    log = "".join(f'Image{n:03d}_0 = {{Time = "2017 Nov 05 16:39:{s}";}};\n' for n, s in enumerate(seconds))
    log += 'Image004_0 = {Time = "2017 Nov 05 17:39:13";};\n'
    recording = open_recording(write_scan(counts_of(5), energies=(700, 701, 702, 703, 704), log=log))
    np.testing.assert_allclose(recording["exposure_mid"], [[5, 15, 25, 35, 3605]])


def test_placeholder_times_and_currents_are_not_believed(write_scan) -> None:
    log = "".join(
        f'Image{n} = {{StorageRingCurrent = 0.00; Energy = -5.00; Time = "2000 May 01 00:00:00";}};\n'
        for n in (1, 2, 3)
    )
    with pytest.warns(LithiscopeWarning, match="do not increase"):
        recording = open_recording(write_scan(log=log))
    assert recording.attrs["exposure_times"] == "estimated"
    assert "ring_current" not in recording


def test_energies_are_sorted_and_keep_their_own_times(write_scan) -> None:
    recording = open_recording(write_scan(energies=(710.0, 705.0, 700.0)))
    assert recording["energy"].values.tolist() == [700, 705, 710]
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(3)[::-1])
    np.testing.assert_allclose(recording["exposure_mid"].values[0], [0.060, 0.036, 0.012])


def test_a_falling_position_axis_is_turned_round(write_scan) -> None:
    recording = open_recording(write_scan(x=(0.15, 0.1, 0.05, 0.0)))
    assert recording["x"].values.tolist() == [0.0, 0.05, 0.1, 0.15]
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(3)[:, :, ::-1])


def test_units_are_converted(write_scan) -> None:
    recording = open_recording(
        write_scan(energies=(0.7, 0.705, 0.71), energy_unit="keV", unit="nm", x=(0, 50, 100, 150), y=(1000, 1050, 1100))
    )
    np.testing.assert_allclose(recording["energy"], [700, 705, 710])
    np.testing.assert_allclose(recording["x"], [0, 0.05, 0.1, 0.15])


def test_an_axis_in_another_unit_than_the_other_warns(write_scan) -> None:
    text = header_text().replace('Unit = "um"', 'Unit = "mm"', 1)
    with pytest.warns(
        LithiscopeWarning, match=r"0\.05 um along y \(QAxis\.Unit = um\) and 50 um along x \(PAxis\.Unit = mm\)"
    ):
        recording = open_recording(write_scan(text=text))
    np.testing.assert_allclose(recording["x"], [0, 50, 100, 150])


@pytest.mark.parametrize(("unit", "warns"), [("nm", True), ("mm", False), ("m", True)])
def test_pixels_beyond_any_scan_warn(write_scan, unit, warns) -> None:
    # Steps of 0.05: too fine in nm, too coarse in m, and an overview in mm.
    text = header_text(unit=unit)
    if warns:
        with pytest.warns(LithiscopeWarning, match=rf"PAxis\.Unit = {unit}\).*are usual"):
            open_recording(write_scan(text=text))
    else:
        open_recording(write_scan(text=text))


def test_dwell_of_energy_regions(write_scan) -> None:
    log = "ImageScan = { EnergyRegions = (2,\n{ Points = 1; DwellTime = 1;},\n{ Points = 2; DwellTime = 5;});};"
    np.testing.assert_allclose(open_recording(write_scan(log=log))["dwell"], [[0.001, 0.005, 0.005]])


def test_rounded_positions_are_put_on_their_grid(write_scan) -> None:
    # Steps of 1/30 um, written with three decimals as beamlines do.
    x = [round(-75.523 + i / 30, 3) for i in range(4)]
    recording = open_recording(write_scan(x=x))
    np.testing.assert_allclose(np.diff(recording["x"]), 1 / 30, atol=3e-4)
    assert np.ptp(np.diff(recording["x"])) < 1e-9


def test_uneven_positions_are_kept_with_a_warning(write_scan) -> None:
    with pytest.warns(LithiscopeWarning, match="not even"):
        recording = open_recording(write_scan(x=(0.0, 0.05, 0.12, 0.15)))
    assert recording["x"].values.tolist() == [0.0, 0.05, 0.12, 0.15]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"energies": (700.0, 700.0, 710.0)}, "energy"),
        ({"energies": (-1.0, 0.0, 1.0)}, "energy"),
        ({"energies": (-2.0, -1.0, 0.0), "energy_unit": ""}, "StackAxis"),
        ({"energy_unit": "T"}, "StackAxis"),
        ({"log": 'ImageScan = { ScanningStage = "MagnetField";};'}, "StackAxis"),
        ({"x": (0.0, 0.0, 0.1, 0.2)}, "x"),
        ({"dwell": "-1"}, "Dwell"),
        ({"kind": "NEXAFS Line Scan", "flags": "Image"}, "ScanDefinition.Type"),
        ({"time": "yesterday"}, "Time"),
        ({"energies": ("700,5", "705,5", "710,5")}, "StackAxis.Points"),
        ({"energies": ("a", "b", "c")}, "StackAxis.Points"),
        ({"log": "".join(f"Image{n:03d}_0 = {{Energy = 700.1;}};" for n in range(3))}, "Image*.Energy"),
    ],
)
def test_wrong_headers_are_refused(write_scan, header, field) -> None:
    path = write_scan(**header)
    with pytest.raises(FileFormatError) as caught:
        open_recording(path)
    assert caught.value.field == field
    assert caught.value.file == str(path)


def test_a_field_scan_called_energy_has_a_remedy(write_scan) -> None:
    with pytest.raises(FileFormatError, match=r"not taken over photon energy[\s\S]*Unit = \"eV\""):
        open_recording(write_scan(energy_unit=""))


def test_positions_without_unit_are_refused(write_scan) -> None:
    with pytest.raises(UnitError, match=r"PAxis\.Unit"):
        open_recording(write_scan(unit=""))


def test_decimal_commas_in_a_list_have_a_remedy(write_scan) -> None:
    with pytest.raises(FileFormatError, match="decimal commas"):
        open_recording(write_scan(energies=("700,5", "705,5", "710,5")))


def test_frames_logged_at_another_energy_warn(write_scan) -> None:
    log = "".join(f"Image{n:03d}_0 = {{Energy = {e};}};" for n, e in enumerate((700, 705, 718)))
    with pytest.warns(LithiscopeWarning, match=r"1 frames .* 718.0 instead of 710.0"):
        open_recording(write_scan(log=log))


def test_a_log_in_another_order_than_the_axis_is_refused(write_scan) -> None:
    log = "".join(f"Image{n:03d}_0 = {{Energy = {e};}};" for n, e in enumerate((703.02, 706, 712.98)))
    with pytest.raises(FileFormatError, match="another order than the axis") as caught:
        open_recording(write_scan(energies=(713, 703, 706), log=log))
    assert caught.value.value == "703.02, 706, 712.98 eV"
    assert caught.value.limit == "713, 703, 706 eV"
    assert "StackAxis" in str(caught.value.remedy)


def test_a_missing_brace_is_mended_with_a_warning(write_scan) -> None:
    text = header_text().replace("\tChannels = (1,", "\tChannels = (1,").replace("};\n Time", "\n Time")
    with pytest.warns(LithiscopeWarning, match="mended"):
        recording = open_recording(write_scan(text=text))
    assert recording.attrs["start_local"] == "2017-11-05T16:39:13"
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(3))


def test_line_ends_and_latin_1_of_windows(write_scan) -> None:
    text = header_text(unit="\u00b5m").replace("\n", "\r\n")
    frames = [image_text(frame).replace("\n", "\r\n") for frame in counts_of(3)]
    np.testing.assert_array_equal(open_recording(write_scan(frames, text=text))["counts"].values[0], counts_of(3))


@pytest.mark.parametrize("end", ["\t\n", "\n", ""])
def test_row_ends(write_scan, end) -> None:
    frames = ["\n".join("\t".join(f"{v:.1f}" for v in row) for row in frame) + end for frame in counts_of(3)]
    np.testing.assert_array_equal(open_recording(write_scan(frames))["counts"].values[0], counts_of(3))


def test_decimal_commas_in_images(write_scan) -> None:
    frames = [image_text(frame + 0.5).replace(".", ",") for frame in counts_of(3)]
    np.testing.assert_array_equal(open_recording(write_scan(frames))["counts"].values[0], counts_of(3) + 0.5)


def test_an_aborted_scan(write_scan) -> None:
    counts = counts_of(3)
    cut = image_text(counts[1])[:-10]
    with pytest.warns(LithiscopeWarning, match=r"2 of 3 frames.*1 of 3 rows of A_a001.*no A_a002"):
        recording = open_recording(write_scan([counts[0], cut, None]))
    expected = counts.copy()
    # The last row that was begun goes too: its last number may be cut.
    expected[1, 2] = np.nan
    expected[2] = np.nan
    np.testing.assert_array_equal(recording["counts"].values[0], expected)
    np.testing.assert_array_equal(recording["counts_flag"].values[0], np.where(np.isnan(expected), MISSING, 0))
    assert np.isnan(recording["exposure_mid"].values[0]).tolist() == [False, False, True]
    assert np.isfinite(recording["time"]).all()


def test_a_last_number_that_may_be_cut_is_not_believed(write_scan) -> None:
    counts = counts_of(3) + 8000
    cut = image_text(counts[2]).rstrip()[:-2]
    with pytest.warns(LithiscopeWarning, match=r"1 of 3 frames.*the last number \(81, perhaps cut off\) of A_a002"):
        recording = open_recording(write_scan([counts[0], counts[1], cut]))
    expected = counts.copy()
    expected[2, -1, -1] = np.nan
    np.testing.assert_array_equal(recording["counts"].values[0], expected)
    np.testing.assert_array_equal(recording["counts_flag"].values[0], np.where(np.isnan(expected), MISSING, 0))


def test_the_last_number_of_a_cut_row_goes_with_the_rows_after_it(write_scan) -> None:
    counts = counts_of(3)
    cut = image_text(counts[1]).splitlines()[0].rstrip()[:-1]
    with pytest.warns(LithiscopeWarning, match=r"2 of 3 rows and the last number \(11, perhaps cut off\) of A_a001"):
        recording = open_recording(write_scan([counts[0], cut, counts[2]]))
    assert np.isfinite(recording["counts"].values[0, 1]).sum() == 3
    np.testing.assert_array_equal(recording["counts"].values[0, 1, 0, :3], counts[1, 0, :3])


@pytest.mark.parametrize(("lost", "kept"), [(0, True), (1, False), (3, False)])
def test_decimals_tell_whether_a_last_number_is_whole(write_scan, lost, kept) -> None:
    counts = counts_of(3)
    text = image_text(counts[0], "{:.6f}").rstrip()
    frames = [text[: len(text) - lost], *counts[1:]]
    if kept:
        recording = open_recording(write_scan(frames))
    else:
        with pytest.warns(LithiscopeWarning, match="perhaps cut off"):
            recording = open_recording(write_scan(frames))
    assert np.isfinite(recording["counts"].values[0, 0, -1, -1]) == kept


def test_an_empty_image_is_a_missing_frame(write_scan) -> None:
    with pytest.warns(LithiscopeWarning, match="3 of 3 rows of A_a001"):
        recording = open_recording(write_scan([counts_of(1)[0], "", counts_of(1)[0]]))
    assert np.all(recording["counts_flag"].values[0, 1] == MISSING)


def test_a_nan_or_infinite_count_is_flagged(write_scan) -> None:
    counts = counts_of(3)
    counts[0, 0, 0], counts[1, 1, 1] = np.nan, np.inf
    recording = open_recording(write_scan(counts))
    assert np.argwhere(np.isnan(recording["counts"].values[0])).tolist() == [[0, 0, 0], [1, 1, 1]]
    assert recording["counts_flag"].values[0][[0, 1], [0, 1], [0, 1]].tolist() == [MISSING, MISSING]
    assert int(recording["counts_flag"].astype(bool).sum()) == 2


def test_zero_and_negative_counts_are_kept(write_scan) -> None:
    counts = counts_of(3)
    counts[0, 0] = [0, -1, -0.5, 0]
    recording = open_recording(write_scan(counts))
    np.testing.assert_array_equal(recording["counts"].values[0], counts)
    assert not recording["counts_flag"].any()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("101\t", "", 1), "row 1"),
        (lambda text: text + text, "more rows"),
        (lambda text: text.replace("101", "1o1", 1), "no number"),
        (lambda text: "\x00\x01\x02 binary", "no number"),
    ],
)
def test_spoilt_images_are_refused(write_scan, spoil, message) -> None:
    frames = [image_text(frame) for frame in counts_of(3)]
    frames[0] = spoil(frames[0])
    with pytest.raises(FileFormatError, match=message) as caught:
        open_recording(write_scan(frames))
    assert caught.value.file is not None
    assert caught.value.file.endswith("A_a000.xim")


def test_no_image_at_all(write_scan) -> None:
    with pytest.raises(FileFormatError, match=r"no image[\s\S]*A_a000"):
        open_recording(write_scan([]))


def test_a_header_that_promises_too_much_is_not_believed(write_scan) -> None:
    text = header_text(x=tuple(np.round(np.arange(3000) * 0.05, 3)), y=tuple(np.round(np.arange(3000) * 0.05, 3)))
    with pytest.raises(FileFormatError, match="far more pixels"):
        open_recording(write_scan(text=text))
    many = header_text(energies=tuple(range(300, 2400)))
    with pytest.raises(FileFormatError, match="far more frames"):
        open_recording(write_scan([counts_of(1)[0]], name="B", text=many))


def test_a_channel_that_is_not_counts_warns(write_scan) -> None:
    with pytest.warns(LithiscopeWarning, match="'Hz'"):
        open_recording(write_scan(channel_unit="Hz"))
    with pytest.raises(OptionError, match=r"no such channel[\s\S]*counter1"):
        open_recording(write_scan(), channel="nothing")


def test_a_second_channel(write_scan, tmp_path) -> None:
    text = header_text().replace("Channels = (1,\n{ Name", 'Channels = (2,\n{ Name = "PD"; Unit = "counts";},\n{ Name')
    path = write_scan(text=text)
    for frame in range(3):
        (tmp_path / f"A_b{frame:03d}.xim").write_text(image_text(counts_of(3)[frame] + 1000))
    assert open_recording(path).attrs["channel"] == "PD"
    second = open_recording(path, channel="counter1")
    np.testing.assert_array_equal(second["counts"].values[0], counts_of(3) + 1000)


def test_the_header_is_kept(write_scan) -> None:
    import json

    header = json.loads(open_recording(write_scan()).attrs["header"])
    assert header["ScanDefinition"]["Dwell"] == 2


def test_nothing_warns_on_a_sound_scan(write_scan) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_recording(write_scan(), timezone="America/Los_Angeles")


def test_an_energy_axis_in_the_wrong_unit_is_refused(tmp_path):
    from lithiscope.instruments.stxm import hold, three_platelets
    from lithiscope.instruments.stxm.microscope import acquire
    from lithiscope.recordings import open_recording, write_sdf

    scene = three_platelets("uniform", protocol=hold(0.5))
    path = write_sdf(acquire(scene, [0.0]).recording, tmp_path / "a.hdr")
    path.write_text(path.read_text().replace('Unit = "eV"', 'Unit = "keV"'))
    with (
        pytest.warns(LithiscopeWarning, match="logged more than"),
        pytest.raises(FileFormatError, match="beyond any microscope"),
    ):
        open_recording(path)
