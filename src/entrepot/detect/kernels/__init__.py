"""Numerical kernels on arrays: they know nothing of tables, lakes or options."""
