"""theano_tutorial/compute/small_gemm_1.h, compiled, beside products by NumPy; and the BLAS that is chosen."""
import ctypes
import platform
import shutil
import subprocess

import numpy as np
import pytest
from conftest import PROJECT
from pytensor.link.c.cmodule import GCC_compiler

from theano_tutorial.compute import blas

SOURCE = """
#include "small_gemm_1.h"
extern "C" {
int calls = 0;
#define COUNTED(T, name, counting, gemm) \\
    void gemm(GEMM_ARGUMENTS(T)); \\
    static void counting(GEMM_ARGUMENTS(T)) { \\
        calls++; \\
        gemm(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc); \\
    } \\
    void name(GEMM_ARGUMENTS(T)) { \\
        split_gemm<T>(counting, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc); \\
    }
COUNTED(float, float32, counting_s, scipy_sgemm_)
COUNTED(double, float64, counting_d, scipy_dgemm_)
}
"""


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    openblas = pytest.importorskip('scipy_openblas32')
    compiler = shutil.which('g++') or pytest.skip('no g++')
    folder = tmp_path_factory.mktemp('small_gemm')
    (folder / 'source.cpp').write_text(SOURCE)
    compute = PROJECT / 'theano_tutorial' / 'compute'
    subprocess.run([compiler, '-Wall', '-Werror', '-O3', '-shared', '-fPIC', f'-I{compute}', '-Dsgemm_=scipy_sgemm_',
                    '-Ddgemm_=scipy_dgemm_', 'source.cpp', '-o', 'library.so', f'-L{openblas.get_lib_dir()}',
                    f'-l{openblas.get_library()}', f'-Wl,-rpath,{openblas.get_lib_dir()}'], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / 'library.so'))


@pytest.mark.parametrize('dtype, ctype, rtol', [
    (np.float64, ctypes.c_double, 1e-13), (np.float32, ctypes.c_float, 1e-5)])
@pytest.mark.parametrize('m, n, k, calls', [
    (100, 20, 784, 2), (784, 20, 100, 2), (100, 784, 20, 2), (20, 100, 784, 2),  # the tutorial's, and others in parts
    (100, 100, 100, 1), (101, 100, 100, 2), (1000, 1000, 3, 4), (1000, 1, 1001, 2), (200, 200, 100, 5),
    (200, 201, 100, 1), (1, 1, 3999999, 4), (7, 3, 5, 1), (0, 20, 100, 1), (100, 20, 0, 1)])
def test_products(library, dtype, ctype, rtol, m, n, k, calls):
    random = np.random.RandomState(0)
    for transa, transb in 'NN', 'NT', 'TN', 'TT', 'tc':
        for alpha, beta in (1., 0.), (-0.1, 1.), (0.5, -2.):
            a = random.uniform(-1, 1, (m, k)).astype(dtype)
            b = random.uniform(-1, 1, (k, n)).astype(dtype)
            c = random.uniform(-1, 1, (n, m + 2)).astype(dtype)  # its leading dimension is m + 2
            expected = alpha * (a.astype(float) @ b) + beta * c.T[:m]
            if beta == 0:
                c[:, :m] = np.nan  # to be overwritten, not multiplied
            untouched = c[:, m:].copy()
            # Padded, so that lda and ldb are more than the length of a column.
            a = np.pad(a if transa in 'tT' else a.T.copy(), ((0, 0), (0, 3)))
            b = np.pad(b if transb in 'cT' else b.T.copy(), ((0, 0), (0, 1)))
            lengths = [ctypes.byref(ctypes.c_int(length)) for length in (m, n, k, a.shape[1], b.shape[1], m + 2)]
            calls_before = ctypes.c_int.in_dll(library, 'calls').value
            getattr(library, np.dtype(dtype).name)(
                transa.encode(), transb.encode(), *lengths[:3], ctypes.byref(ctype(alpha)), a.ctypes, lengths[3],
                b.ctypes, lengths[4], ctypes.byref(ctype(beta)), c.ctypes, lengths[5])
            np.testing.assert_allclose(c[:, :m].T, expected, rtol=rtol, atol=rtol * max(k, 1) ** 0.5)
            np.testing.assert_array_equal(c[:, m:], untouched)
            assert ctypes.c_int.in_dll(library, 'calls').value - calls_before == calls


def test_what_pytensor_compiles_includes_it(c_flags):
    if blas.find()[0] != 'OpenBLAS' or platform.machine() not in ('x86_64', 'AMD64'):
        pytest.skip('another BLAS or processor')
    assert GCC_compiler.try_compile_tmp('int main() { return SMALL_GEMM + 0; }',
                                        flags=c_flags['gcc__cxxflags'].split())
