"""The fastest way to run a compiled function on this machine. Scripts call use_fastest(); importing changes nothing.

PyTensor installed by pip computes with Numba. With a C++ compiler and a fast BLAS its C backend is faster. Where there
is neither, NumPy computes. The page's products are too small to be divided among threads, so BLAS gets one, unless the
user set another number. Larger ones are divided in C with OpenBLAS on Linux, see small_gemm_5.h, and by Numba with
OpenBLAS, see numba_products.py, among as many threads as BLAS had: one for each core, or what the user set in the
environment or with threadpoolctl.
"""
import contextlib
import ctypes
import functools
import os
import platform
import re
import sys
import sysconfig
import tempfile
import zlib

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor import config
from pytensor.compile.mode import get_default_mode
from pytensor.link.c.cmodule import GCC_compiler

from theano_tutorial.compute import blas, numba_products, numpy_backend
from theano_tutorial.compute.jit import optional
from theano_tutorial.errors import InputError

# With C++14 the headers that Python.h includes are half as long: a sixth of the time that g++ takes for a module.
C_FLAGS = '-std=gnu++14 -g0 -O3 -fno-math-errno -fno-trapping-math'
# Makes glibc's headers declare exp and log1p for whole vectors. -ffast-math defines it too, but also reorders sums,
# ignores NaN, and flushes small numbers to zero in the whole process.
GLIBC_VECTOR_MATH = ' -D__FAST_MATH__'
ONE_THREAD = 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS'
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
# Modes and linkers that cannot run the tutorial, and why.
CANNOT = {**dict.fromkeys(['jax', 'pytorch', 'mlx'], 'it cannot slice the data by a symbolic index'),
          'nanguardmode': 'it takes the random states for arrays'}
_chosen: tuple = None, None  # the settings that _choose made, and their description


def use_fastest():
    """Configure PyTensor and the threads of its BLAS for this process. Returns a description of what is used.

    What the user set in PYTENSOR_FLAGS or .pytensorrc stays as it is; flags that the BLAS needs are added to
    gcc__cxxflags. Environment variables that the BLAS and the compiler read are set, too, and how much freed memory
    glibc keeps.

    Raises InputError (a ValueError) if a mode is set that cannot run the tutorial, or if PyTensor's folder for compiled
    code cannot be written.
    """
    try:
        os.makedirs(config.base_compiledir, exist_ok=True)
        with tempfile.TemporaryFile(dir=config.base_compiledir):
            pass
    except OSError as error:
        raise InputError(f'{config.base_compiledir}: {error.strerror or error}; PyTensor keeps compiled code there; '
                         'for another folder set PYTENSOR_FLAGS=base_compiledir=FOLDER') from None
    for value in str(config.mode), config.linker:
        if value.lower() in CANNOT:
            raise InputError(f'{value} cannot run the tutorial, because {CANNOT[value.lower()]}; '
                             'use the default, NUMBA or FAST_COMPILE')
    _keep_freed_memory()
    threads, given = _users_threads()
    used = _choose()
    divides = config.linker.startswith('c') and _divides_products(config.gcc__cxxflags)
    if divides:
        os.environ[blas.LARGE_GEMM_THREADS] = str(threads)
    elif not config.linker.startswith('c'):
        os.environ.setdefault('OPENBLAS_THREAD_TIMEOUT', '4')  # else its threads stay awake for a while, at work or not
        with _one_thread(_not_set()):
            optional('scipy.linalg')  # loads Numba's BLAS, so that threadpoolctl finds it
        divides = type(get_default_mode().linker).__name__ == 'NumbaLinker' and numba_products.divide(threads)
    if threadpoolctl := optional('threadpoolctl'):
        for library in threadpoolctl.ThreadpoolController().select(user_api='blas').lib_controllers:  # loaded by now
            if divides or not given.keys() & {f'{library.internal_api.upper()}_NUM_THREADS', 'OMP_NUM_THREADS'}:
                library.set_num_threads(1)
    if divides:
        return used + (f', up to {threads} threads' if threads > 1 else ', one thread')
    return ', '.join([used, *map('='.join, given.items())])


def _keep_freed_memory():
    """Let glibc keep what each step of a training frees for the next: new pages can take longer than the step itself.

    That is up to 256 MB, of arrays up to 32 MB each. Does nothing if the environment has settings for it.
    """
    given = any(name.startswith(('MALLOC_', 'GLIBC_TUNABLES')) for name in os.environ)
    if platform.libc_ver()[0] == 'glibc' and not given:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, 256 << 20)


