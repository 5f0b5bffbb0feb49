"""Numerical kernels on bare arrays."""
