"""Platelets seen along [100] under the virtual microscope: their channels lie in the picture (Koo et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from lithiscope.instruments.reaction.channel_transport import ChannelReaction
from lithiscope.instruments.reaction.pathway import half_cycles
from lithiscope.instruments.stxm import Facets, Moment, Pathway, Place, Platelet, Scene

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class InChannels(Pathway):
    """Lithium fraction of a platelet whose channels run across its long axis.

    Parameters
    ----------
    reaction : ChannelReaction
        What the channels did.
    channels : (int, int)
        The first of the channels that belong to this platelet, and the first that does not any more; they lie evenly
        along its long axis.
    width : float
        Length of the platelet across the channels (um).
    """

    reaction: ChannelReaction
    channels: tuple[int, int]
    width: float

    def fraction(self, moment: Moment, place: Place) -> Array:
        """Return the lithium fraction, linear between times, channels and cells."""
        from scipy.ndimage import map_coordinates

        first, stop = self.channels
        x = self.reaction.lithium_fraction[:, first:stop]
        length = self.reaction.electrode.thickness * 1e-3
        when = np.interp(moment.time, self.reaction.time, np.arange(len(x)))
        channel = (place.along / self.width + 0.5) * x.shape[1] - 0.5
        cell = (place.across / length + 0.5) * x.shape[2] - 0.5
        when, channel, cell = np.broadcast_arrays(when, channel, cell)
        at = [np.ravel(one) for one in (when, channel, cell)]
        return np.asarray(map_coordinates(x, at, order=1, mode="nearest")).reshape(when.shape)


def channel_rates(
    platelets: int, channels: int, rng: np.random.Generator, *, spread: float = 0.3, reach: float = 3.0
) -> Array:
    """Return relative rates of both ends of the channels of platelets, which vary smoothly across the channels.

    Parameters
    ----------
    platelets, channels : int
        How many, and channels of each.
    rng : Generator
        Of the rates.
    spread : float
        Standard deviation of their logarithm.
    reach : float
        Over how many channels they are alike.

    Returns
    -------
    ndarray, shape (platelets * channels, 2)
    """
    from scipy.ndimage import gaussian_filter1d

    rough = rng.standard_normal((platelets, channels, 2))
    smooth = gaussian_filter1d(rough, reach / 2, axis=1, mode="wrap")
    return np.asarray(np.exp(spread * smooth / smooth.std(axis=(1, 2), keepdims=True))).reshape(-1, 2)


def channel_platelets(
    reaction: ChannelReaction,
    *,
    width: float = 1.0,
    angles: Sequence[float] = (0.0, 25.0),
    thickness: float = 150.0,
    gap: float = 1.0,
) -> Scene:
    """Return platelets with one share of the channels each, one below the other in a field that they do not fill.

    Parameters
    ----------
    reaction : ChannelReaction
        What the channels did; their number must be a multiple of that of the platelets.
    width : float
        Of every platelet, across its channels (um); the length of the channels is that of the electrode.
    angles : sequence of float
        Direction of the channels of every platelet, degrees from x towards y.
    thickness : float
        Along the beam (nm).
    gap : float
        Of the field around every platelet (um).

    Returns
    -------
    Scene
        Its half cycles are those of the reaction, and what lies between them are rests.
    """
    length = reaction.electrode.thickness * 1e-3
    each = reaction.lithium_fraction.shape[1] // len(angles)
    outline = Facets((0.0, 180.0, 90.0, -90.0), (width / 2, width / 2, length / 2, length / 2), rounding=0.004)
    platelets = tuple(
        Platelet(
            ((k + 0.5) * (width + gap), (width + gap) / 2 + 0.013 * k),
            outline,
            InChannels(reaction, (k * each, (k + 1) * each), width),
            angle=angle + 90.0,
            thickness=thickness,
            edge=0.006,
        )
        for k, angle in enumerate(angles)
    )
    return Scene(platelets, half_cycles(reaction), len(angles) * (width + gap), width + gap)
