"""Double precision for JAX, which computes in single precision unless told otherwise."""

from __future__ import annotations

import jax

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
