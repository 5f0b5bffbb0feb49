"""OME-Zarr that other programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaozarrs
import zarr

from learning.scenes import video_of
from lithiscope.studies.exports.ome_zarr import write_ome_zarr

TIMES = np.array([0.0, 100.0, 400.0])


def _video(height: int = 5, width: int = 4):
    x = np.random.default_rng(0).uniform(0, 1, (3, height, width))
    mask = np.ones((height, width), bool)
    mask[0, 0] = False
    return video_of(x, mask, TIMES, np.zeros(3, int), thickness=np.full((height, width), 150.0)), mask


NAMES = ("lithium_fraction", "lithium_fraction_std", "thickness", "amount")


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_it_is_valid_by_the_specification(tmp_path: Path, version: str) -> None:
    video, mask = _video()
    place = write_ome_zarr(video, NAMES, tmp_path / "x.ome.zarr", labels=video["label"], version=version)
    yaozarrs.validate_zarr_store(str(place))
    assert mask.sum() == 19


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_pictures_places_and_labels_come_back(tmp_path: Path, version: str) -> None:
    video, mask = _video()
    place = write_ome_zarr(video, NAMES, tmp_path / "x.ome.zarr", labels=video["label"], version=version)
    group = zarr.open_group(place, mode="r")
    assert group.metadata.zarr_format == (3 if version == "0.5" else 2)
    about = dict(group.attrs)["ome"] if version == "0.5" else dict(group.attrs)
    stack = group["0"][:]
    assert stack.shape == (3, 3, 5, 4)  # there is no amount
    np.testing.assert_array_equal(stack[:, 0], video["lithium_fraction"].values.astype(np.float32))
    np.testing.assert_array_equal(stack[1, 2][mask], 150.0)
    assert np.isnan(stack[:, 0, 0, 0]).all()
    (whole,) = about["multiscales"]
    assert [axis["name"] for axis in whole["axes"]] == ["t", "c", "y", "x"]
    scale, moved = whole["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == pytest.approx([200.0, 1.0, 0.05, 0.05])
    assert moved["translation"] == pytest.approx([0.0, 0.0, 0.0, 0.0])
    assert [one["label"] for one in about["omero"]["channels"]] == list(NAMES[:3])
    assert group.attrs["lithiscope"]["time_second"] == TIMES.tolist()
    particles = group["labels/particles/0"][:]
    assert particles.shape == (3, 1, 5, 4)
    np.testing.assert_array_equal(particles[2, 0], mask)
    assert (place / "0" / ("c" if version == "0.5" else "0")).is_dir()  # a folder for each axis


def test_smaller_pictures_are_means_of_what_is_known_at_the_same_places(tmp_path: Path) -> None:
    video, _ = _video(513, 1025)
    place = write_ome_zarr(video, NAMES[:1], tmp_path / "x.ome.zarr", labels=video["label"])
    group = zarr.open_group(place, mode="r")
    first, second = group["0"][:], group["1"][:]
    assert second.shape == (3, 1, 257, 513)
    assert "2" not in group
    np.testing.assert_allclose(second[0, 0, 1, 1], first[0, 0, 2:4, 2:4].mean(), rtol=1e-6)
    np.testing.assert_allclose(second[0, 0, 0, 0], first[0, 0, :2, :2][[0, 1, 1], [1, 0, 1]].mean(), rtol=1e-6)
    np.testing.assert_allclose(second[0, 0, 256, 512], first[0, 0, 512, 1024])
    scale, moved = group.attrs["ome"]["multiscales"][0]["datasets"][1]["coordinateTransformations"]
    assert scale["scale"][2:] == pytest.approx([0.1, 0.1])
    assert moved["translation"][2:] == pytest.approx([0.025, 0.025])
    assert set(np.unique(group["labels/particles/1"][:])) == {0, 1}


def test_a_broken_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lithiscope.studies.exports import ome_zarr

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(ome_zarr, "_tell", fail)
    with pytest.raises(OSError, match="no space"):
        write_ome_zarr(_video()[0], NAMES, tmp_path / "x.ome.zarr")
    assert list(tmp_path.iterdir()) == []
