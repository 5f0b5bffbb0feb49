"""Pieces of evidence for what limits a particle, each computed on many noisy copies of the profile.

Three look at the profile in three ways: its curvature against the rate, the composition at the face against the mean,
and where lithium goes early and late. Each is turned into beta^2 of the slab that would show the same, and with the
observed decay rate lambda into

    tau_reaction / tau_bulk = lambda tau_reaction / beta^2
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lithiscope.kinetics.regime_options import RegimeOptions
from lithiscope.kinetics.regime_profiles import Folded
from lithiscope.kinetics.slab import Slab, driven, slabs

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Piece:
    """One piece of evidence.

    Parameters
    ----------
    name, meaning : str
        What it is.
    value, std, low, high, boundary : float
        The figure, its error, its 95 % range, and where its verdict turns.
    probability : float
        That the surface reaction is the slower one.
    verdict : str
        Of this piece alone.
    """

    name: str
    meaning: str
    value: float
    std: float
    low: float
    high: float
    boundary: float
    probability: float
    verdict: str


SURFACE = "surface-reaction-limited"
BULK = "bulk-diffusion-limited"
OPEN = "not decidable"


@dataclass(frozen=True)
class Copies:
    """The observed profile and noisy copies of it.

    Parameters
    ----------
    folded : Folded
        The observed profile.
    u : (draws + 1, frames, zones) array
        The first is the observed one.
    options : RegimeOptions
        Resolution, end of the half cycle, random numbers.
    """

    folded: Folded
    u: FloatArray
    options: RegimeOptions

    @cached_property
    def mean(self) -> FloatArray:
        """Return the mean progress (copies, frames)."""
        return self.u @ self.folded.size

    @cached_property
    def weight(self) -> FloatArray:
        """Return the weights of the trapezoidal rule in time (frames,)."""
        step = np.diff(self.folded.time)
        return np.asarray((np.concatenate([[0.0], step]) + np.concatenate([step, [0.0]])) / 2)

    @cached_property
    def decay(self) -> FloatArray:
        """Return lambda (copies,), 1/s: progress made over what was left to be made, in time."""
        made = self.mean[:, -1] - self.mean[:, 0]
        return np.asarray(made / ((self.options.end - self.mean) @ self.weight))

    @cached_property
    def filling(self) -> FloatArray:
        """Return the observed mean filling (frames,), 0 at the first frame and 1 at the end of the half cycle."""
        start = self.mean[0, 0]
        return np.maximum.accumulate(np.clip((self.mean[0] - start) / (self.options.end - start), 0.0, 0.99))

    @cached_property
    def turn(self) -> int:
        """Return the frame nearest to half of the observed progress, neither the first nor the last."""
        half = (self.mean[0, 0] + self.mean[0, -1]) / 2
        return int(np.clip(np.argmin(np.abs(self.mean[0] - half)), 1, len(self.folded.time) - 2))

    def curvature(self) -> FloatArray:
        """Return beta^2 from the amplitude of a parabola against the rate: tau_bulk = 2 int a dt / (u_end - u_start).

        Exact, whatever the reaction, as long as the profile is a parabola at every moment.
        """
        depth, seen = self.folded.appearance(self.options)
        shape = seen @ (1 - depth) ** 2
        size = self.folded.size
        shape = shape - shape @ size
        amplitude = (self.u * size) @ shape / (shape**2 @ size)
        made = self.mean[:, -1] - self.mean[:, 0]
        return np.asarray(self.decay * 2 * (amplitude @ self.weight) / made)

    def depletion(self) -> FloatArray:
        """Return (copies,) the share of what was left that the face had already used up."""
        left = (self.options.end - self.u[..., 0]) @ self.weight
        return np.asarray(1 - left / ((self.options.end - self.mean) @ self.weight))

    def advance(self) -> FloatArray:
        """Return (copies,) how much deeper lithium goes in the second half than in the first, in units of L."""
        parts = [(0, self.turn), (self.turn, -1)]
        depth = (self.folded.edges[1:] + self.folded.edges[:-1]) / 2 * self.folded.size
        centres = []
        for first, last in parts:
            change = self.u[:, last] - self.u[:, first]
            centres.append(change @ depth / (change @ self.folded.size))
        return np.asarray(centres[1] - centres[0])

    def slab_profiles(self, slab: Slab) -> Copies:
        """Return what diffusion alone would show while the mean takes its observed course, in place of the observation.

        beta^2 of the slab and the observed decay rate give tau_bulk; the slab's own law of the surface is not used, so
        constant current and constant potential are alike.
        """
        depth, seen = self.folded.appearance(self.options)
        u = driven(depth, self.folded.time, self.mean[0], slab.slowest / float(self.decay[0])) @ seen.T
        return Copies(self.folded, u[None], self.options)

    @cached_property
    def yardstick(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return beta^2, Bi, depletion and advance of slabs of rising Biot number."""
        seen = [self.slab_profiles(slab) for slab in slabs()]
        depletion = np.array([float(copy.depletion()[0]) for copy in seen])
        advance = np.array([float(copy.advance()[0]) for copy in seen])
        return (
            np.array([slab.slowest for slab in slabs()]),
            np.array([slab.biot for slab in slabs()]),
            np.maximum.accumulate(depletion),
            np.maximum.accumulate(advance),
        )


