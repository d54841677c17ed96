"""Compiled loops, one module a theme: numba and numpy only, plain arguments, no checks. Nothing else knows numba."""
