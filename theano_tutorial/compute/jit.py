"""Numba: for small loops that every backend of PyTensor uses, and for PyTensor's own Numba backend."""
import functools
import importlib.util
import os
import sys
import threading

from pytensor import config
from pytensor.compile import optdb
from pytensor.graph.rewriting.basic import GraphRewriter


def optional(name):
    """The module of that name, or None if it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def compiled(**options):
    """A decorator: compile a function with Numba, and keep the result on disk if there is a folder for it.

    Without Numba the function stays as it is.
    """
    def decorate(function):
        numba = optional('numba')
        if numba is None:
            return function
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no cache folder can be written
            return numba.njit(nogil=True, **options)(function)
    return decorate


def numba_njit(function):
    """PyTensor's decorator of what its Numba backend runs."""
    from pytensor.link.numba.dispatch.basic import numba_njit
    return numba_njit(function)


_first_calls: list = []


def first_call(function):
    """A decorator of function(dtype), which calls a compiled function for the first time, with arrays of that dtype."""
    _first_calls.append(function)
    return function


@functools.cache  # once is enough
def start_compiling():
    """Make the first calls, in floatX, in a thread: Numba is imported and compiles while a C compiler does the rest.

    For the prepare_node() of an Op whose perform() needs Numba. Does nothing where there is none.
    """
    if importlib.util.find_spec('numba'):
        dtype = 'float32' if config.floatX == 'float32' else 'float64'
        thread = threading.Thread(target=lambda: [function(dtype) for function in _first_calls])
        thread.start()
        if sys.platform != 'win32':
            os.register_at_fork(before=thread.join)  # in the child nobody would release the locks of the thread


_before_numba: list = []


def before_numba(function):
    """A decorator of function(): it is called before PyTensor compiles the first graph with Numba.

    What it needs of PyTensor's Numba backend it imports itself. That takes as long as to import the rest of PyTensor,
    and the C backend does not need it.
    """
    _before_numba.append(function)
    return function


def for_numba(op_type):
    """A decorator of function(op, node) -> (what PyTensor's Numba backend runs for it, cache key)."""
    def decorate(function):
        @before_numba
        def register():
            from pytensor.link.numba.dispatch.basic import register_funcify_and_cache_key
            register_funcify_and_cache_key(op_type)(function)
        return function
    return decorate


class BeforeNumba(GraphRewriter):
    """Call what before_numba() was given; with the name of a rewrite that each mode with Numba includes."""

    def apply(self, fgraph):
        while _before_numba:
            _before_numba.pop()()


optdb.register('before_numba', BeforeNumba(), 'numba', position=-1)
