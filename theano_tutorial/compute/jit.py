"""Numba: for small loops that every backend of PyTensor uses, and for PyTensor's own Numba backend."""
import importlib


def optional(name):
    """The module of that name, or None if it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


numba = optional('numba')


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


# for_numba(Op) is a decorator of function(op, node) -> (what PyTensor's Numba backend runs for it, cache key).
try:
    from pytensor.link.numba.dispatch.basic import numba_njit
    from pytensor.link.numba.dispatch.basic import register_funcify_and_cache_key as for_numba
except (ImportError, OSError):
    # Without Numba, or without a folder where PyTensor can keep what it compiles, the other backends still work.
    def for_numba(op_type):
        return lambda function: function

    numba_njit = None
