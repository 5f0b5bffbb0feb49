"""What limits a particle, reaction or diffusion: the diagnosis against simulated channels of known ratio of times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lithiscope.instruments.reaction.diffusion_reaction import (
    ChannelParticle,
    as_line_cuts,
    observed_lines,
    random_particle,
)
from lithiscope.instruments.reaction.electrode import THERMAL_VOLTAGE
from lithiscope.kinetics.regime import diagnose_regime
from lithiscope.kinetics.regime_pieces import BULK, OPEN, SURFACE
from lithiscope.laws import chemical_potential
from lithiscope.verification.rows import Row

_SCENE = (
    "25 virtual channels of 400 nm, 40 nm pixels, sigma_x 0.065, 7 to 12 frames, 40 to 100 mV, three solid solutions, "
    "both directions; j0 known to 20 % from elsewhere, D to lie within five decades"
)
_BOUND = "a bound of the design, with no slack"
_FAR, _NEAR = (100.0, 30.0, 10.0, 0.1, 1 / 30, 0.01), (3.0, 2.0, 1.0, 0.5, 1 / 3)


def regime_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on verdicts; `everything` takes six times as many particles."""
    rng = np.random.default_rng(2)
    number = 24 if everything else 4
    said = {ratio: [_verdict(random_particle(ratio, rng), rng) for _ in range(number)] for ratio in _FAR + _NEAR}
    for name, ratios, right in (
        ("surface-reaction-limited", (100.0, 30.0, 10.0), SURFACE),
        ("bulk-diffusion-limited", (0.1, 1 / 30, 0.01), BULK),
    ):
        found = [one == right for ratio in ratios for one in said[ratio]]
        yield Row(
            f"share of {len(found)} {name} particles so decided, time scales a factor of 10 to 100 apart",
            _SCENE,
            0.8,
            float(np.mean(found)),
            0.0,
            _BOUND,
            ">=",
        )
    wrong = [one == (BULK if ratio > 1 else SURFACE) for ratio, all_ in said.items() if ratio != 1 for one in all_]
    claim = f"share of {len(wrong)} particles decided the wrong way, time scales a factor of 2 to 100 apart"
    yield Row(claim, _SCENE, 0.05, float(np.mean(wrong)), 0.0, _BOUND, "<=")
    near = [one == OPEN for ratio in _NEAR for one in said[ratio]]
    yield Row(
        f"share of {len(near)} particles that are not decidable, time scales within a factor of 3",
        _SCENE,
        0.95,
        float(np.mean(near)),
        0.0,
        "a piece needs a probability of 95 % of lying outside the factor of 3 for its verdict",
        ">=",
    )


def _verdict(particle: ChannelParticle, rng: np.random.Generator) -> str:
    """Observe a particle and return the verdict on it."""
    end = 1 / (1 + np.exp(-particle.drive)) if particle.omega == 0 else 0.97
    times, pixels = observed_lines(particle, rng, frames=int(rng.integers(7, 13)), stop=min(0.88, end - 0.08))
    true = particle.exchange_current
    found = diagnose_regime(
        as_line_cuts(times, pixels, particle.direction),
        diffusivity=(1e-18, 1e-13),
        exchange_current=(true * float(np.exp(0.2 * rng.normal())), 0.2 * true),
        overpotential_volt=-particle.direction * particle.drive * THERMAL_VOLTAGE,
        potential=chemical_potential("regular_solution", omega=particle.omega),
    )
    return str(found.attrs["verdict"])
