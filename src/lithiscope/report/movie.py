"""The movie: composition in time, linear between measured frames, with the measured frames marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.colours import Colours, composition_colours, hatch
from lithiscope.report.movie_files import encoded
from lithiscope.report.options import MovieOptions
from lithiscope.report.panels import length_text, nice_length, view_of
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_PAPER, _INK, _MUTED, _MARK = (18, 21, 27), (236, 239, 244), (150, 158, 170), (255, 178, 58)
_TOP, _BOTTOM, _SIDE = 34, 34, 92  # screen pixels around the map, in a movie of the width
_DESIGNED = 480


def lithium_movie(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    rates: Sequence[float] | Floats | None = None,
    options: MovieOptions = MovieOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the lithium fraction as a movie that runs evenly in time and repeats.

    Parameters
    ----------
    video : CompositionVideo
        At least two frames of ``lithium_fraction`` or ``phase_fraction``.
    labels : DataArray of int, (y, x) or (cycle, y, x), optional
        Particles; outside them missing values are not hatched.
    rates : array_like, shape (time,), optional
        C-rate of the cell at each frame, 1/h; NaN where it is not known. Shown beside the direction.
    options : MovieOptions
        Length, pictures per second, width, file format.

    Returns
    -------
    bytes
        Animated WebP, MP4 or WebM. x and a + b are interpolated, not their colours. The ticks of the bar below are the
        measured frames; a tick lights up on the picture nearest to its frame.

    Raises
    ------
    AnalysisError
        If there are fewer than two frames, or no fraction.
    OptionError
        If the file format needs a package that is not installed.
    """
    check(video, "composition_video")
    signal = str(video.attrs["signal"])
    if signal not in ("lithium_fraction", "phase_fraction") or video.sizes["time"] < 2:
        raise AnalysisError(
            "a movie needs at least two frames of a fraction",
            field=signal,
            value=video.sizes["time"],
            limit="lithium_fraction or phase_fraction, two frames or more",
            remedy="draw lithium_maps instead",
        )
    times = np.asarray(video["time"].values, dtype=float)
    shown = np.linspace(times[0], times[-1], max(2, round(options.seconds * options.frames_per_second)))
    canvas = _Canvas(video, rates, options)
    pictures = (
        canvas.draw(*_moment(video, labels, canvas.brightest, options.palette, at), at) for at in shown.tolist()
    )
    return encoded(pictures, options)


def interpolated(values: Any, times: Floats, at: float) -> Floats:
    """Return pictures at one time, linear between the two measured neighbours; NaN where a neighbour that counts is.

    Parameters
    ----------
    values : array_like, shape (time, ...)
        Measured pictures.
    times : ndarray, shape (time,)
        Their times, increasing.
    at : float
        The time wanted; before the first and after the last frame the end frames hold.

    Examples
    --------
    >>> interpolated(np.array([[0.0], [1.0]]), np.array([0.0, 60.0]), 15.0)
    array([0.25])
    """
    before, share = _place(times, at)
    if share == 0:
        return np.asarray(values[before], dtype=float)
    return np.asarray((1 - share) * values[before] + share * values[before + 1], dtype=float)


def _place(times: Floats, at: float) -> tuple[int, float]:
    position = float(np.interp(at, times, np.arange(times.size)))
    before = int(position)
    return before, position - before


def _moment(
    video: xr.Dataset, labels: xr.DataArray | None, brightest: float, palette: str, at: float
) -> tuple[Colours, bool]:
    """Return the picture at a time, and whether it stands on measured frames alone."""
    times = np.asarray(video["time"].values, dtype=float)
    before, share = _place(times, at)
    pair = [before] if share == 0 else [before, before + 1]
    x = interpolated(video[str(video.attrs["signal"])].values, times, at)
    brightness: Any = 1.0
    if "amount" in video:
        amount = video["amount"]
        both = interpolated(amount.values, times, at) if "time" in amount.dims else np.asarray(amount.values, float)
        brightness = both / brightest
    lost = np.zeros(x.shape, dtype=bool)
    for frame in pair:
        lost |= readings.untrusted(video, frame) & readings.material(video, labels, frame)
    return hatch(composition_colours(x, brightness, palette), lost), share == 0