def noisy_copies(folded: Folded, options: RegimeOptions, rng: np.random.Generator) -> Copies:
    """Return the observed profile and `draws` copies with its noise on top."""
    noise = rng.normal(size=(options.draws, *folded.u.shape)) * folded.std
    return Copies(folded, np.concatenate([folded.u[None], folded.u + noise]), options)


@dataclass(frozen=True)
class Scale:
    """What turns beta^2 of a slab into a ratio of times.

    Parameters
    ----------
    log_reaction : (copies,) array or None
        log10 of tau_reaction/s, where j0 is known; the first without error.
    log_drive : (copies,) array
        log10 of the current over j0 at the start; used where j0 is not known.
    """

    log_reaction: FloatArray | None
    log_drive: FloatArray

    def log_ratio(self, beta2: FloatArray, copies: Copies) -> FloatArray:
        """Return log10 of tau_reaction/tau_bulk (copies,)."""
        if self.log_reaction is not None:
            return np.asarray(np.log10(np.maximum(copies.decay, 1e-12)) + self.log_reaction - np.log10(beta2))
        slowest, biot, *_ = copies.yardstick
        return np.asarray(self.log_drive - np.interp(np.log10(beta2), np.log10(slowest), np.log10(biot)))

    def turning(self, copies: Copies) -> float:
        """Return beta^2 at which the two times are equal, within what slabs can have."""
        slowest, biot, *_ = copies.yardstick
        if self.log_reaction is not None:
            at = float(copies.decay[0] * 10 ** self.log_reaction[0])
        else:
            at = float(np.interp(10 ** self.log_drive[0], biot, slowest))
        return float(np.clip(at, slowest[0], slowest[-1]))


