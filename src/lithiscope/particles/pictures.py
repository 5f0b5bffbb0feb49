"""Label and mask pictures (TIFF)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lithiscope.errors import FileFormatError, StageError


def read_label_picture(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a TIFF of labels or of one mask.

    Parameters
    ----------
    path : Path
        One picture of whole numbers: 0 is background. A picture with one other value is a mask, and its connected
        pieces (also over corners) become the particles; with several values, each is a particle.
    shape : (int, int)
        The rows and columns that it must have.

    Returns
    -------
    ndarray of int32, shape `shape`
        Numbered from 1 in the order of the values, or of the pieces.

    Raises
    ------
    FileFormatError
        If the file is no TIFF, or its values are no labels.
    StageError
        If it has another size.
    """
    values = _values(path, shape)
    numbers, code = np.unique(values, return_inverse=True)
    if len(numbers) == 2 and numbers[0] == 0:
        from skimage.measure import label

        return np.asarray(label(values > 0, connectivity=2), dtype=np.int32)
    rank = np.zeros(len(numbers), dtype=np.int32)
    rank[numbers > 0] = np.arange(1, np.count_nonzero(numbers > 0) + 1)
    return rank[code].reshape(values.shape)


def _values(path: Path, shape: tuple[int, int]) -> np.ndarray:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            found = tuple(size for size in file.series[0].shape if size != 1) if file.series else ()
            # Before decoding: a small file may claim a picture larger than the memory.
            if found != tuple(size for size in shape if size != 1):
                raise StageError(
                    "the label picture has another size",
                    file=path,
                    value=found,
                    limit=f"{shape} (rows, columns)",
                    remedy="draw the labels on a picture of this scan, one channel, uncropped",
                )
            values = np.asarray(file.series[0].asarray()).reshape(shape)
    except StageError:
        raise
    except Exception as error:  # the decoders of a foreign library fail in every way there is
        raise FileFormatError(
            "the file is no readable TIFF", file=path, value=error, remedy="save it again as an uncompressed TIFF"
        ) from error
    if (
        values.dtype.kind not in "biuf"
        or not np.isfinite(values).all()
        or (values < 0).any()
        or (values % 1 != 0).any()
    ):
        raise FileFormatError(
            "the values are no labels",
            file=path,
            value=values.dtype,
            limit="whole numbers from 0",
            remedy="0 is background",
        )
    return values
