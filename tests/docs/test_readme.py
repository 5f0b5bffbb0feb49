from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lithiscope.instruments.stxm import MicroscopeOptions, three_platelets
from lithiscope.verification.virtual_stxm import make_experiment

README = Path(__file__).parents[2] / "README.md"


def test_the_python_of_the_readme_runs_as_it_stands(tmp_path, monkeypatch):
    # The microscope does just what the example assumes: nothing moves, and the noise is that of counting.
    microscope = MicroscopeOptions(
        pixel=0.07, probe_nodes=3, drift_velocity=(0, 0), drift_step=0, jitter=0, flicker_pixel=0, dark_counts=0
    )
    make_experiment(tmp_path / "raw", three_platelets("uniform"), [3600.0, 5000.0], microscope=microscope)
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict = {}
    exec(compile(block, "README.md", "exec"), names)
    means = names["table"]["lithium_fraction"].values
    assert means.shape == (3, 2)
    # A uniform solid solution at 0.6C: half way after 3000 s of lithiation, and on from there at 0.6 an hour.
    middle = names["video"]["time"].values - names["video"]["time"].values[0]
    expected = (3000 + float(names["scans"]["time"][0])) * 0.6 / 3600 + middle * 0.6 / 3600
    np.testing.assert_allclose(means, np.broadcast_to(expected, (3, 2)), atol=0.012)


def test_every_command_of_the_readme_exists():
    from typer.testing import CliRunner

    from lithiscope.cli.app import app

    commands = set(re.findall(r"^    lithiscope (\w+)", README.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert commands >= {"look", "new", "check", "run"}
    for command in commands:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_in_the_makefile(target):
    assert f"\n{target}:" in (README.parent / "Makefile").read_text(encoding="utf-8")
