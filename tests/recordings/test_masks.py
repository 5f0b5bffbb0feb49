from __future__ import annotations

import pytest

from lithiscope.errors import FileFormatError
from lithiscope.recordings import read_mask


def test_a_mask(tmp_path) -> None:
    path = tmp_path / "a.msk"
    path.write_text("O  \n OO\n\n")
    mask = read_mask(path)
    assert mask.dims == ("y", "x")
    assert mask.values.tolist() == [[True, False, False], [False, True, True]]
    assert mask.attrs["source"] == "a.msk"


@pytest.mark.parametrize("text", ["", "OX\nOO\n", "OO\nO\n"])
def test_what_is_no_mask(tmp_path, text) -> None:
    path = tmp_path / "a.msk"
    path.write_text(text)
    with pytest.raises(FileFormatError, match="no text mask"):
        read_mask(path)


def test_no_file(tmp_path) -> None:
    with pytest.raises(FileFormatError, match="no such file"):
        read_mask(tmp_path / "a.msk")
