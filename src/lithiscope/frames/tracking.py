"""Following frames: each is compared with a few that came before, and forgotten after the longest lag."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from lithiscope.frames.kernels.coarse import coarse_shift, edge_spectrum, independent_modes
from lithiscope.frames.kernels.graph import Pairs
from lithiscope.frames.kernels.overlap import Fitting
from lithiscope.frames.kernels.pairs import PairFits, fit_pairs, no_fits
from lithiscope.frames.kernels.pictures import each_filled
from lithiscope.frames.kernels.templates import Template, make_templates, noise_of, signal_pass
from lithiscope.frames.options import RegisterOptions

FloatArray = NDArray[np.float64]
Pictures = NDArray[np.float32]

# Standard deviations of the chance likeness of two unrelated frames, and the likeness that is never chance.
_CHANCE, _SURE = 4.0, 0.6
# Pixels that are worked on at once: many small frames, so that calls cost little; large ones one by one.
_PIXELS = 2**17


class _Seen(NamedTuple):
    number: int
    template: Template
    spectrum: Complex[np.ndarray, "*modes"]
    modes: float


class _Place(NamedTuple):
    """Provisional place as a homogeneous matrix, comparable within one island of frames that hang together."""

    motion: FloatArray
    island: int


class Tracker:
    """Compares every frame that is pushed with those some lags before; keeps the pairs that can be trusted.

    Parameters
    ----------
    options : RegisterOptions
        How.
    shape : tuple of int
        Of the pictures.

    Attributes
    ----------
    block : int
        How many frames are best pushed at once.
    """

    def __init__(self, options: RegisterOptions, shape: tuple[int, ...]) -> None:
        self.block = max(_PIXELS // prod(shape), 1)
        self._options = options
        self._axes = len(shape)
        self._width = options.gain_width if options.gain == "local" else None
        self._recent: list[_Seen] = []
        self._places: dict[int, _Place] = {}
        self._fitting: Fitting | None = None
        self._links = [np.zeros((3, 0), dtype=int)]
        self._fits = [no_fits(0, len(shape))]

    def push(
        self, numbers: Sequence[int], pictures: Pictures, variance: Pictures | None, weight: Pictures | None
    ) -> None:
        """Take the next frames, any number at once; lags count the frames that were pushed.

        Parameters
        ----------
        numbers : sequence of int
            By which the frames are named in the pairs.
        pictures, variance, weight : (frames, ...) ndarray
            As of `make_templates`.
        """
        if not len(numbers):
            return
        templates = make_templates(pictures, variance, weight, self._options.smoothing, self._width)
        spectra = edge_spectrum(each_filled(pictures)[0])
        now = [_Seen(*seen) for seen in zip(numbers, templates, spectra, independent_modes(spectra), strict=True)]
        if self._fitting is None:
            noise = noise_of(self._options.smoothing, self._axes)
            share = signal_pass(templates[0], self._options.smoothing, self._width)
            self._fitting = Fitting(self._width, self._options.motion == "affine", noise, share)
        frames = [*self._recent, *now]
        new = range(len(self._recent), len(frames))
        # Neighbours first: short lags tell where to look for the longer ones.
        for lag in self._options.lags:
            pairs = [(frames[k - lag], frames[k]) for k in new if lag <= k]
            if pairs:
                self._compare(pairs, lag, self._fitting)
        self._recent = frames[-max(self._options.lags) :]

    def found(self) -> tuple[Pairs, PairFits]:
        """Return the pairs found so far."""
        fits = PairFits(*(np.concatenate(parts) for parts in zip(*self._fits, strict=True)))
        first, second, lag = np.concatenate(self._links, axis=1)
        return Pairs(first, second, lag, fits.shift, fits.linear, fits.trust), fits

    def _compare(self, pairs: list[tuple[_Seen, _Seen]], lag: int, fitting: Fitting) -> None:
        before, now = zip(*pairs, strict=True)
        one, two = ([seen.template for seen in side] for side in (before, now))
        fits = fit_pairs(one, two, *self._start(before, now), fitting=fitting, plain=lag == 1)
        by_chance = _CHANCE / np.sqrt([min(first.modes, second.modes) for first, second in pairs])
        least = np.maximum(np.minimum(by_chance, _SURE), self._options.min_likeness * fits.reliability)
        good = np.flatnonzero((fits.used >= self._options.min_overlap) & (fits.likeness > least))
        self._fits.append(PairFits(*(array[good] for array in fits)))
        self._links.append(np.array([(before[k].number, now[k].number, lag) for k in good], dtype=int).reshape(-1, 3).T)
        motion = np.zeros((len(now), self._axes + 1, self._axes + 1))
        motion[:, :-1, :-1], motion[:, :-1, -1], motion[:, -1, -1] = fits.linear, fits.shift, 1.0
        for k in good:
            self._place(before[k].number, now[k].number, motion[k])

    def _start(self, before: Sequence[_Seen], now: Sequence[_Seen]) -> tuple[FloatArray, FloatArray]:
        """Return where frames should lie, from their places, or else from the correlation of their edges."""
        nowhere = _Place(np.eye(self._axes + 1), -1)
        one, two = ([self._places.get(seen.number, nowhere) for seen in side] for side in (before, now))
        first, second = (np.stack([place.motion for place in places]) for places in (one, two))
        motion = second @ np.linalg.inv(first)
        islands = zip(one, two, strict=True)
        unknown = [k for k, (a, b) in enumerate(islands) if a.island != b.island or a.island < 0]
        if unknown:
            edges, moved = (np.stack([side[k].spectrum for k in unknown]) for side in (before, now))
            motion[unknown] = np.eye(self._axes + 1)
            motion[unknown, :-1, -1] = coarse_shift(edges, moved, now[0].template.coefficient.shape)
        return motion[:, :-1, -1], motion[:, :-1, :-1]

    def _place(self, before: int, now: int, motion: FloatArray) -> None:
        one = self._places.setdefault(before, _Place(np.eye(self._axes + 1), before))
        known = self._places.get(now)
        if known is None or known.island == one.island:
            # Longer lags come later, and rule: errors of shorter ones add up along the movie.
            self._places[now] = _Place(motion @ one.motion, one.island)
