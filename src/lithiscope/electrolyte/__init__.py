"""The liquid: salt and potential in the thin channel of the cell, by finite elements in the plane of the chip.

`channel_transport` follows a current in time, `channel_half_cycle` one half cycle at a C-rate; `salt_per_site` and
`vertical_change` are the two estimates that say how much the model can matter and what it leaves out.
"""

from lithiscope.electrolyte.channel import channel_half_cycle, channel_transport, salt_per_site, vertical_change
from lithiscope.electrolyte.options import ChannelOptions

__all__ = ["ChannelOptions", "channel_half_cycle", "channel_transport", "salt_per_site", "vertical_change"]
