"""Lines of pixels along a crystal axis, at any angle, each pixel on exactly one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.grid.axes import Axis
from lithiscope.grid.grid import Grid
from lithiscope.grid.kernels import line_shift, split_lines, sum_groups


@dataclass(frozen=True, eq=False)
class Channels:
    """The pixels of a grid as unbroken lines along one direction; made by `find_channels`.

    Each line has one pixel for each pixel of the grid along its steepest axis, so nothing is resampled and sums over
    channels are sums over the particle. A line that leaves the mask and enters it again is two channels of one line.

    Parameters
    ----------
    grid : Grid
        The grid.
    direction : (axes,) array
        Unit vector along the channels, index order.
    number : (pixel,) int array
        Channel of each pixel.
    rank : (pixel,) int array
        Place of each pixel in its channel, from 0 in the sense of `direction`.
    order : (pixel,) int array
        Pixel numbers sorted by channel and rank.
    starts : (channel,) int array
        Where each channel starts in `order`.
    line : (channel, axes - 1) int array
        Line that each channel lies on.
    along : int
        Axis of the picture nearest to the direction, in pixels.
    step : float
        Length of channel per pixel, nm.
    """

    grid: Grid
    direction: np.ndarray
    number: np.ndarray
    rank: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    line: np.ndarray
    along: int
    step: float

    @property
    def count(self) -> int:
        """Number of channels."""
        return int(self.starts.size)

    @cached_property
    def pixel_count(self) -> np.ndarray:
        """Pixels of each channel (channel,)."""
        return np.diff(self.starts, append=self.order.size)

    @property
    def length(self) -> np.ndarray:
        """Distance between the two end faces of each channel, nm (channel,)."""
        return np.asarray(self.pixel_count * self.step)

    @property
    def cross_section(self) -> float:
        """Volume over length of a channel: its width in nm in two dimensions, its area in nm2 in three."""
        return self.grid.pixel_volume / self.step

    @cached_property
    def ends(self) -> np.ndarray:
        """Pixel numbers of the first and the last pixel of each channel (channel, 2); the same if it has only one."""
        return np.stack([self.order[self.starts], self.order[self.starts + self.pixel_count - 1]], axis=1)

    @cached_property
    def surface(self) -> np.ndarray:
        """Whether a pixel is the end of its channel (pixel,)."""
        surface = np.zeros(self.grid.count, dtype=bool)
        surface[self.ends] = True
        return surface

    @cached_property
    def cut(self) -> np.ndarray:
        """Whether a channel ends at the edge of the picture, so that the particle may go on (channel, 2)."""
        shape = np.asarray(self.grid.shape)
        sense = 1 if self.direction[self.along] > 0 else -1
        position = self.grid.pixels[self.ends][..., self.along] + sense * np.array([-1, 1])
        shift = line_shift(position.ravel(), self.direction / np.asarray(self.grid.spacing), self.along)
        across = self.line[:, None, :] - shift.reshape(*position.shape, -1)
        outside = (position < 0) | (position >= shape[self.along])
        return np.asarray(outside | ((across < 0) | (across >= np.delete(shape, self.along))).any(axis=-1))

    @cached_property
    def centre(self) -> np.ndarray:
        """Mean position of each channel, nm (channel, axes), from the centre of the picture's first pixel."""
        return np.asarray(self.mean(self.grid.positions.T).T)

    @property
    def position(self) -> np.ndarray:
        """Position across the channels, nm (channel,): along the direction turned by +90 degrees, from +x towards +y.

        Raises
        ------
        AnalysisError
            If there are more than two dimensions, where one number is not enough; see `centre`.
        """
        if self.grid.ndim != 2:
            raise AnalysisError(
                "the position across channels is one number only in two dimensions",
                field="mask",
                value=f"{self.grid.ndim} dimensions",
                remedy="use `centre`",
            )
        along_y, along_x = self.direction
        return np.asarray(self.centre @ np.array([along_x, -along_y]))

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each channel: (..., pixel) to (..., channel). NaN of a pixel is NaN of its channel."""
        return sum_groups(np.asarray(values), self.order, self.starts)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean over each channel: (..., pixel) to (..., channel)."""
        return np.asarray(self.sum(values) / self.pixel_count)

    def integral(self, values: np.ndarray) -> np.ndarray:
        """Return the integral along each channel, values times nm: (..., pixel) to (..., channel)."""
        return self.sum(values) * self.step


def find_channels(grid: Grid, axis: str | Axis) -> Channels:
    """Return the lines of pixels along an axis.

    A line is digital: seen along the axis of the picture nearest to its direction, it has one pixel in each column,
    at most half a pixel from the straight line. Its width is one pixel times the cosine of the angle between both,
    so 0.71 to 1 pixels. At 0 and 90 degrees, lines are rows and columns.

    Parameters
    ----------
    grid : Grid
        The pixels.
    axis : str, float or sequence
        Name of a crystal axis of the grid; degrees from +x towards +y; or a vector in index order.

    Returns
    -------
    Channels
        Ordered by line, then along the line.

    Examples
    --------
    >>> bar = Grid(np.ones((3, 5), dtype=bool), (40.0, 40.0))
    >>> find_channels(bar, 0.0).length.tolist(), find_channels(bar, 90.0).count
    ([200.0, 200.0, 200.0], 5)
    """
    direction = grid.axis(axis)
    in_pixels = direction / np.asarray(grid.spacing)
    # The first of equals, also when round-off makes them differ: 45 degrees and 225 degrees give the same lines.
    along = int(np.argmax(np.round(np.abs(in_pixels) / np.abs(in_pixels).max(), 12)))
    line = np.delete(grid.pixels, along, axis=1) + line_shift(grid.pixels[:, along], in_pixels, along)
    sense = 1 if direction[along] > 0 else -1
    segments = split_lines(line, sense * grid.pixels[:, along])
    return Channels(
        grid=grid,
        direction=direction,
        number=segments.number,
        rank=segments.rank,
        order=segments.order,
        starts=segments.starts,
        line=line[segments.order[segments.starts]],
        along=along,
        step=float(grid.spacing[along] / abs(direction[along])),
    )
