"""The recording of a study, opened again from its store."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings import guess_format, open_recording
from lithiscope.studies.store import Store
from recordings.conftest import counts_of, make_recording


@pytest.fixture
def recording():
    counts = counts_of(2)
    counts[0, 1, 2] = np.nan
    return make_recording(counts, [700.0, 710.0])


@pytest.fixture
def folder(tmp_path, recording):
    Store(tmp_path / "study.zarr").save("recording", recording, key="key", record={"seconds": 1})
    return tmp_path


@pytest.mark.parametrize("inside", ["", "study.zarr"])
def test_it_comes_back_as_it_was(folder, recording, inside) -> None:
    path = folder / inside
    assert guess_format(path) == "study"
    back = open_recording(path)
    assert back.identical(recording)
    assert open_recording(path, frames=[1])["energy"].values.tolist() == [710.0]


def test_another_channel_is_refused(folder) -> None:
    with pytest.raises(OptionError, match="another channel"):
        open_recording(folder, channel="counter9")


def test_a_damaged_store_is_named(folder) -> None:
    head = folder / "study.zarr" / "recording" / "zarr.json"
    content = json.loads(head.read_text())
    content["attributes"]["stage"] = "frames"
    head.write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match="no recording"):
        open_recording(folder)
    head.write_text("{")
    with pytest.raises(FileFormatError, match="cannot be read"):
        open_recording(folder)
