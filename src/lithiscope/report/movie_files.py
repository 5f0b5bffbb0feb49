"""Pictures of a movie as one file: animated WebP, which pages show, and MP4 or WebM for talks."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.report.options import MovieOptions

_CODECS: dict[str, tuple[Any, dict[str, str]]] = {
    "mp4": ("libx264", {"crf": "18", "preset": "slow"}),
    "webm": ("libvpx-vp9", {"crf": "24", "b": "0"}),
}


def encoded(pictures: Iterable[Any], options: MovieOptions) -> bytes:
    """Return a movie as a file.

    Parameters
    ----------
    pictures : iterable of PIL.Image.Image
        All of one size, RGB. For MP4 and WebM they are drawn one at a time, as they are needed.
    options : MovieOptions
        File format, pictures per second, and for WebP whether it is lossless.

    Returns
    -------
    bytes
        The file. WebP repeats for ever; MP4 (H.264) and WebM (VP9) run once and open in every player, the last row
        or column repeated where a side is odd.

    Raises
    ------
    OptionError
        If MP4 or WebM is asked for and PyAV is not installed, or cannot write it.
    """
    if options.format == "webp":
        return _webp(list(pictures), options)
    return _film(pictures, options)


def _webp(pictures: list[Any], options: MovieOptions) -> bytes:
    handle = io.BytesIO()
    duration = round(1000 / options.frames_per_second)
    pictures[0].save(
        handle, format="WEBP", save_all=True, append_images=pictures[1:], duration=duration, loop=0,
        lossless=options.lossless, quality=60 if options.lossless else 85, method=3, minimize_size=False,
        allow_mixed=False, kmin=0, kmax=0,
    )  # fmt: skip
    return handle.getvalue()


def _film(pictures: Iterable[Any], options: MovieOptions) -> bytes:
    try:
        import av
    except ImportError:
        raise OptionError(
            f"{options.format} needs the package av",
            field="format",
            value=options.format,
            remedy="pip install 'lithiscope[movie]', or take webp",
        ) from None
    (codec, how), handle, stream = _CODECS[options.format], io.BytesIO(), None
    with av.open(handle, "w", format=options.format) as film:
        for colours in map(_even, pictures):
            if stream is None:
                try:
                    stream = film.add_stream(codec, rate=options.frames_per_second, options=how)
                except av.codec.codec.UnknownCodecError:
                    raise OptionError(
                        f"the package av has no encoder for {options.format}",
                        field="format",
                        value=options.format,
                        limit=codec,
                        remedy="take another format: webp, mp4 or webm",
                    ) from None
                stream.height, stream.width = colours.shape[:2]
                stream.pix_fmt = "yuv420p"
            film.mux(stream.encode(av.VideoFrame.from_ndarray(colours, format="rgb24")))
        if stream is not None:
            film.mux(stream.encode())
    return handle.getvalue()


def _even(picture: Any) -> np.ndarray:
    """Return the colours of a picture with even sides: two by two pixels of a film share their colour."""
    colours = np.asarray(picture)
    odd = [(0, size % 2) for size in colours.shape[:2]]
    return np.ascontiguousarray(np.pad(colours, (*odd, (0, 0)), mode="edge"))
