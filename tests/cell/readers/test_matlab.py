from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import scipy.io

from lithiscope.cell.readers.matlab import structures


def saved(compress: bool = True, **variables) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, variables, do_compression=compress)
    return stream.getvalue()


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 1000])
def test_arrays_as_scipy_writes_them(compress, dtype, count) -> None:
    values = (np.arange(count) % 100).astype(dtype)
    found = structures(saved(compress, cell={"first": values, "second": values[::-1], "text": "hello"}, other=values))
    assert list(found) == ["cell", "other"]
    assert found["other"] == {}
    np.testing.assert_array_equal(found["cell"]["first"], values)
    np.testing.assert_array_equal(found["cell"]["second"], values[::-1])


@pytest.mark.parametrize("compress", [True, False])
def test_a_file_cut_off_anywhere_is_an_error(compress) -> None:
    whole = saved(compress, cell={"first": np.arange(20.0)})
    lost = 0
    for end in range(128, len(whole)):
        try:
            found = structures(whole[:end])
        except ValueError:
            lost += 1
            continue
        assert "first" not in found.get("cell", {}), end
    assert lost >= len(whole) - 130


def test_lengths_that_do_not_fit() -> None:
    head = saved(False, cell={"first": np.arange(3.0)})[:128]
    with pytest.raises(ValueError, match="does not fit"):
        structures(head + struct.pack("<II", 14, 1 << 31) + b"\x00" * 64)
    with pytest.raises(ValueError, match="does not fit"):
        structures(head + struct.pack("<I", 5 << 16 | 9) + b"\x00" * 12)
    with pytest.raises(ValueError, match="cut off"):
        structures(head + struct.pack("<II", 15, 10) + zlib.compress(b"\x00" * 999)[:10])
    with pytest.raises(ValueError, match="byte order"):
        structures(head[:126] + b"??")
    assert structures(head) == {}
