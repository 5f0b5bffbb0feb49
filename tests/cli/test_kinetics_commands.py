"""The commands on the cell's trace and the kinetics."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from lithiscope.cli.app import app
from lithiscope.studies.recipe import load_recipe
from studies.kinetic_beamtime import write_kinetic_beamtime


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_kinetic_beamtime(tmp_path_factory.mktemp("commands")).parent


def call(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_trace_tells_and_draws(folder, tmp_path):
    picture = tmp_path / "trace.png"
    shown = call("trace", str(folder / "raw" / "cell.mpt"), "--capacity", "5e-9", "--out", str(picture))
    assert shown.exit_code == 0, shown.output
    assert "3 half cycle(s)" in shown.stdout
    assert "0.3C" in shown.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_trace_tries_the_remedies_that_errors_name(folder, tmp_path):
    import numpy as np
    import scipy.io

    def trace(file, *arguments):
        return call("trace", str(file), "--out", str(tmp_path / "picture.png"), *arguments)

    shares = tmp_path / "shares_0C05.mat"
    curve = {"normalizedCapacity": np.linspace(0, 1, 60), "voltage": np.linspace(3.2, 3.6, 60)}
    scipy.io.savemat(shares, {"batteryData": curve})
    with pytest.raises(Exception, match="shares of the capacity only"):
        CliRunner().invoke(app, ["trace", str(shares)], catch_exceptions=False)
    for arguments in (("--capacity", "2"), ("--set", "capacity_ah=2"), ("--set", "cell.read.capacity_ah=2")):
        shown = trace(shares, *arguments)
        assert shown.exit_code == 0, shown.output
        assert "100 mA " in shown.stdout
    assert "delithiation" not in trace(folder / "raw" / "cell.mpt").stdout.splitlines()[3]
    turned = trace(folder / "raw" / "cell.mpt", "--set", "current_sign=-1")
    assert turned.exit_code == 1
    assert "0 delithiation" in turned.stdout
    assert "error: the current has the wrong sign" in turned.stdout
    bare = tmp_path / "bare.txt"
    bare.write_text("".join(f"{10 * k} {3.9 - 0.005 * k}\n" for k in range(60)))
    columns = ("--set", "columns.test_time_second=[0, s]", "--set", "columns.voltage_volt=[1, V]")
    assert "current: none" in trace(bare, *columns).stdout
    assert "0 lithiation" in trace(bare, *columns, "--set", "current_ampere=-0.01").stdout
    with pytest.raises(Exception, match="no such option"):
        CliRunner().invoke(app, ["trace", str(bare), "--set", "clock.source=edges"], catch_exceptions=False)


def test_new_with_a_trace_writes_both_sections(folder, tmp_path):
    scans, trace = str(folder / "raw" / "scan_*.hdr"), str(folder / "raw" / "cell.mpt")
    out = tmp_path / "with.yaml"
    assert call("new", scans, "--out", str(out), "--cell", trace).exit_code == 0
    recipe = load_recipe(out)
    assert recipe.cell.files == ("cell.mpt",)
    assert recipe.kinetics.compute
    text = out.read_text()
    assert "\ncell:" in text
    assert "\nkinetics:" in text
    for option in ("nominal_capacity_ah", "offset_std", "transport"):
        assert option in text


def test_new_without_a_trace_leaves_both_out_unless_asked(folder, tmp_path):
    scans = str(folder / "raw" / "scan_*.hdr")
    plain, rates = tmp_path / "plain.yaml", tmp_path / "rates.yaml"
    assert call("new", scans, "--out", str(plain)).exit_code == 0
    assert call("new", scans, "--out", str(rates), "--kinetics").exit_code == 0
    assert "\ncell:" not in plain.read_text()
    assert "\nkinetics:" not in plain.read_text()
    assert "\ncell:" not in rates.read_text()
    assert load_recipe(rates).kinetics.compute


def test_run_then_pool(folder, tmp_path):
    out = tmp_path / "out"
    shown = call("run", str(folder / "recipe.yaml"), "--out", str(out))
    assert shown.exit_code == 0, shown.output
    for name in ("page.html", "rate_table.csv", "uniformity.csv", "half_cycles.csv", "cell_frames.csv"):
        assert str(out / name) in shown.stdout.replace("\n", "")
        assert (out / name).stat().st_size > 100
    pooled = call("pool", str(out), "--draws", "200")
    assert pooled.exit_code == 0, pooled.output
    assert "lithiation 0.3C" in pooled.stdout
    assert "3 particle(s)" in pooled.stdout
    assert "j0" not in pooled.stdout
    assert call("pool", str(out), "--quantity", "rate_table.insertion_rate").exit_code == 0


def test_a_warning_is_one_plain_line(folder, tmp_path):
    import subprocess
    import sys

    # A file cut within its last row is read up to it, with a warning.
    whole = (folder / "raw" / "cell.mpt").read_bytes()
    (tmp_path / "cut.mpt").write_bytes(whole[:-40])
    command = [sys.executable, "-c", "from lithiscope.cli import main; main()", "trace", "cut.mpt"]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert shown.returncode == 0
    assert shown.stderr.startswith("warning: ")
    assert ".py" not in shown.stderr
