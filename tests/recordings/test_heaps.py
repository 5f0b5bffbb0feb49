"""A heap of strings on which the HDF5 library would walk without end is refused before it is asked."""

from __future__ import annotations

import h5py
import pytest

from lithiscope.errors import FileFormatError
from lithiscope.recordings import open_recording
from lithiscope.recordings.heaps import check_heaps
from lithiscope.verification.file_builders import picture, write_dialect


def test_free_space_without_length(tmp_path) -> None:
    path = write_dialect(tmp_path / "a.h5", "Diamond", picture())
    check_heaps(path)
    content = bytearray(path.read_bytes())
    at = content.find(b"GCOL")
    assert at > 0
    # The first object becomes free space of no length: index 0, size 0.
    content[at + 16 : at + 32] = bytes(16)
    path.write_bytes(content)
    assert h5py.is_hdf5(path)
    with pytest.raises(FileFormatError, match=rf"heap of strings is damaged[\s\S]*byte {at}"):
        open_recording(path)


def test_other_files_pass(tmp_path) -> None:
    for number, content in enumerate((b"", b"text", b"GCOL\x01\x00\x00\x00"[:7] * 9)):
        path = tmp_path / str(number)
        path.write_bytes(content)
        check_heaps(path)
