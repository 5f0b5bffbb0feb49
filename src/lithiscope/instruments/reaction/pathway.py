"""Platelets under the virtual microscope that react as the virtual electrode does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from lithiscope.instruments.reaction.channel_transport import ChannelReaction
from lithiscope.instruments.reaction.electrode import Hold, Insertion
from lithiscope.instruments.reaction.integration import Reaction
from lithiscope.instruments.stxm import HalfCycle, Moment, Pathway, Place, Platelet, Scene, three_platelets

Array = NDArray[np.float64]

_GOOD_PART = 0.3  # change of the mean composition in a hold that counts as a half cycle


@final
@dataclass(frozen=True)
class RateField:
    """The rate constant within a particle, relative to that of the electrode: fast spots on a slow ground.

    Parameters
    ----------
    spots : tuple of (float, float)
        Centres of the fast domains in the axes of the particle (um along, um across).
    radius : float
        Radius of the spots (um).
    edge : float
        Standard deviation of the error function at their rim (um).
    fast, slow : float
        Relative rate inside and outside.
    """

    spots: tuple[tuple[float, float], ...] = ((-0.28, 0.1), (0.26, -0.1))
    radius: float = 0.18
    edge: float = 0.03
    fast: float = 1.5
    slow: float = 0.5

    def rate(self, place: Place) -> Array:
        """Return the relative rate at places."""
        return self.slow + (self.fast - self.slow) * self.cover(place)

    def cover(self, place: Place) -> Array:
        """Return how much of a fast domain there is: 1 inside, 1/2 on its rim, 0 outside."""
        from scipy.special import ndtr

        inside = np.full_like(place.depth, -np.inf)
        for along, across in self.spots:
            away = np.hypot(place.along - along, place.across - across)
            inside = np.maximum(inside, self.radius - away)
        return np.asarray(ndtr(inside / self.edge))


@final
@dataclass(frozen=True)
class Reacting(Pathway):
    """Lithium fraction of a particle that takes part in a reaction.

    Parameters
    ----------
    reaction : Reaction
        What the electrode did.
    field : RateField
        The rates of the particle.
    thickness : float
        Of the particle (nm): a thicker one needs longer.
    """

    reaction: Reaction
    field: RateField
    thickness: float

    def fraction(self, moment: Moment, place: Place) -> Array:
        """Return the lithium fraction that places of this rate have."""
        slower = self.reaction.electrode.thickness / self.thickness
        return self.reaction.fraction(moment.time, self.field.rate(place) * slower)


def reacting_platelets(reaction: Reaction, fields: tuple[RateField, ...] = ()) -> Scene:
    """Return three platelets that react with the electrode.

    Parameters
    ----------
    reaction : Reaction
        What the electrode did.
    fields : tuple of RateField, optional
        The rates of the three; two fast domains each unless given.

    Returns
    -------
    Scene
        The platelets of `three_platelets`, with the insertions of the reaction as half cycles.
    """
    chosen = fields or (
        RateField(),
        RateField(spots=((-0.2, 0.0), (0.28, 0.05)), fast=1.8, slow=0.6),
        RateField(spots=((-0.35, -0.1), (0.3, 0.15)), radius=0.2, fast=1.3, slow=0.45),
    )
    plain = three_platelets("uniform")
    platelets = tuple(
        Platelet(
            one.centre,
            one.outline,
            Reacting(reaction, field, one.thickness),
            angle=one.angle,
            thickness=one.thickness,
            edge=one.edge,
        )
        for one, field in zip(plain.platelets, chosen, strict=True)
    )
    return Scene(platelets, half_cycles(reaction), plain.height, plain.width)


def half_cycles(reaction: Reaction | ChannelReaction) -> tuple[HalfCycle, ...]:
    """Return the insertions of a reaction, and what lies between them as rests.

    A hold at a constant potential that moves a good part of the lithium is an insertion too.
    """
    found = []
    for number, step in enumerate(reaction.steps):
        begin, end = reaction.span(number)
        means = reaction.mean[reaction.step == number]
        change = float(means[-1] - means[0])
        if isinstance(step, Insertion) or (isinstance(step, Hold) and abs(change) > _GOOD_PART):
            direction = 1 if change > 0 else -1
            first, last = (means[0], means[-1]) if direction > 0 else (1 - means[0], 1 - means[-1])
            rate = (last - first) * 3600.0 / (end - begin)
            found.append(HalfCycle(direction, begin, float(rate), float(np.clip(first, 0, 1)), float(last)))
        else:
            found.append(HalfCycle(0, begin, 1.0, float(means[0]), float(means[0])))
    return tuple(found)
