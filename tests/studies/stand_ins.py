"""What stands for the fits of the learning, which take minutes."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr

from learning.made import laws, sampled, sampled_particle
from lithiscope import stages
from lithiscope.errors import LithiscopeWarning
from lithiscope.learning.compared import Compared


class Fit:
    """Stands for `learn`: remembers what it was given, and gives laws made by hand and the video as its model."""

    def __init__(self):
        self.calls = []
        self.mappers = []

    def __call__(self, videos, options, *, particles=None, mapper=map, reporter=None, diary=None):
        self.mappers.append(mapper)
        given = [videos] if isinstance(videos, xr.Dataset) else list(videos)
        self.calls.append((given, options, particles))
        assert diary is not None
        parts = {"/laws": laws(**options.model_dump())}
        for number, video in enumerate(given):
            for label in particles if particles is not None else np.unique(video["label"].values)[1:]:
                parts[f"/particle/{number}_{label}"] = self.particle(number, video, int(label))
        warnings.warn("the spread of ln k is not known", LithiscopeWarning, stacklevel=2)
        return xr.DataTree.from_dict(parts)

    @staticmethod
    def particle(number, video, label):
        inside = video["label"].values == label
        x = np.where(inside, video["lithium_fraction"].values, np.nan)
        variables = {
            "log_rate": ("y x", np.where(inside, 0.0, np.nan)),
            "log_rate_std": ("y x", np.where(inside, 0.1, np.nan)),
            "log_rate_flag": ("y x", np.where(inside, 0, stages.flag_bit("no_material"))),
            "lithium_fraction": ("time y x", x),
            "measured": ("time y x", x),
            "residual": ("time y x", 0 * x),
        }
        coords = {name: (name, video[name].values) for name in ("time", "y", "x")}
        coords |= {name: ("time", video[name].values) for name in ("half_cycle", "direction")}
        return stages.new("learned_particle", variables, coords=coords, attrs={"video": number, "particle": label})


class Comparison:
    """Stands for the fits of a comparison: remembers of which model, and with how many half cycles."""

    def __init__(self):
        self.calls = []
        self.stop = None

    def __call__(self, name, videos, cuts, options, mapper, reporter):
        if name == self.stop:
            raise KeyboardInterrupt
        self.calls.append((name, len(cuts)))
        if name == "j0_constant":
            return Compared(name, -np.inf, np.nan, np.nan, False, (), "it <cannot> follow")
        evidence = {"marcus": 10.5, "same_k_everywhere": -300.0}.get(name, -50.0) * len(cuts) / 6
        rough = name == "same_k_everywhere"
        return Compared(name, evidence, 1.5 if rough else 1.0, np.nan, not rough, ("a pattern in space",) * rough)


class Draws:
    """Stands for `sample`: remembers what it was given, and gives draws made by hand."""

    def __init__(self):
        self.calls = []
        self.error = None

    def __call__(self, videos, options, *, particles=None, mapper=map, reporter=None, diary=None, **asked):
        assert diary is not None
        self.calls.append((options, particles, asked))
        if self.error is not None:
            raise self.error
        labels = particles if particles is not None else [1]
        parts = {f"/particle/0_{label}": sampled_particle(0, int(label)) for label in labels}
        warnings.warn("the scale of ln k", LithiscopeWarning, stacklevel=2)
        return xr.DataTree.from_dict({"/laws": sampled(), **parts})
