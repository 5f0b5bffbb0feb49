"""A virtual electrode: platelets that react at their faces with a potentiostat's current, and the voltage of that.

The depth-averaged reaction model of Lim et al. 2016 and Bai, Cogswell and Bazant 2011: every place reacts by
Butler-Volmer kinetics with a rate of its own, and all share one potential. Beside it lie the platelet seen along [100]
of Koo et al. 2023 (`channel_platelet`) and its channels with diffusion (`diffusion_reaction`). Nothing here shares code
with the analysis.
"""

from lithiscope.instruments.reaction.electrode import Electrode, Even, Hold, Insertion, Rest, Step
from lithiscope.instruments.reaction.integration import Reaction, react
from lithiscope.instruments.reaction.pathway import RateField, Reacting, reacting_platelets

__all__ = [
    "Electrode",
    "Even",
    "Hold",
    "Insertion",
    "RateField",
    "Reacting",
    "Reaction",
    "Rest",
    "Step",
    "react",
    "reacting_platelets",
]
