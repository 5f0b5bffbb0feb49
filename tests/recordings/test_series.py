from __future__ import annotations

import shutil

import numpy as np
import pytest

from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeWarning
from lithiscope.recordings import join_scans, open_recording, open_series, write_nexus
from lithiscope.verification.file_builders import picture, write_stk
from recordings.conftest import counts_of


@pytest.fixture
def scans(write_scan):
    """Three scans, ten minutes apart, written out of order; counts grow by 1000 from one to the next."""
    return [
        write_scan(counts_of(3) + 1000 * number, name=f"S{number}", time=f"2017 Nov 05 16:{10 + 10 * number}:00")
        for number in (2, 0, 1)
    ]


def test_scans_are_sorted_and_joined(scans) -> None:
    series = open_series(scans)
    single = open_recording(scans[1])
    assert series["counts"].dims == ("time", "energy", "y", "x")
    np.testing.assert_array_equal(series["counts"].values[:, 0, 0, 0], [100, 1100, 2100])
    np.testing.assert_allclose(series["time"], float(single["time"][0]) + np.array([0, 600, 1200]))
    np.testing.assert_allclose(series["time"], series["exposure_mid"].mean("energy"))
    assert series["scan"].values.tolist() == [0, 1, 2]
    assert series.attrs["source"] == "S0.hdr, S1.hdr, S2.hdr"
    assert series.attrs["start_local"] == "2017-11-05T16:10:00"
    assert series["dwell"].shape == (3, 3)


def test_the_order_of_the_files_does_not_matter(scans) -> None:
    assert open_series(scans).identical(open_series(scans[::-1]))


def test_the_order_is_told(scans) -> None:
    series, order = join_scans([open_recording(path) for path in scans])
    assert order == [1, 2, 0]
    assert series.identical(open_series(scans))


def test_utc_orders_over_the_change_of_the_clocks(write_scan) -> None:
    first = write_scan(name="A", time="2017 Mar 12 01:30:00")
    second = write_scan(name="B", time="2017 Mar 12 03:30:00")
    series = open_series([first, second], timezone="America/Los_Angeles")
    np.testing.assert_allclose(np.diff(series["time"]), 3600)


def test_one_path_is_a_series_of_one(scans) -> None:
    assert open_series(scans[0]).sizes["time"] == 1


def test_the_reporter_is_told(scans) -> None:
    told = []

    class Teller:
        def track(self, items, *, label, total=None):
            told.append((label, total))
            yield from items

        def say(self, message) -> None:
            told.append(message)

    open_series(scans, reporter=Teller())
    assert told == [("reading scans", 3)]


def test_a_missing_frame_keeps_its_place(write_scan) -> None:
    full = write_scan(name="A", time="2017 Nov 05 16:10:00")
    cut = write_scan([*counts_of(2), None], name="B", time="2017 Nov 05 16:20:00")
    with pytest.warns(LithiscopeWarning, match="no B_a002"):
        series = open_series([full, cut])
    assert np.isnan(series["counts"].values[1, 2]).all()
    assert np.isnan(series["exposure_mid"].values[1, 2])


def test_no_scans() -> None:
    with pytest.raises(AnalysisError, match="no scans"):
        open_series([])


def test_a_file_given_twice(scans) -> None:
    with pytest.raises(FileFormatError, match="given twice"):
        open_series([scans[0], scans[0].parent / "." / scans[0].name])


def test_a_copy_under_another_name(scans, tmp_path) -> None:
    for file in sorted(tmp_path.glob("S0*")):
        shutil.copy(file, tmp_path / file.name.replace("S0", "COPY"))
    with pytest.raises(FileFormatError, match="same time") as caught:
        open_series([*scans, tmp_path / "COPY.hdr"])
    assert "S0.hdr" in str(caught.value)


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"energies": (700.0, 705.0, 710.5)}, "energy"),
        ({"energies": (700.0, 705.0)}, "energy"),
        ({"x": (0.0, 0.06, 0.12, 0.18)}, "x"),
        ({"y": (1.0, 1.05, 1.1, 1.15)}, "y"),
    ],
)
def test_scans_that_differ_are_refused(write_scan, other, field) -> None:
    first = write_scan(name="A")
    energies, rows = len(other.get("energies", (0, 0, 0))), len(other.get("y", (0, 0, 0)))
    second = write_scan(counts_of(energies, rows), name="B", time="2017 Nov 05 17:00:00", **other)
    with pytest.raises(FileFormatError) as caught:
        open_series([first, second])
    assert caught.value.field == field
    assert "A.hdr" in str(caught.value)


