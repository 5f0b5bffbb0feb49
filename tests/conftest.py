"""Shared by all tests: shape checking of the kernels, and the folder of real data."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Tests compile much and compute little; must stand before the first program is compiled.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("NPROC", "1")  # threads of XLA: the tests run in as many processes as there are cores

# What one worker has compiled serves the others, and later tests of the same program.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _compiled = tempfile.TemporaryDirectory(prefix="lithiscope-tests-")
    os.environ |= {"JAX_COMPILATION_CACHE_DIR": _compiled.name, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3"}

# Numerical kernels state their array shapes with jaxtyping; in tests (and only there) beartype holds them to it.
KERNELS = [
    "lithiscope.cell.kernels",
    "lithiscope.composition.xray.kernels",
    "lithiscope.frames.kernels",
    "lithiscope.grid.kernels",
    "lithiscope.instruments.stxm.kernels",
    "lithiscope.kinetics.kernels",
    "lithiscope.particles.kernels",
]
_hook = install_import_hook(KERNELS, "beartype.beartype")

settings.register_profile("lithiscope", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("lithiscope")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of files from real instruments; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("LITHISCOPE_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set LITHISCOPE_DATA")
    return folder
