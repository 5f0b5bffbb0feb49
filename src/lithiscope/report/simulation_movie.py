"""The movie of a simulation: every run a tile, all of them at the same share of their way."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.report.colours import BACKGROUND, lookup_table
from lithiscope.report.options import MovieOptions
from lithiscope.report.panels import length_text, nice_length, view_of
from lithiscope.report.simulation import picture

if TYPE_CHECKING:
    import xarray as xr

_INK, _MUTED, _MARK = (236, 239, 244), (150, 158, 170), (255, 178, 58)
_TOP, _BOTTOM, _GAP, _HEAD, _FOOT = 30, 26, 8, 18, 8


@dataclass(frozen=True)
class Tile:
    """One run: its name, its video and the voltage at its frames."""

    text: str
    video: xr.Dataset
    volt: Sequence[float]


def simulation_movie(
    tiles: Sequence[Tile],
    *,
    columns: int | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
    options: MovieOptions = MovieOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw all runs of a simulation side by side as a movie that repeats.

    Parameters
    ----------
    tiles : sequence of Tile
        The runs. Each shows the computed frame nearest to its share of the
        way, with its own time, mean composition and voltage; nothing is interpolated.
    columns : int, optional
        Tiles in a row; by default the whole is about as wide as a screen.
    limits : tuple of float
        x at the ends of the colours.
    options : MovieOptions
        Length, pictures per second, width, palette.

    Returns
    -------
    bytes
        Animated WebP.
    """
    canvas = _Canvas(tiles, columns, limits, options)
    count = max(2, round(options.seconds * options.frames_per_second))
    pictures = [canvas.draw(share) for share in np.linspace(0, 1, count).tolist()]
    handle = io.BytesIO()
    pictures[0].save(
        handle, format="WEBP", save_all=True, append_images=pictures[1:], loop=0,
        duration=round(1000 / options.frames_per_second), lossless=options.lossless,
        quality=60 if options.lossless else 85, method=3, minimize_size=False, allow_mixed=False, kmin=0, kmax=0,
    )  # fmt: skip
    return handle.getvalue()


def time_text(seconds: float) -> str:
    """Return a time in seconds, minutes or hours.

    Examples
    --------
    >>> time_text(12.34), time_text(600), time_text(36000)
    ('12.3 s', '10.0 min', '10.0 h')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class _Canvas:
    """What all pictures share: sizes, texts that stay, the colour bar."""

    def __init__(
        self, tiles: Sequence[Tile], columns: int | None, limits: tuple[float, float], options: MovieOptions
    ) -> None:
        from PIL import Image, ImageDraw

        self.tiles, self.limits, self.options = tiles, limits, options
        self.aspect = max(view_of(tile.video).aspect for tile in tiles)
        self.columns = columns or _columns(len(tiles), self.aspect)
        rows = math.ceil(len(tiles) / self.columns)
        self.width = (options.width - _GAP * (self.columns + 1)) // self.columns
        self.height = max(1, round(self.width * self.aspect))
        self.small = _font(10 if self.width < 160 else 11)
        self.pitch = self.height + 2 * _HEAD + _FOOT
        self.base = Image.new("RGB", (options.width, _TOP + rows * self.pitch + _BOTTOM), BACKGROUND)
        draw = ImageDraw.Draw(self.base)
        ramp = np.repeat(lookup_table(options.palette)[None, :, :], 10, axis=0)
        left = options.width - 200
        self.base.paste(Image.fromarray(ramp).resize((140, 10)), (left, 11))
        draw.text((left - 6, 16), f"x  {limits[0]:g}", font=self.small, fill=_INK, anchor="rm")
        draw.text((left + 146, 16), f"{limits[1]:g}", font=self.small, fill=_INK, anchor="lm")
        for number, tile in enumerate(tiles):
            across, up = self._corner(number)
            draw.text((across, up + _HEAD / 2), tile.text, font=self.small, fill=_INK, anchor="lm")

    def _corner(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self.columns)
        return _GAP + column * (self.width + _GAP), _TOP + row * self.pitch

    def draw(self, share: float) -> Any:
        """Return the picture at a share of the way of every run."""
        from PIL import Image, ImageDraw

        image = self.base.copy()
        draw = ImageDraw.Draw(image)
        for number, tile in enumerate(self.tiles):
            across, up = self._corner(number)
            frame = round(share * (tile.video.sizes["time"] - 1))
            x = picture(tile.video, frame, self.options.palette, self.limits)
            image.paste(
                Image.fromarray(np.ascontiguousarray(x)).resize((self.width, self.height), Image.Resampling.NEAREST),
                (across, up + _HEAD),
            )
            draw.text(
                (across, up + _HEAD + self.height + _HEAD / 2), self._state(tile, frame), font=self.small, fill=_MUTED,
                anchor="lm",
            )  # fmt: skip
        self._scale_bar(draw)
        level, right = image.height - _BOTTOM / 2, image.width - 12
        draw.line((12, level, right, level), fill=(70, 77, 88), width=2)
        now = 12 + (right - 12) * share
        draw.ellipse((now - 4, level - 4, now + 4, level + 4), fill=_MARK)
        return image

    def _state(self, tile: Tile, frame: int) -> str:
        weight = np.asarray(tile.video["amount"].values, dtype=float)
        x = np.nan_to_num(np.asarray(tile.video["lithium_fraction"].values[frame], dtype=float))
        mean = float((x * weight).sum() / weight.sum())
        when = time_text(float(tile.video["time"].values[frame]))
        if self.width < 130:
            return f"{when}  x {mean:.2f}"
        volt = tile.volt[frame]
        return f"{when}   x {mean:.2f}" + (f"   {volt:.3f} V" if math.isfinite(volt) else "")

    def _scale_bar(self, draw: Any) -> None:
        view = view_of(self.tiles[0].video)
        length = nice_length(view.right - view.left)
        long = round(length / (view.right - view.left) * self.width)
        draw.rectangle((_GAP, 14, _GAP + long, 17), fill=(255, 255, 255))
        draw.text((_GAP + long + 6, 16), length_text(length), font=self.small, fill=_INK, anchor="lm")


def _columns(count: int, aspect: float) -> int:
    """Return how many tiles stand side by side, so that the whole is about as wide as 4 to 3."""
    best = min(range(1, count + 1), key=lambda n: abs(math.log(n / (math.ceil(count / n) * (aspect + 0.3)) / 1.33)))
    return math.ceil(count / math.ceil(count / best))


def _font(size: int) -> Any:
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
