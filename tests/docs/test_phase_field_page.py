"""The example of the page on the phase field: many runs in one program give what single runs give."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "theory" / "phase_field.md"


def test_runs_together_are_those_apart() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    space: dict = {"jax": jax}
    exec(block, space)  # the page's own code
    assert space["volts"].shape == (5, 4)
    assert space["x"].shape == (3, 4, 8, 8)
    # Round-off of one program against another; the third interaction is that of the recorded run.
    np.testing.assert_allclose(space["volts"][2], space["run"].record.voltage_volt[1:], rtol=0, atol=1e-12)
    # Each particle carries the same current, and each fills in its own way.
    np.testing.assert_allclose(space["x"].mean(axis=(2, 3))[:, -1], 0.1 + 1 / 3, rtol=0, atol=1e-12)
    assert np.corrcoef(np.asarray(space["x"][:, -1]).reshape(3, -1))[0, 1] < 0.9
    jax.clear_caches()
