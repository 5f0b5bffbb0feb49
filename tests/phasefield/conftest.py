"""Compiled programs are dropped after each file: kept to the end they fill gigabytes of memory."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def _compiled_programs() -> Iterator[None]:
    yield
    jax.clear_caches()
