"""This machine: the fastest backend, its BLAS, and the loops that are compiled."""