class _Canvas:
    """What all pictures of a movie share: size, colour bar, scale bar, time line; these grow with the movie."""

    def __init__(self, video: xr.Dataset, rates: Sequence[float] | Floats | None, options: MovieOptions) -> None:
        from PIL import Image, ImageDraw

        self.times = np.asarray(video["time"].values, dtype=float)
        known = [np.nan] * self.times.size if rates is None else rates
        self.states = [
            f"{readings.direction_text(video, frame)} {_rate_text(rate)}".strip() for frame, rate in enumerate(known)
        ]
        self.brightest = readings.full_brightness(video, options.full_brightness)
        self.view = view_of(video)
        self.step = (self.times[-1] - self.times[0]) / max(2, round(options.seconds * options.frames_per_second))
        self.zoom = max(1.0, options.width / _DESIGNED)
        self.top = self._large(_TOP)
        width = options.width - self._large(_SIDE)
        self.map_size = (width, max(1, min(2 * width, round(width * self.view.aspect))))
        height = self.map_size[1] + self.top + self._large(_BOTTOM)
        self.base = Image.new("RGB", (options.width, height), _PAPER)
        self.large, self.small = _font(self._large(15)), _font(self._large(11))
        draw = ImageDraw.Draw(self.base)
        self._colour_bar(draw, options.palette)
        self._scale = round(nice_length(self.view.right - self.view.left) / (self.view.right - self.view.left) * width)

    def _large(self, length: float) -> int:
        return round(length * self.zoom)

    def _colour_bar(self, draw: Any, palette: str) -> None:
        from PIL import Image

        by = self._large
        tall, wide = min(by(150), self.map_size[1] - by(34)), by(26)
        left, top = self.map_size[0] + by(14), self.top + by(22)
        ramp = composition_colours(
            np.linspace(1, 0, tall)[:, None] * np.ones((1, wide)),
            np.ones((tall, 1)) * np.linspace(0, 1, wide),
            palette,
        )
        self.base.paste(Image.fromarray(ramp), (left, top))
        draw.text((left, top - by(18)), "Li fraction x", font=self.small, fill=_INK)
        for value in (0.0, 0.5, 1.0):
            draw.text(
                (left + by(32), top + (1 - value) * (tall - 1)), f"{value:g}", font=self.small, fill=_INK, anchor="lm"
            )
        draw.text((left, top + tall + by(4)), f"a+b 0–{self.brightest:.2g}", font=self.small, fill=_MUTED)

    def draw(self, picture: Colours, exact: bool, at: float) -> Any:
        """Return one picture of the movie."""
        from PIL import Image, ImageDraw

        upright = picture if self.view.flipped else picture[::-1]
        image, by = self.base.copy(), self._large
        image.paste(
            Image.fromarray(np.ascontiguousarray(upright)).resize(self.map_size, Image.Resampling.NEAREST),
            (0, self.top),
        )
        draw = ImageDraw.Draw(image)
        nearest = int(np.abs(self.times - at).argmin())
        measured = exact or abs(self.times[nearest] - at) <= self.step / 2
        middle = self.top / 2
        draw.text((by(10), middle), readings.minutes_text(at / 60), font=self.large, fill=_INK, anchor="lm")
        draw.text((by(110), middle), self.states[nearest], font=self.small, fill=_MUTED, anchor="lm")
        state, colour = ("measured", _MARK) if measured else ("interpolated", _MUTED)
        draw.text((self.map_size[0] - by(8), middle), state, font=self.small, fill=colour, anchor="rm")
        self._scale_bar(draw)
        self._time_line(draw, at, nearest if measured else -1)
        return image

    def _scale_bar(self, draw: Any) -> None:
        by = self._large
        left, low = by(12), self.top + self.map_size[1] - by(12)
        draw.rectangle((left, low, left + self._scale, low + by(3)), fill=(255, 255, 255))
        text = length_text(nice_length(self.view.right - self.view.left))
        draw.text(
            (left + self._scale / 2, low - by(3)), text, font=self.small, fill=(255, 255, 255), anchor="mb",
            stroke_width=by(2), stroke_fill=_PAPER,
        )  # fmt: skip

    def _time_line(self, draw: Any, at: float, lit: int) -> None:
        by = self._large
        left, right, level = by(12), self.base.width - by(14), self.base.height - by(_BOTTOM) / 2
        span = self.times[-1] - self.times[0]
        draw.line((left, level, right, level), fill=(70, 77, 88), width=by(2))
        for index, time in enumerate(self.times.tolist()):
            place = left + (right - left) * (time - self.times[0]) / span
            colour, reach = (_MARK, by(8)) if index == lit else (_MUTED, by(4))
            draw.line((place, level - reach, place, level + reach), fill=colour, width=by(2))
        now = left + (right - left) * (at - self.times[0]) / span
        draw.ellipse((now - by(4), level - by(4), now + by(4), level + by(4)), fill=_INK)


def _rate_text(rate: float) -> str:
    return f"{abs(rate):.2g}C" if np.isfinite(rate) and rate else ""


def _font(size: int) -> Any:
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
