"""What explains a video: laws and rate fields with uncertainty, learned from composition videos.

`learn` takes composition videos and gives the stage learned_laws and a learned_particle for each particle.
"""

from lithiscope.learning.learn import fitted, learn
from lithiscope.learning.options import LearnOptions

__all__ = ["LearnOptions", "fitted", "learn"]
