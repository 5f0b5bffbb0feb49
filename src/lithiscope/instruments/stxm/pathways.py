"""How lithium enters a platelet: the pathways that Lim et al. 2016 tell apart, as formulas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A front begins and ends this many of its widths beyond the particle.
_MARGIN = 1.5


@dataclass(frozen=True)
class Place:
    """Where points lie in their particle.

    Parameters
    ----------
    along, across : ndarray
        Coordinates in the axes of the particle (um).
    depth : ndarray
        Depth below the rim (um).
    half_width, half_length : float
        Greatest depth, and greatest distance from the centre (um).
    """

    along: Array
    across: Array
    depth: Array
    half_width: float
    half_length: float


class Moment(NamedTuple):
    """Times, and where in the protocol they are.

    Parameters
    ----------
    time : ndarray
        Seconds.
    progress : ndarray
        Share of the half cycle that has gone by.
    direction : ndarray of int
        +1 lithiation, -1 delithiation, 0 rest.
    """

    time: Array
    progress: Array
    direction: NDArray[np.int64]


class Pathway(ABC):
    """How the lithium fraction of a place goes in time."""

    @abstractmethod
    def fraction(self, moment: Moment, place: Place) -> Array:
        """Return the lithium fraction; shape of the moments and the places, broadcast."""


class Prescribed(Pathway):
    """A pathway that is a formula of the progress alone, the same in both directions."""

    def fraction(self, moment: Moment, place: Place) -> Array:
        """Return the reacted share on lithiation and what it leaves on delithiation."""
        reacted = self.reacted(moment.progress, place)
        return np.where(moment.direction < 0, 1 - reacted, reacted)

    @abstractmethod
    def reacted(self, progress: Array, place: Place) -> Array:
        """Return the reacted share, from 0 at progress 0 to 1 at progress 1."""


@final
@dataclass(frozen=True)
class SolidSolution(Prescribed):
    """The whole particle reacts evenly."""

    def reacted(self, progress: Array, place: Place) -> Array:
        """Return the progress itself, everywhere."""
        return np.asarray(progress + np.zeros_like(place.depth))


@final
@dataclass(frozen=True)
class MovingFront(Prescribed):
    """A straight front crosses the particle at constant speed.

    Parameters
    ----------
    direction : float
        Where it goes (degrees from the long axis).
    width : float
        Standard deviation of the error function across the front (um).
    """

    direction: float = 0.0
    width: float = 0.06

    def reacted(self, progress: Array, place: Place) -> Array:
        """Return erfc((distance ahead of the front) / (sqrt(2) width)) / 2, scaled to run from 0 to 1."""
        angle = np.radians(self.direction)
        position = place.along * np.cos(angle) + place.across * np.sin(angle)
        return _swept(progress, position, -place.half_length, place.half_length, self.width)


@final
@dataclass(frozen=True)
class ShrinkingCore(Prescribed):
    """A rim of the new phase grows inwards at constant speed.

    Parameters
    ----------
    width : float
        Standard deviation of the error function across the boundary (um).
    """

    width: float = 0.06

    def reacted(self, progress: Array, place: Place) -> Array:
        """Return erfc((depth below the boundary) / (sqrt(2) width)) / 2, scaled to run from 0 to 1."""
        return _swept(progress, place.depth, 0.0, place.half_width, self.width)


@final
@dataclass(frozen=True)
class FastDomains(Prescribed):
    """Fixed spots react faster than the rest, continuously in composition, in both directions alike.

    The reacted share is 1 - (1 - progress)^k with k from `slow` (far from the spots) to `fast` (in their centres).

    Parameters
    ----------
    spots : tuple of (float, float)
        Centres of the fast domains in the axes of the particle (um along, um across).
    radius : float
        Standard deviation of their Gaussian profile (um).
    fast, slow : float
        Rate relative to a uniform reaction.
    """

    spots: tuple[tuple[float, float], ...] = ((-0.25, 0.1), (0.22, -0.12))
    radius: float = 0.14
    fast: float = 2.5
    slow: float = 0.7

    def rate(self, place: Place) -> Array:
        """Return the rate constant relative to a uniform reaction."""
        profile = np.zeros_like(place.depth)
        for along, across in self.spots:
            squared = (place.along - along) ** 2 + (place.across - across) ** 2
            profile = np.maximum(profile, np.exp(-squared / (2 * self.radius**2)))
        return np.asarray(self.slow + (self.fast - self.slow) * profile)

    def reacted(self, progress: Array, place: Place) -> Array:
        """Return 1 - (1 - progress)^k."""
        return np.asarray(1 - (1 - progress) ** self.rate(place))


def _swept(progress: Array, position: Array, begin: float, end: float, width: float) -> Array:
    """Return what an error-function front, going from before `begin` to beyond `end`, leaves behind it."""
    from scipy.special import ndtr

    start, stop = begin - _MARGIN * width, end + _MARGIN * width
    within = np.clip(position, start, stop)
    unreacted = ndtr((start - within) / width)
    # Scaling makes the half cycle begin at exactly 0 and end at exactly 1 wherever the front starts.
    behind = ndtr((start + progress * (stop - start) - within) / width) - unreacted
    return np.asarray(behind / (ndtr((stop - within) / width) - unreacted))
