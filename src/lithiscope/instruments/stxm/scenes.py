"""Scenes: platelets on a membrane whose lithium fraction is a formula of time and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.instruments.stxm.outlines import Ellipse, Facets, Outline
from lithiscope.instruments.stxm.pathways import (
    FastDomains,
    Moment,
    MovingFront,
    Pathway,
    Place,
    ShrinkingCore,
    SolidSolution,
)

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
Condition = Literal["uniform", "front", "core", "domains", "mixed"]

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class HalfCycle:
    """One half cycle at constant current.

    Parameters
    ----------
    direction : int
        +1 lithiation, -1 delithiation, 0 rest (which keeps the composition that `first` and `last` say).
    start : float
        When it begins (s).
    c_rate : float
        Full half cycles per hour (1/h).
    first, last : float
        Progress at its beginning and end, between 0 and 1.
    """

    direction: int
    start: float
    c_rate: float
    first: float = 0.0
    last: float = 1.0

    def __post_init__(self) -> None:
        if self.direction not in (-1, 0, 1):
            raise OptionError("no such direction", field="direction", value=self.direction, limit="-1, 0 or +1")
        if not (np.isfinite(self.c_rate) and self.c_rate > 0):
            raise OptionError("the rate of a half cycle must be positive", field="c_rate", value=self.c_rate)
        if not (0 <= self.first <= self.last <= 1):
            raise OptionError(
                "the progress of a half cycle must rise within [0, 1]",
                field="first, last",
                value=(self.first, self.last),
            )

    @property
    def end(self) -> float:
        """When it ends (s)."""
        return self.start + (self.last - self.first) * SECONDS_PER_HOUR / self.c_rate


def hold(progress: float) -> tuple[HalfCycle, ...]:
    """Return a protocol that never changes; an evenly reacting platelet then has lithium fraction `progress`."""
    return (HalfCycle(0, 0.0, 1.0, progress, progress),)


@dataclass(frozen=True)
class Platelet:
    """One particle: where it is, what it looks like and how it reacts.

    Parameters
    ----------
    centre : (float, float)
        Position (y, x) of its centre (um).
    outline : Outline
        Its rim.
    pathway : Pathway
        How lithium enters it.
    angle : float
        Direction of its long axis (degrees from x towards y).
    thickness : float
        Along the beam (nm).
    edge : float
        Standard deviation of the error function by which the thickness falls at the rim (um).
    """

    centre: tuple[float, float]
    outline: Outline
    pathway: Pathway
    angle: float = 0.0
    thickness: float = 150.0
    edge: float = 0.03

    def place(self, y: Array, x: Array) -> Place:
        """Return where points of the field lie in this particle."""
        cosine, sine = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        dy, dx = y - self.centre[0], x - self.centre[1]
        along, across = np.broadcast_arrays(dx * cosine + dy * sine, dy * cosine - dx * sine)
        depth = self.outline.depth(along, across)
        return Place(along, across, depth, self.outline.half_width, self.outline.half_length)

    def coverage(self, place: Place) -> Array:
        """Return the thickness relative to the middle of the platelet, 1/2 on the rim."""
        from scipy.special import ndtr

        return np.asarray(ndtr(place.depth / self.edge))


@dataclass(frozen=True)
class Scene:
    """Platelets in a field of view, and the half cycles that they go through.

    Parameters
    ----------
    platelets : tuple of Platelet
        They must not overlap.
    protocol : tuple of HalfCycle
        In the order of time. Before the first the composition is that of its beginning; between two it is held.
    height, width : float
        Size of the field (um); positions run from 0.
    """

    platelets: tuple[Platelet, ...]
    protocol: tuple[HalfCycle, ...]
    height: float = 3.5
    width: float = 3.5

    def __post_init__(self) -> None:
        if not self.platelets or not self.protocol:
            raise OptionError("a scene needs a platelet and a half cycle", field="platelets, protocol")
        if any(late.start < early.end for early, late in zip(self.protocol, self.protocol[1:], strict=False)):
            raise OptionError(
                "half cycles overlap",
                field="protocol",
                value=[(part.start, part.end) for part in self.protocol],
                remedy="start each after the end of the one before",
            )

    def material(self, time: ArrayLike, y: ArrayLike, x: ArrayLike) -> tuple[Array, Array]:
        """Return how much there is and what it is, at times and points.

        Parameters
        ----------
        time, y, x : array_like
            Times (s) and positions (um), which broadcast.

        Returns
        -------
        thickness : ndarray
            Of active material along the beam (nm); shape of y and x.
        fraction : ndarray
            Lithium fraction; outside the platelets that of the nearest one, so that a smooth rim has one too.
        """
        when = np.asarray(time, dtype=np.float64)
        rows, columns = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
        places = [platelet.place(rows, columns) for platelet in self.platelets]
        moment = Moment(when, *self.progress(when))
        thickness, fraction = np.zeros(()), np.zeros(())
        nearest = np.argmax([place.depth for place in places], axis=0)
        for index, (platelet, place) in enumerate(zip(self.platelets, places, strict=True)):
            thickness = thickness + platelet.thickness * platelet.coverage(place)
            fraction = np.where(nearest == index, platelet.pathway.fraction(moment, place), fraction)
        return thickness, fraction

    def thickness(self, y: ArrayLike, x: ArrayLike) -> Array:
        """Return the thickness of active material (nm) at points (um); see `material`."""
        return self.material(self.protocol[0].start, y, x)[0]

    def fraction(self, time: ArrayLike, y: ArrayLike, x: ArrayLike) -> Array:
        """Return the lithium fraction at times (s) and points (um); see `material`."""
        return self.material(time, y, x)[1]

    def progress(self, time: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
        """Return the progress within the half cycle at each time (s), and the direction of that half cycle."""
        when = np.asarray(time, dtype=np.float64)
        rows = np.array([(part.start, part.c_rate, part.first, part.last, part.direction) for part in self.protocol])
        start, rate, first, last, direction = np.moveaxis(rows[self.half_cycle(when)], -1, 0)
        gone = first + (when - start) * rate / SECONDS_PER_HOUR
        return np.clip(gone, first, last), direction.astype(np.int64)

    def label(self, y: ArrayLike, x: ArrayLike) -> NDArray[np.int32]:
        """Return the number of the platelet (from 1) that covers more than half of a point, 0 elsewhere."""
        rows, columns = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
        covers = np.stack([platelet.coverage(platelet.place(rows, columns)) for platelet in self.platelets])
        return np.where(covers.max(axis=0) > 0.5, covers.argmax(axis=0) + 1, 0).astype(np.int32)

    def half_cycle(self, time: ArrayLike) -> NDArray[np.intp]:
        """Return the number of the half cycle, from 0, that a time belongs to."""
        starts = [part.start for part in self.protocol]
        return np.maximum(np.searchsorted(starts, np.asarray(time), side="right") - 1, 0)

    def grid(self, pixel: float) -> tuple[Array, Array]:
        """Return the positions (um) of pixel centres along y and x for a pixel size (um)."""
        rows, columns = np.arange(round(self.height / pixel)), np.arange(round(self.width / pixel))
        return (rows + 0.5).astype(np.float64) * pixel, (columns + 0.5).astype(np.float64) * pixel

    def video(self, times: Sequence[float] | Array, *, pixel: float = 0.05) -> xr.Dataset:
        """Return the truth at the pixel centres.

        Parameters
        ----------
        times : sequence of float, shape (T,)
            When (s).
        pixel : float
            Pixel size (um).

        Returns
        -------
        xarray.Dataset
            A composition video (time, y, x) without noise: lithium_fraction (NaN off the platelets), thickness (nm),
            label and mask; attrs origin = "simulation".
        """
        when = np.asarray(times, dtype=np.float64)
        y, x = self.grid(pixel)
        label = self.label(y[:, None], x)
        flag = np.where(label > 0, 0, stages.flag_bit("no_material")).astype(np.uint16)
        fraction = self.fraction(when[:, None, None], y[:, None], x)
        return stages.new(
            "composition_video",
            {
                "lithium_fraction": ("time y x", np.where(label > 0, fraction, np.nan)),
                "lithium_fraction_flag": ("time y x", np.broadcast_to(flag, fraction.shape)),
                "thickness": ("y x", self.thickness(y[:, None], x)),
                "label": ("y x", label),
                "mask": ("y x", label > 0),
            },
            coords={
                "time": ("time", when),
                "y": ("y", y),
                "x": ("x", x),
                "half_cycle": ("time", self.half_cycle(when)),
                "direction": ("time", self.progress(when)[1]),
            },
            attrs={"signal": "lithium_fraction", "origin": "simulation"},
        )


def three_platelets(
    condition: Condition = "domains", *, c_rate: float = 0.6, rest: float = 600.0, protocol: tuple[HalfCycle, ...] = ()
) -> Scene:
    """Return three platelets, about 1 um wide and 150 nm thick, that are lithiated and delithiated once.

    Parameters
    ----------
    condition : {"uniform", "front", "core", "domains", "mixed"}
        Pathway of all three (Lim et al. 2016: uniform at 2C lithiation, domains at 0.6C and on delithiation), or a
        front, a core and domains side by side.
    c_rate : float
        Rate of both half cycles (1/h).
    rest : float
        Pause before, between and after them (s).
    protocol : tuple of HalfCycle, optional
        Half cycles of your own instead.

    Returns
    -------
    Scene
        A field of 3.5 x 3.5 um with a faceted, an elliptical and a larger faceted platelet.

    Examples
    --------
    >>> three_platelets("front", c_rate=2.0).video([0.0, 1500.0]).sizes["time"]
    2
    """
    pathways: dict[str, tuple[Pathway, Pathway, Pathway]] = {
        "uniform": (SolidSolution(), SolidSolution(), SolidSolution()),
        "front": (MovingFront(0.0), MovingFront(60.0), MovingFront(-35.0)),
        "core": (ShrinkingCore(), ShrinkingCore(), ShrinkingCore()),
        "domains": (
            FastDomains(),
            FastDomains(((0.1, 0.05),), radius=0.18),
            FastDomains(((-0.3, 0.0), (0.3, 0.15), (0.05, -0.2)), radius=0.12),
        ),
        "mixed": (MovingFront(0.0), ShrinkingCore(), FastDomains(((-0.3, 0.0), (0.3, 0.15)))),
    }
    if condition not in pathways:
        raise OptionError("no such condition", field="condition", value=condition, limit=", ".join(pathways))
    first, second, third = pathways[condition]
    lithiation = HalfCycle(1, rest, c_rate)
    return Scene(
        platelets=(
            Platelet((0.95, 1.0), _hexagon(0.62, 0.46), first, angle=20.0),
            Platelet((1.2, 2.6), Ellipse(0.58, 0.45), second, angle=-65.0, thickness=140.0),
            Platelet((2.55, 1.5), _hexagon(0.75, 0.52), third, angle=-10.0, thickness=160.0),
        ),
        protocol=protocol or (lithiation, HalfCycle(-1, lithiation.end + rest, c_rate)),
    )


def _hexagon(half_length: float, half_width: float) -> Facets:
    """Return the outline of a [010] platelet: two long facets and four short ones."""
    return Facets((90.0, -90.0, 33.0, -33.0, 147.0, -147.0), (half_width, half_width, *(half_length * 0.9,) * 4))
