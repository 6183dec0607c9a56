"""The fastest way this machine has to run a compiled function. The scripts ask for it; an import changes nothing.

PyTensor installed by pip compiles with Numba. With a C++ compiler and OpenBLAS its C backend is faster still, and the
package scipy-openblas32 carries an OpenBLAS to link to. The products of a minibatch are too small to be shared out
among threads, so BLAS gets one, where threadpoolctl is there to tell it. Both packages are in the extra `fast`.
"""
import importlib
import os
import sysconfig

import scipy.linalg  # noqa: F401  Numba's BLAS, which must be loaded before it can be told
from pytensor import config

# The macro makes glibc's headers offer exp and log1p for whole vectors. -ffast-math would define it too, and besides
# reorder sums, forget about NaN, and flush small numbers to zero in the whole process.
C_FLAGS = '-O3 -fno-math-errno -fno-trapping-math -D__FAST_MATH__'
BLAS_NAMES = ('gemm', 'gemv', 'ger', 'dot', 'axpy', 'scal', 'copy', 'swap', 'nrm2')


def use_fastest():
    """Configure PyTensor for this process, and its BLAS for one thread. Returns the words that say what is used.

    What the user chose, in PYTENSOR_FLAGS or .pytensorrc, stays as it is.
    """
    if config.mode != 'Mode' or config.linker != 'auto' or 'blas__' in os.environ.get('PYTENSOR_FLAGS', ''):
        return 'as PYTENSOR_FLAGS ask'
    used = 'with Numba'
    openblas = _optional('scipy_openblas32')
    if openblas and config.cxx and os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')):
        folder = openblas.get_lib_dir()
        config.linker = 'cvm'
        config.blas__ldflags = f'-L{folder} -l{openblas.get_library()} -Wl,-rpath,{folder}'
        # Its symbols have a prefix, so that they get in nobody's way.
        names = [f'{letter}{name}_' for letter in 'sd' for name in BLAS_NAMES]
        config.gcc__cxxflags = ' '.join([C_FLAGS, *(f'-D{name}=scipy_{name}' for name in names)])
        used = 'in C with OpenBLAS'
    if threadpoolctl := _optional('threadpoolctl'):
        threadpoolctl.threadpool_limits(1, user_api='blas')
    return used


def _optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
