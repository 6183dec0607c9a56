"""The fastest way to run a compiled function on this machine. Scripts call use_fastest(); importing changes nothing.

PyTensor installed by pip computes with Numba. With a C++ compiler and a fast BLAS its C backend is faster. The BLAS is
the one that conda or macOS brings, or, on Linux with an Intel processor, the package mkl, or the package
scipy-openblas32, or what the system has. The products of a minibatch are too small to be divided among threads, so BLAS
gets one.
"""
import contextlib
import ctypes.util
import importlib.metadata
import os
import platform
import re
import shlex
import sys
import sysconfig
import warnings

import numpy as np
import pytensor
import pytensor.tensor as pt
import scipy.linalg  # noqa: F401  loads Numba's BLAS, so that threadpoolctl finds it
from pytensor import config
from pytensor.link.c.cmodule import GCC_compiler

from theano_tutorial import InputError
from theano_tutorial.storage import make_folder

C_FLAGS = '-g0 -O3 -fno-math-errno -fno-trapping-math'
# Makes glibc's headers declare exp and log1p for whole vectors. -ffast-math defines it too, but also reorders sums,
# ignores NaN, and flushes small numbers to zero in the whole process.
GLIBC_VECTOR_MATH = ' -D__FAST_MATH__'
BLAS_NAMES = ('gemm', 'gemv', 'ger', 'dot', 'axpy', 'scal', 'copy', 'swap', 'nrm2')
ONE_THREAD = 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS'
SMALL_GEMM = 'small_gemm_1.h'
# Modes and linkers that cannot run the tutorial, and why.
CANNOT = {**dict.fromkeys(['jax', 'pytorch', 'mlx'], 'which slices the data by a symbolic index'),
          'nanguardmode': 'whose random states it takes for arrays'}
_chosen = ('', '', '')  # linker, gcc__cxxflags and description


def use_fastest():
    """Configure PyTensor for this process, and its BLAS for one thread. Returns a description of what is used.

    What the user set in PYTENSOR_FLAGS or .pytensorrc stays as it is; flags that the BLAS needs are added to
    gcc__cxxflags. Environment variables that the BLAS and the compiler read are set, too.

    Raises InputError (a ValueError) if a mode is set that cannot run the tutorial, or if PyTensor's folder for compiled
    code cannot be written.
    """
    try:
        make_folder(config.base_compiledir)
    except OSError as error:
        raise InputError(f'{config.base_compiledir}: {error.strerror or error}; PyTensor keeps compiled code there; '
                         'for another folder set PYTENSOR_FLAGS=base_compiledir=FOLDER') from None
    for value in config.mode, config.linker:
        if value.lower() in CANNOT:
            raise InputError(f'{value} cannot run the tutorial, {CANNOT[value.lower()]}; '
                             'use the default, NUMBA or FAST_COMPILE')
    used = _choose()
    if threadpoolctl := _optional('threadpoolctl'):
        threadpoolctl.threadpool_limits(1, user_api='blas')  # of the libraries that are loaded by now
    return used


def versions():
    """Python, PyTensor, numpy, BLAS and processor of this run, in one line."""
    if config.linker.startswith('c'):
        blas = 'Accelerate' if 'Accelerate' in config.blas__ldflags else config.blas__ldflags
        for library, package in ('scipy_openblas', 'scipy-openblas32'), ('mkl', 'mkl'):
            if library in blas:
                blas = package
                with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                    blas += f' {importlib.metadata.version(package)}'
                break
    else:
        build = scipy.show_config(mode='dicts')['Build Dependencies']['blas']
        blas = f'{build["name"]} {build["version"]}'
    return (f'Python {platform.python_version()}, PyTensor {pytensor.__version__}, numpy {np.__version__}, '
            f'BLAS {blas}, {_processor()}, {os.cpu_count()} cores')


def _processor():
    with contextlib.suppress(OSError), open('/proc/cpuinfo') as file:
        for line in file:
            if line.startswith('model name'):
                return line.split(':')[1].strip()
    return platform.processor() or platform.machine()


def _choose():
    global _chosen
    if (config.linker, config.gcc__cxxflags) == _chosen[:2]:
        return _chosen[2]
    if config.mode != 'Mode' or config.linker != 'auto':
        return f'with mode={config.mode}, linker={config.linker}, as configured'
    if not config.cxx:
        return 'with Numba (no C++ compiler)'

    for variable in ONE_THREAD:  # read when the library is loaded; threadpoolctl sets it for those that are loaded
        os.environ.setdefault(variable, '1')
    blas, ldflags, flags = _find_blas()
    if not ldflags:
        return 'with Numba (no BLAS for C; the extra "fast" installs one)'
    vector_math = GLIBC_VECTOR_MATH if platform.libc_ver()[0] == 'glibc' else ''
    cxxflags = (config.gcc__cxxflags or C_FLAGS + vector_math) + flags
    config.blas__ldflags = ldflags  # permanently: Numba ignores it, and reading its default searches the disk
    with config.change_flags(linker='cvm', gcc__cxxflags=cxxflags):
        reason = _compile_error()
    if reason:
        return f'with Numba (the C++ compiler does not work: {reason})'
    config.linker, config.gcc__cxxflags = 'cvm', cxxflags
    _chosen = 'cvm', cxxflags, f'in C with {blas}'
    return _chosen[2]