def test_a_field_that_moved_warns(write_scan) -> None:
    first = write_scan(name="A")
    second = write_scan(name="B", time="2017 Nov 05 17:00:00", x=(0.1, 0.15, 0.2, 0.25))
    with pytest.warns(LithiscopeWarning, match=r"0\.1 um along x"):
        series = open_series([first, second])
    np.testing.assert_allclose(series["x"], [0, 0.05, 0.1, 0.15])


def test_a_scan_without_start_cannot_be_ordered(write_scan) -> None:
    with pytest.raises(FileFormatError, match="no start time"):
        open_series([write_scan(name="A"), write_scan(name="B", time="")])


def test_a_folder_is_a_series(scans) -> None:
    folder = scans[0].parent
    (folder / "notes.txt").write_text("no scan")
    assert open_series(folder).identical(open_series(scans))


def test_a_folder_without_scans(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("no scan")
    with pytest.raises(FileFormatError, match="no reader knows a file of this folder"):
        open_series(tmp_path)


def test_formats_may_be_mixed_and_are_sorted_by_time(scans) -> None:
    middle = write_nexus(open_recording(scans[2]), scans[2].with_suffix(".h5"))
    with pytest.warns(LithiscopeWarning, match="several formats .2 SDF, 1 NXstxm"):
        series = open_series([scans[0], middle, scans[1]])
    assert series.attrs["source"] == "S0.hdr, S1.h5, S2.hdr"
    np.testing.assert_array_equal(series["counts"], open_series(scans)["counts"])


def test_a_scan_in_two_formats_is_a_copy(scans) -> None:
    copy = write_nexus(open_recording(scans[0]), scans[0].with_suffix(".h5"))
    with pytest.raises(FileFormatError, match=r"same time[\s\S]*S2\."):
        open_series([*scans, copy])


def test_scans_without_start_are_all_named(tmp_path) -> None:
    files = [write_stk(tmp_path / f"{number}.stk", picture(first=100 * number + 50)) for number in range(2)]
    with pytest.raises(FileFormatError, match=r"2 of 2 scans have no start[\s\S]*0\.stk, 1\.stk"):
        open_series(files)


def test_clocks_of_which_one_states_its_zone(scans) -> None:
    zoned = open_recording(scans[0], timezone="Europe/Zurich")
    with pytest.raises(FileFormatError, match=r"others do not[\s\S]*timezone="):
        join_scans([zoned, open_recording(scans[1])])


def noisy(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(200, (3, 12, 12)).astype(float)


FIELD = {"x": tuple(np.round(0.05 * np.arange(12), 3)), "y": tuple(np.round(0.05 * np.arange(12), 3))}


@pytest.mark.parametrize(("scan", "frame"), [(0, 1), (1, 0), (1, 2)])
def test_a_copied_picture_is_refused(write_scan, scan, frame) -> None:
    frames = [noisy(1), noisy(2)]
    frames[scan][frame] = frames[0][0]
    files = [
        write_scan(frames[number], name=f"N{number}", time=f"2017 Nov 05 16:{10 + number}:00", **FIELD)
        for number in range(2)
    ]
    with pytest.raises(FileFormatError, match="equal in every pixel") as caught:
        open_series(files)
    assert caught.value.value == f"N{scan}.hdr at {700 + 5 * frame} eV is N0.hdr at 700 eV"
    # Each scan for itself can still be looked at.
    assert open_recording(files[scan]).sizes["energy"] == 3


@pytest.mark.parametrize(
    "picture",
    [
        np.full((12, 12), 200.0),
        np.where(np.arange(12) < 6, 200.0, 40.0) * np.ones((12, 1)),
        np.random.default_rng(3).poisson(0.02, (12, 12)) + np.eye(12),
    ],
    ids=["all equal", "an edge without noise", "nearly empty"],
)
@pytest.mark.filterwarnings("ignore:.*hard to believe:lithiscope.errors.LithiscopeWarning")
def test_pictures_without_noise_may_repeat(write_scan, picture) -> None:
    files = [
        write_scan(
            [picture, picture, noisy(5 + number)[0]], name=f"N{number}", time=f"2017 Nov 05 16:1{number}:00", **FIELD
        )
        for number in range(2)
    ]
    assert open_series(files).sizes["time"] == 2
