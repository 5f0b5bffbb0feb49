"""Laws as pure functions over NumPy or JAX arrays: chemical potential, exchange current, reaction laws, stability."""
