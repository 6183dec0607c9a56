"""The fastest way this machine has to run a compiled function. The scripts ask for it; an import changes nothing.

PyTensor installed by pip compiles with Numba. With a C++ compiler and OpenBLAS its C backend is faster still; the
OpenBLAS to link to is that of the package scipy-openblas32, or else the system's. The products of a minibatch are too
small to be shared out among threads, so BLAS gets one, where threadpoolctl is there to tell those that are loaded. Both
packages are in the extra `fast`.
"""
import ctypes.util
import importlib
import os
import sys
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
    library = sys.platform == 'linux' and ctypes.util.find_library('openblas')
    compiles = config.cxx and os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))
    if compiles and (openblas or library):
        config.linker = 'cvm'
        config.gcc__cxxflags = C_FLAGS
        used = 'in C with OpenBLAS'
        if openblas:
            folder = openblas.get_lib_dir()
            config.blas__ldflags = f'-L{folder} -l{openblas.get_library()} -Wl,-rpath,{folder}'
            # Its symbols have a prefix, so that they get in nobody's way.
            names = [f'{letter}{name}_' for letter in 'sd' for name in BLAS_NAMES]
            config.gcc__cxxflags += ''.join(f' -D{name}=scipy_{name}' for name in names)
        else:
            config.blas__ldflags = f'-l:{library}'
            os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # read when the library is loaded
    if threadpoolctl := _optional('threadpoolctl'):
        threadpoolctl.threadpool_limits(1, user_api='blas')
    return used


def _optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