def profile_pieces(copies: Copies, scale: Scale, rng: np.random.Generator, *, boundary_crosses: bool) -> list[Piece]:
    """Return the three pieces that a profile gives.

    Parameters
    ----------
    copies : Copies
        The profile and its noise.
    scale : Scale
        Exchange current or drive.
    rng : Generator
        For the error of the model.
    boundary_crosses : bool
        Whether a front as narrow as the resolution crosses the channels: such a front looks alike in both limits, so
        these pieces cannot decide.
    """
    slowest, biot, depletion, advance = copies.yardstick
    most = float(np.interp(copies.options.band, biot, slowest))
    logs = np.log10(slowest)
    turning = np.log10(scale.turning(copies))

    def judged(name: str, meaning: str, figure: FloatArray, beta2: FloatArray, boundary: float) -> Piece:
        # On beta^2 and not on the ratio: without j0 a small error of beta^2 near pi^2/4 is a large one of the ratio.
        off = 10 ** (rng.normal(size=len(beta2)) * copies.options.model_spread)
        spread = scale.log_ratio(beta2 * off, copies)[1:]
        shown = scale.log_ratio(beta2, copies) if figure is beta2 else figure
        piece = judge(name, meaning, shown, spread, boundary, copies.options, silent=boundary_crosses)
        if piece.verdict == SURFACE and beta2[0] > most:
            # A j0 that already contains what diffusion took would look like a slow surface.
            return replace(
                piece, verdict=OPEN, meaning=f"{meaning}; at this drive the bulk holds back too much to tell"
            )
        return piece

    curved = np.maximum(copies.curvature(), slowest[0])
    used, deeper = copies.depletion(), copies.advance()
    return [
        judged(
            "measured_ratio_of_times",
            "log10 of tau_reaction/tau_bulk, tau_bulk from the curvature of the profile against the rate",
            curved,
            curved,
            0.0,
        ),
        judged(
            "surface_depletion",
            "share of what is left to insert or extract that the pixels at the face have used up ahead of the mean",
            used,
            10 ** np.interp(used, depletion, logs),
            float(np.interp(turning, logs, depletion)),
        ),
        judged(
            "reaction_front",
            "how much deeper lithium comes and goes in the second half than in the first, in diffusion lengths",
            deeper,
            10 ** np.interp(deeper, advance, logs),
            float(np.interp(turning, logs, advance)),
        ),
    ]


def judge(
    name: str,
    meaning: str,
    figure: FloatArray,
    log_ratio: FloatArray,
    boundary: float,
    options: RegimeOptions,
    *,
    silent: bool = False,
) -> Piece:
    """Return a piece with its verdict.

    Parameters
    ----------
    figure : (copies,) array
        The figure, observed first, then of noisy copies.
    log_ratio : (draws,) array
        log10 of tau_reaction/tau_bulk with all errors.
    boundary : float
        Figure at which the two times are equal.
    silent : bool
        Whether the piece cannot decide, whatever its figure.
    """
    outside = np.log10(options.band)
    verdict = OPEN
    if np.mean(log_ratio > outside) >= options.level:
        verdict = SURFACE
    elif np.mean(log_ratio < -outside) >= options.level:
        verdict = BULK
    low, high = np.quantile(figure[1:], [0.025, 0.975])
    # From 400 draws a probability of exactly 0 or 1 only means that none lay on the other side.
    probability = (np.count_nonzero(log_ratio > 0) + 0.5) / (len(log_ratio) + 1)
    return Piece(
        name,
        meaning + ("; a phase boundary crosses the channels, so this cannot decide" if silent else ""),
        float(figure[0]),
        float(np.std(figure[1:])),
        float(low),
        float(high),
        boundary,
        0.5 if silent else float(probability),
        OPEN if silent else verdict,
    )


def width_piece(folded: Folded, options: RegimeOptions) -> Piece:
    """Return the width of the composition gradient against what a sharp front would show.

    The width of a straight ramp from 0 to 1 that has the observed mean of u(1 - u): 6 <u(1-u)>, in diffusion lengths.
    A sharp front, blurred by the probe and its pixels, shows 6 sigma/sqrt(pi).
    """
    pixel = float(folded.size[0]) * folded.length / options.faces
    way = folded.length / options.faces
    sharp = 6 / np.sqrt(np.pi) * np.sqrt(options.resolution**2 / (8 * np.log(2)) + pixel**2 / 12) / way
    value, std = 6 * folded.mixed, 6 * folded.mixed_std
    boundary = 2 * float(sharp)
    broad = bool(value - 1.96 * std > boundary)
    decides = broad and options.broad_gradient_decides
    return Piece(
        "gradient_width",
        "width of the gradient in diffusion lengths; the boundary is twice that of a sharp front as the probe sees it",
        value,
        std,
        value - 1.96 * std,
        value + 1.96 * std,
        boundary,
        options.level if decides else 0.5,
        SURFACE if decides else OPEN,
    )
