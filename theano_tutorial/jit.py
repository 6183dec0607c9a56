"""Numba for small loops that every backend of PyTensor uses."""
try:
    import numba
except ImportError:
    numba = None


def compiled(**options):
    """A decorator: compile a function with Numba, and keep the result on disk if there is a folder for it.

    Without Numba the function stays as it is.
    """
    def decorate(function):
        if numba is None:
            return function
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no cache folder can be written
            return numba.njit(nogil=True, **options)(function)
    return decorate
