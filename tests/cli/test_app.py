from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-c", "from lithiscope.cli import main; main()"]


def call(*arguments: str, cwd=None) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=cwd, check=False)


def test_help_teaches_and_is_fast():
    times = []
    for _ in range(5):
        clock = time.perf_counter()
        shown = call("--help")
        times.append(time.perf_counter() - clock)
    assert shown.returncode == 0
    for word in ("look", "new", "check", "run", "show", "verify", "demo", "lithiscope look scan_001.hdr"):
        assert word in shown.stdout
    # The bar is 0.5 s; the smallest of five is what the program needs, the rest is other load on the machine.
    assert min(times) < 0.5, statistics.median(times)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, lithiscope; print([m for m in ('numpy', 'xarray', 'scipy', 'matplotlib') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_problem_is_one_message_and_exit_code_two(tmp_path):
    shown = call("run", str(tmp_path / "none.yaml"))
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: the recipe cannot be read")
    assert "Traceback" not in shown.stderr


def test_what_the_file_system_refuses_is_one_message(tmp_path):
    (tmp_path / "file").write_text("in the way")
    shown = call("demo", str(tmp_path / "file" / "demo"))
    assert shown.returncode == 2
    assert shown.stderr.splitlines()[-3].startswith("error: the file system said no")
    assert "Traceback" not in shown.stderr


def test_the_schema_is_json():
    assert json.loads(call("schema").stdout)["title"] == "Recipe"


def test_version():
    assert call("--version").stdout.startswith("lithiscope 0.")


def test_the_whole_evening(tmp_path, beamtime_files):
    shown = call("look", "raw/scan_002.hdr", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "scan_002.look.png").stat().st_size > 10_000
    assert call("new", "raw/scan_*.hdr", cwd=tmp_path).returncode == 0
    spectra = "{LFP: {file: LiFePO4.csv, lithium_content: 1}, FP: {file: FePO4.csv, lithium_content: 0}}"
    setting = f"references.spectra={spectra}"
    assert call("check", "recipe.yaml", cwd=tmp_path).returncode == 2
    shown = call("check", "recipe.yaml", "--set", setting, cwd=tmp_path)
    assert shown.returncode == 0, shown.stdout
    shown = call("run", "recipe.yaml", "--set", setting, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "page:  recipe-results/page.html" in shown.stdout
    assert (tmp_path / "recipe-results" / "page.html").exists()
    assert "particles" in call("show", "recipe-results", cwd=tmp_path).stdout


@pytest.fixture
def beamtime_files(tmp_path):
    from lithiscope.instruments.stxm import MicroscopeOptions, three_platelets
    from lithiscope.verification.virtual_stxm import make_experiment

    microscope = MicroscopeOptions(pixel=0.07, probe_nodes=3)
    return make_experiment(tmp_path / "raw", three_platelets("mixed"), [1200.0, 3000.0, 4800.0], microscope=microscope)


def test_compiled_programs_are_kept_where_the_user_keeps_caches(monkeypatch, tmp_path):
    from lithiscope.cli.app import _keep_compiled

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "chosen")
    _keep_compiled()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "chosen"
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    _keep_compiled()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "lithiscope" / "compiled")
