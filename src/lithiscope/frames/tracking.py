"""Following frames one by one: each is compared with a few that came before, and forgotten after the longest lag."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from lithiscope.frames.kernels.coarse import coarse_shift, edge_spectrum, independent_modes
from lithiscope.frames.kernels.graph import Pairs
from lithiscope.frames.kernels.pairs import Fitting, PairFit, fit_pair
from lithiscope.frames.kernels.pictures import Template, filled, make_template, noise_of, signal_pass
from lithiscope.frames.options import RegisterOptions

FloatArray = NDArray[np.float64]
Picture = NDArray[np.float32]

# Standard deviations of the chance likeness of two unrelated frames, and the likeness that is never chance.
_CHANCE, _SURE = 4.0, 0.6


class _Seen(NamedTuple):
    number: int
    template: Template
    spectrum: Complex[np.ndarray, "*modes"]
    modes: float


class _Place(NamedTuple):
    """Provisional position, comparable within one island of frames that hang together."""

    shift: FloatArray
    linear: FloatArray
    island: int


class Tracker:
    """Compares every frame that is pushed with those some lags before; keeps the pairs that can be trusted.

    Parameters
    ----------
    options : RegisterOptions
        How.

    Attributes
    ----------
    fits : list of (int, int, int, PairFit)
        First frame, second frame, lag, and the fit, of every pair that can be trusted.
    """

    def __init__(self, options: RegisterOptions) -> None:
        self._options = options
        self._width = options.gain_width if options.gain == "local" else None
        self._recent: deque[_Seen] = deque(maxlen=max(options.lags))
        self._places: dict[int, _Place] = {}
        self._fitting: Fitting | None = None
        self.fits: list[tuple[int, int, int, PairFit]] = []

    def push(self, number: int, picture: Picture, variance: Picture | None, weight: Picture | None) -> None:
        """Take the next frame; lags count the frames that were pushed.

        Parameters
        ----------
        number : int
            By which the frame is named in `fits`.
        picture, variance, weight : ndarray
            As of `make_template`.
        """
        template = make_template(picture, variance, weight, self._options.smoothing, self._width)
        spectrum = edge_spectrum(filled(picture)[0])
        now = _Seen(number, template, spectrum, independent_modes(spectrum))
        if self._fitting is None:
            noise = noise_of(self._options.smoothing, picture.ndim)
            share = signal_pass(template, self._options.smoothing, self._width)
            self._fitting = Fitting(self._width, self._options.motion == "affine", noise, share)
        for lag in self._options.lags:
            if lag <= len(self._recent):
                before = self._recent[-lag]
                fit = self._compared(before, now, lag, self._fitting)
                if fit is not None:
                    self.fits.append((before.number, number, lag, fit))
                    self._place(before.number, number, fit)
        self._recent.append(now)

    def pairs(self, axes: int) -> Pairs:
        """Return the pairs found so far, of pictures with so many axes."""
        numbers = np.array([fit[:3] for fit in self.fits], dtype=int).reshape(-1, 3)
        return Pairs(
            numbers[:, 0],
            numbers[:, 1],
            numbers[:, 2],
            np.array([fit.shift for *_, fit in self.fits]).reshape(-1, axes),
            np.array([fit.linear for *_, fit in self.fits]).reshape(-1, axes, axes),
        )

    def _compared(self, before: _Seen, now: _Seen, lag: int, fitting: Fitting) -> PairFit | None:
        one, two = self._places.get(before.number), self._places.get(now.number)
        if one is not None and two is not None and one.island == two.island:
            linear = two.linear @ np.linalg.inv(one.linear)
            shift = two.shift - linear @ one.shift
        else:
            shape = now.template.value.shape
            shift, linear = coarse_shift(before.spectrum, now.spectrum, shape), np.eye(len(shape))
        fit = fit_pair(before.template, now.template, shift, linear, fitting, plain=lag == 1)
        if fit is None or fit.used < self._options.min_overlap:
            return None
        by_chance = min(_CHANCE / np.sqrt(min(before.modes, now.modes)), _SURE)
        alike = fit.likeness > by_chance and fit.likeness > self._options.min_likeness * fit.reliability
        return fit if alike else None

    def _place(self, before: int, now: int, fit: PairFit) -> None:
        axes = fit.shift.size
        one = self._places.setdefault(before, _Place(np.zeros(axes), np.eye(axes), before))
        here = _Place(fit.shift + fit.linear @ one.shift, fit.linear @ one.linear, one.island)
        known = self._places.get(now, here)
        if known.island == one.island:
            # Half-way: longer lags come later and stop the errors of shorter ones from adding up.
            shift, linear = (known.shift + here.shift) / 2, (known.linear + here.linear) / 2
            self._places[now] = _Place(shift, linear, one.island)