@functools.cache  # later they have the numbers that use_fastest() gave them
def _users_threads():
    """The number of threads that BLAS has, one for each core or what the user set, and that in the environment."""
    given = {name: os.environ[name] for name in (*ONE_THREAD, 'OMP_NUM_THREADS') if os.environ.get(name)}
    if threadpoolctl := optional('threadpoolctl'):
        libraries = [library for library in threadpoolctl.threadpool_info() if library['user_api'] == 'blas']
        if libraries:
            return min(library['num_threads'] for library in libraries), given
    # What OpenBLAS takes.
    cores = os.cpu_count() or 1
    if sys.platform == 'linux':
        cores = len(os.sched_getaffinity(0))
    asked = [int(given[name]) for name in ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS') if given.get(name, '').isdigit()]
    return min([*asked[:1], cores]) or cores, given


def _divides_products(cxxflags):
    return blas.DIVIDES_PRODUCTS and blas.SMALL_GEMM in cxxflags


def _not_set():
    """The variables of ONE_THREAD, unless the user set a number."""
    return [] if os.environ.get('OMP_NUM_THREADS') else [name for name in ONE_THREAD if name not in os.environ]


@contextlib.contextmanager
def _one_thread(variables):
    """A BLAS that is loaded here has one thread. Another process must not take that for what the user set."""
    given = {variable: os.environ[variable] for variable in variables if variable in os.environ}
    os.environ.update(dict.fromkeys(variables, '1'))
    try:
        yield
    finally:
        for variable in variables:
            del os.environ[variable]
        os.environ.update(given)


def versions():
    """Python, PyTensor, numpy, BLAS and processor of this run, in one line."""
    return (f'Python {platform.python_version()}, PyTensor {pytensor.__version__}, numpy {np.__version__}, '
            f'BLAS {blas.version()}, {_cpuinfo("model name") or platform.processor() or platform.machine()}, '
            f'{os.cpu_count()} cores')


def _cpuinfo(name):
    """What Linux says of the first processor under this name, else an empty string."""
    with contextlib.suppress(OSError), open('/proc/cpuinfo') as file:
        for line in file:
            if line.startswith(f'{name}\t'):
                return line.split(':')[1].strip()
    return ''


def _c_flags():
    flags = C_FLAGS
    if platform.libc_ver()[0] == 'glibc':
        flags += GLIBC_VECTOR_MATH
    if instructions := _cpuinfo('flags'):
        # Without -march PyTensor runs the compiler three times to find its meaning. It does so since several machines
        # may share a folder of compiled code: the macro keeps code for other instructions apart.
        flags += f' -march=native -DINSTRUCTIONS={zlib.crc32(instructions.encode())}'
    return flags


def _choose():
    if _settings() == _chosen[0]:
        return _chosen[1]
    if config.mode != 'Mode' or config.linker != 'auto':
        return f'with mode={config.mode}, linker={config.linker}, as configured'
    if not config.cxx:
        return _without_c('no C++ compiler')

    with _one_thread(ONE_THREAD if blas.DIVIDES_PRODUCTS else _not_set()):
        name, ldflags, flags = blas.find()  # which loads scipy-openblas32
    if not ldflags:
        return _without_c('no BLAS for C; the extra "fast" installs one')
    cxxflags = (config.gcc__cxxflags or _c_flags()) + flags
    config.blas__ldflags = ldflags  # permanently: Numba ignores it, and reading its default searches the disk
    with (_one_thread(ONE_THREAD if _divides_products(flags) else _not_set()),
          config.change_flags(linker='cvm', gcc__cxxflags=cxxflags)):
        reason = _compile_error()
    if reason:
        return _without_c(reason)
    config.linker, config.gcc__cxxflags = 'cvm', cxxflags
    return _remembered(f'in C with {name}')


def _without_c(reason):
    if optional('numba'):
        return f'with Numba ({reason})'
    config.mode, config.cxx = numpy_backend.mode(), ''  # scan would use the compiler in this mode, too
    return _remembered(f'with NumPy (no Numba; {reason})')


def _settings():
    return config.mode, config.linker, config.gcc__cxxflags


def _remembered(used):
    global _chosen
    _chosen = _settings(), used
    return used


def _compile_error():
    """Compile and run products of the page's sizes. Returns None if that works, else what went wrong, in short."""
    # An empty module first: PyTensor takes the products from its cache even if the compiler no longer works. With its
    # include guard defined, Python.h must be there, and takes no time.
    works, _, errors = GCC_compiler.try_compile_tmp(
        '#define Py_PYTHON_H\n#include <Python.h>\nint main() { return 0; }', output=True,
        flags=[f'-I{sysconfig.get_path("include")}'])
    if works:
        try:
            return _wrong_product()
        except Exception as error:  # whatever a compiler, a linker or a loader can do
            errors = f'{type(error).__name__}: {error}'.encode()
    found = re.search(r'(fatal )?error\b.*', errors.decode(errors='replace'), re.IGNORECASE)
    return found and f'the C++ compiler does not work: {found[0].strip()}'


def _wrong_product():
    """What is wrong with the products of a training step in floatX; None if all are right."""
    dtype = 'float32' if config.floatX == 'float32' else 'float64'
    random = np.random.RandomState(0)
    x, W = pt.matrix('x', dtype=dtype), pt.matrix('W', dtype=dtype)
    # Of small integers, so that no sum is rounded, in whatever order it is added. einsum needs no BLAS.
    values = random.randint(0, 2, (20, 784)), random.randint(-1, 2, (784, 100))
    y = np.einsum('ij,jk', *values)
    expected = y, np.einsum('ij,kj', y, values[1]), np.einsum('ji,jk', values[0], y)
    y = pt.dot(x, W)
    products = pytensor.function([x, W], [y, pt.dot(y, W.T), pt.dot(x.T, y)])
    if all(map(np.array_equal, products(*(value.astype(dtype) for value in values)), expected)):
        return None
    return f'a wrong product in C, {dtype}'