def _find_blas():
    """(name, ldflags, cxxflags) of the BLAS to link to; all are empty if there is none."""
    if 'blas__ldflags=' in os.environ.get('PYTENSOR_FLAGS', '') or _in_pytensorrc('blas__ldflags'):
        return f'blas__ldflags={config.blas__ldflags}', config.blas__ldflags, ''
    # It takes PyTensor half a second to search the disk.
    if sys.platform == 'darwin' or os.path.exists(os.path.join(sys.prefix, 'conda-meta')):
        if found := _found_by_pytensor():
            return found
    # With other processors MKL is slower than OpenBLAS, see benchmarks/README.md.
    if 'Intel' in _processor() and (mkl := _mkl()):
        return mkl
    if openblas := _optional('scipy_openblas32'):
        # Its symbols have a prefix, so that they do not clash with those of another BLAS.
        macros = ''.join(f' -D{letter}{name}_=scipy_{letter}{name}_' for letter in 'sd' for name in BLAS_NAMES)
        # PyTensor splits the flags as a shell does, and adds -rpath for each -L.
        ldflags = f'{shlex.quote("-L" + openblas.get_lib_dir())} -l{openblas.get_library()}'
        return 'OpenBLAS', ldflags, macros + _include_small_gemm()
    library = sys.platform == 'linux' and ctypes.util.find_library('openblas')
    if library:
        return 'OpenBLAS', f'-l:{library}', _include_small_gemm()
    return _found_by_pytensor() or ('', '', '')


def _found_by_pytensor():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # if it finds none
        ldflags = config.blas__ldflags
    name = next((name for name in ('MKL', 'Accelerate', 'OpenBLAS') if name.lower() in ldflags.lower()), 'BLAS')
    return ldflags and (name, ldflags, '')


def _mkl():
    """As _find_blas, for the package mkl; None if it is not installed."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files('mkl') or ():
            if re.fullmatch(r'libmkl_rt\.so\.\d+', file.name):
                os.environ.setdefault('MKL_THREADING_LAYER', 'SEQUENTIAL')
                folder = os.path.dirname(os.path.realpath(file.locate()))
                _add_folder('LIBRARY_PATH', folder)  # for -L PyTensor warns that there is no file without a version
                return 'MKL', f'-l:{file.name} {shlex.quote("-Wl,-rpath," + folder)}', ''
    return None


def _include_small_gemm():
    """The compiler's flag for SMALL_GEMM, which is in this folder."""
    if platform.machine() not in ('x86_64', 'AMD64'):
        return ''
    # Not as a flag: PyTensor splits those at spaces, which a folder may have.
    _add_folder('CPLUS_INCLUDE_PATH', os.path.dirname(os.path.abspath(__file__)))
    return f' -include {SMALL_GEMM}'


def _add_folder(variable, folder):
    """Have the compiler search a folder."""
    folders = [folder, *os.environ.get(variable, '').split(os.pathsep)]
    os.environ[variable] = os.pathsep.join(filter(None, dict.fromkeys(folders)))


def _in_pytensorrc(name):
    try:
        config.fetch_val_for_key(name)
    except KeyError:
        return False
    return True


def _compile_error():
    """Compile and run a small product. Returns None if that works, else what went wrong, in a few words."""
    # An empty module first: PyTensor takes the product from its cache even if the compiler no longer works.
    works, _, errors = GCC_compiler.try_compile_tmp('#include <Python.h>\nint main() { return 0; }', output=True,
                                                    flags=[f'-I{sysconfig.get_path("include")}'])
    if works:
        x = pt.matrix('x')
        try:
            product = pytensor.function([x], pt.dot(x, x))(np.eye(2, dtype=x.dtype))
            errors = b'' if (product == np.eye(2)).all() else b'error: a wrong product'
        except Exception as error:  # whatever a compiler, a linker or a loader can do
            errors = f'{type(error).__name__}: {error}'.encode()
    found = re.search(r'(fatal )?error\b.*', errors.decode(errors='replace'), re.IGNORECASE)
    return found and found[0].strip()


def _optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
