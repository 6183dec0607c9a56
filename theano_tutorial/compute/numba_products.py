"""The products of PyTensor's Numba backend: large ones by several threads of OpenBLAS, the others by one.

OpenBLAS's threads wait for each other. With two, products above 4 * 10^7 multiplications take 0.54 to 0.67 times as
long as with one, and up to 1.8 times as long while another process uses a core; with smaller ones that is 2.4 times.
"""
import ctypes
import glob
import os

import scipy

from theano_tutorial.compute.jit import before_numba, numba_njit, optional

SYMBOL = 'theano_tutorial_set_num_threads'
_threads = 1  # for the large products


def divide(threads):
    """Let the large products of functions that are compiled from now on have so many threads, and others one.

    Returns False, and does nothing, without Numba or if it does not multiply with OpenBLAS.
    """
    global _threads
    set_num_threads = optional('numba') and _set_num_threads()
    if not set_num_threads:
        return False
    set_num_threads(1)
    optional('llvmlite.binding').add_symbol(SYMBOL, ctypes.cast(set_num_threads, ctypes.c_void_p).value)
    _threads = threads
    return True


def _set_num_threads():
    """The function of OpenBLAS in SciPy, whose BLAS Numba uses; None if that is another one."""
    from scipy.linalg import cython_blas
    # On Windows only the library itself tells the names of its functions.
    for path in cython_blas.__file__, *glob.glob(f'{glob.escape(os.path.dirname(scipy.__file__))}.libs/*openblas*'):
        library = ctypes.CDLL(path)
        for name in 'scipy_openblas_set_num_threads', 'openblas_set_num_threads':
            if function := getattr(library, name, None):
                return function
    return None


@before_numba
def register():
    """Wrap what PyTensor's Numba backend runs for a product."""
    from numba.core import types
    from pytensor.link.numba.dispatch import basic
    from pytensor.tensor.math import Dot
    whole = basic.numba_funcify_and_cache_key.dispatch(Dot)
    set_num_threads = types.ExternalFunction(SYMBOL, types.void(types.intc))

    @basic.register_funcify_and_cache_key(Dot)
    def product(op, node, **kwargs):
        dot, key = whole(op, node=node, **kwargs)
        threads = _threads
        if threads == 1 or any(variable.type.ndim != 2 for variable in node.inputs):
            return dot, key

        @numba_njit
        def divided(x, y):
            large = x.shape[0] * x.shape[1] * y.shape[1] > 40_000_000
            if large:
                set_num_threads(threads)
            result = dot(x, y)
            if large:
                set_num_threads(1)
            return result

        return divided, key and f'theano_tutorial.numba_products {key} {threads} 1'
