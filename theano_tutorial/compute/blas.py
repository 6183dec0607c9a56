"""The BLAS that PyTensor's C backend multiplies matrices with: what it is called, and how to link to it.

It is the one that conda or macOS brings, or the package scipy-openblas32, or what the system has.
"""
import contextlib
import ctypes.util
import importlib.metadata
import os
import platform
import shlex
import sys
import warnings

import scipy
from pytensor import config

from theano_tutorial.compute.jit import optional

NAMES = ('gemm', 'gemv', 'ger', 'dot', 'axpy', 'scal', 'copy', 'swap', 'nrm2')
SMALL_GEMM = 'small_gemm_5.h'
LARGE_GEMM_THREADS = 'LARGE_GEMM_THREADS'  # the environment variable that it reads
DIVIDES_PRODUCTS = sys.platform == 'linux' and platform.machine() in ('x86_64', 'aarch64')  # among threads


def find():
    """(name, ldflags, cxxflags) of the BLAS to link to; all are empty if there is none."""
    if 'blas__ldflags=' in os.environ.get('PYTENSOR_FLAGS', '') or _in_pytensorrc('blas__ldflags'):
        return f'blas__ldflags={config.blas__ldflags}', config.blas__ldflags, ''
    # It takes PyTensor half a second to search the disk.
    if sys.platform == 'darwin' or os.path.exists(os.path.join(sys.prefix, 'conda-meta')):
        if found := _found_by_pytensor():
            return found
    if openblas := optional('scipy_openblas32'):
        # Its symbols have a prefix, so that they do not clash with those of another BLAS.
        macros = ''.join(f' -D{letter}{name}_=scipy_{letter}{name}_' for letter in 'sd' for name in NAMES)
        # PyTensor splits the flags as a shell does, and adds -rpath for each -L.
        ldflags = f'{shlex.quote("-L" + openblas.get_lib_dir())} -l{openblas.get_library()}'
        return 'OpenBLAS', ldflags, macros + _include_small_gemm()
    library = sys.platform == 'linux' and ctypes.util.find_library('openblas')
    if library:
        return 'OpenBLAS', f'-l:{library}', _include_small_gemm()
    return _found_by_pytensor() or ('', '', '')


def version():
    """Name and version of the BLAS in use; in C, the name is that of the package or the flags that link to it."""
    if not config.linker.startswith('c'):
        build = scipy.show_config(mode='dicts')['Build Dependencies']['blas']
        return f'{build["name"]} {build["version"]}'
    if 'Accelerate' in config.blas__ldflags:
        return 'Accelerate'
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        if 'scipy_openblas' in config.blas__ldflags:
            return f'scipy-openblas32 {importlib.metadata.version("scipy-openblas32")}'
    return config.blas__ldflags


def _found_by_pytensor():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # if it finds none
        ldflags = config.blas__ldflags
    name = next((name for name in ('MKL', 'Accelerate', 'OpenBLAS') if name.lower() in ldflags.lower()), 'BLAS')
    return ldflags and (name, ldflags, '')


def _include_small_gemm():
    """The compiler's flag for SMALL_GEMM, which is in this folder."""
    if not DIVIDES_PRODUCTS and platform.machine() not in ('x86_64', 'AMD64'):
        return ''
    # The folder not as a flag: PyTensor splits those at spaces, which a folder may have.
    folders = [os.path.dirname(os.path.abspath(__file__)), *os.environ.get('CPLUS_INCLUDE_PATH', '').split(os.pathsep)]
    os.environ['CPLUS_INCLUDE_PATH'] = os.pathsep.join(filter(None, dict.fromkeys(folders)))
    return f' -include {SMALL_GEMM}'


def _in_pytensorrc(name):
    try:
        config.fetch_val_for_key(name)
    except KeyError:
        return False
    return True
