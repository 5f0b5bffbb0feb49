"""A virtual electrode: platelets that react at their faces with a potentiostat's current, and the voltage of that.

The depth-averaged reaction model of Lim et al. 2016 and Bai, Cogswell and Bazant 2011: every place reacts by
Butler-Volmer kinetics with a rate of its own, and all share one potential. Beside it lies the platelet seen along [100]
of Koo et al. 2023 (`channel_platelet`) and its channels with diffusion: one at a time (`diffusion_reaction`), or those
of a whole electrode under one potentiostat (`channel_transport`, `channel_pathway`). Nothing here shares code with the
analysis.
"""

from lithiscope.instruments.reaction.channel_pathway import InChannels, channel_platelets, channel_rates
from lithiscope.instruments.reaction.channel_transport import (
    ChannelReaction,
    Transport,
    bulk_seconds,
    react_along_channels,
    reaction_seconds,
)
from lithiscope.instruments.reaction.electrode import Electrode, Even, Hold, Insertion, Rest, Step
from lithiscope.instruments.reaction.integration import Reaction, react
from lithiscope.instruments.reaction.pathway import RateField, Reacting, reacting_platelets

__all__ = [
    "ChannelReaction",
    "Electrode",
    "Even",
    "Hold",
    "InChannels",
    "Insertion",
    "RateField",
    "Reacting",
    "Reaction",
    "Rest",
    "Step",
    "Transport",
    "bulk_seconds",
    "channel_platelets",
    "channel_rates",
    "react",
    "react_along_channels",
    "reacting_platelets",
    "reaction_seconds",
]
