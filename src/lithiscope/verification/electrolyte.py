"""Salt and potential in the channel of the liquid cell against the limits of Lim et al. 2016."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lithiscope.electrolyte import ChannelOptions, channel_half_cycle, channel_transport, salt_per_site
from lithiscope.verification.rows import Row, compare

_CAPACITY = 5.5e-9  # Ah
_LIM = "Lim 2016, electrolyte transport: electrode of 5.5 nAh; transference number 0.3, which is not stated there"
_FARADAY = 96485.33212


def electrolyte_rows() -> Iterator[Row]:
    """Yield the rows on the liquid."""
    for c_rate, name, salt, millivolt in ((0.2, "C/5", 0.04, 2.0), (2.0, "2C", 0.2, 15.0)):
        found = channel_half_cycle(c_rate, _CAPACITY, direction=1, frames=13)
        for what, limit, variable, scale, unit in (
            ("salt concentration", salt, "largest_concentration_change", 1.0, "mol/L"),
            ("potential", millivolt, "largest_potential_change", 1e3, "mV"),
        ):
            yield Row(
                f"largest change of the {what} above the electrode in a half cycle at {name}",
                _LIM,
                limit,
                scale * float(np.max(np.abs(found[variable].values))),
                0.0,
                "the published limit, with no slack",
                "<=",
                unit,
            )
    yield compare(
        "salt in the liquid above the electrode over the lithium sites of the electrode",
        _LIM,
        10.0,
        salt_per_site(_CAPACITY, ChannelOptions()),
        within=0.5,
        because="stated as about ten",
    )
    yield _steady_row()


def _steady_row() -> Row:
    """Return the row on a slab between two open sides: c - c0 = s/D (a^2/2 + a (l - a)) in its middle."""
    options = ChannelOptions(reservoir=("left", "right"), electrode=(2000.0, 5000.0), elements=4)
    current = 1.1e-9
    found = channel_transport([0.0, 2e6], current, options=options)
    a, half = options.electrode[0] / 2e6, options.chip[0] / 2e6
    volume = float(np.prod(options.electrode)) * options.gap * 1e-18
    released = (1 - options.transference_number) * current / (_FARADAY * volume) / options.diffusivity / 1e3
    return compare(
        "steady salt in the middle of a slab that releases it between two open sides",
        "exact solution of the diffusion equation",
        released * (a**2 / 2 + a * (half - a)),
        float(found["largest_concentration_change"].values[-1]),
        within=3e-7,
        because="storage in float32: 6e-8 of 1 mol/L",
        unit="mol/L",
    )
