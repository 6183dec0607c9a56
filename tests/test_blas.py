"""theano_tutorial/compute/small_gemm_5.h, compiled, beside products by NumPy; and the BLAS that is chosen."""
import ctypes
import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import PROJECT
from pytensor.link.c.cmodule import GCC_compiler

from theano_tutorial.compute import blas

SOURCE = """
#include "small_gemm_5.h"
#include <atomic>
extern "C" {
std::atomic<int> calls;
int number_of_calls() { return calls; }
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
def build(tmp_path_factory):
    """A function that compiles SOURCE with further flags, and returns the path of the library."""
    openblas = pytest.importorskip('scipy_openblas32')
    compiler = shutil.which('g++') or pytest.skip('no g++')
    compute = PROJECT / 'theano_tutorial' / 'compute'

    def build(*flags):
        folder = tmp_path_factory.mktemp('small_gemm')
        (folder / 'source.cpp').write_text(SOURCE)
        subprocess.run([compiler, '-Wall', '-Werror', '-O3', '-shared', '-fPIC', f'-I{compute}', *flags, '-pthread',
                        '-Dsgemm_=scipy_sgemm_', '-Ddgemm_=scipy_dgemm_', 'source.cpp', '-o', 'library.so',
                        f'-L{openblas.get_lib_dir()}', f'-l{openblas.get_library()}',
                        f'-Wl,-rpath,{openblas.get_lib_dir()}'], cwd=folder, check=True)
        return folder / 'library.so'
    return build


@pytest.fixture(scope='module')
def libraries(build):
    """The header as it is compiled for processors with and without AVX-512: {name: library}, for three threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('LARGE_GEMM_THREADS', '3')
        yield {name: ctypes.CDLL(str(build(f'{flag}__AVX512F__'))) for name, flag in (('parts', '-D'), ('whole', '-U'))}


def multiply(library, transa, transb, alpha, beta, a, b, c):
    """alpha a b + beta c, for which c must be (n, at least m); and the number of calls of BLAS."""
    (m, k), n, ctype = a.shape, b.shape[1], np.ctypeslib.as_ctypes_type(a.dtype)
    # Padded, so that lda and ldb are more than the length of a column.
    a = np.pad(a if transa in 'tT' else a.T.copy(), ((0, 0), (0, 3)))
    b = np.pad(b if transb in 'cT' else b.T.copy(), ((0, 0), (0, 1)))
    lengths = [ctypes.byref(ctypes.c_int(length)) for length in (m, n, k, a.shape[1], b.shape[1], c.shape[1])]
    before = library.number_of_calls()
    getattr(library, a.dtype.name)(
        transa.encode(), transb.encode(), *lengths[:3], ctypes.byref(ctype(alpha)), a.ctypes, lengths[3], b.ctypes,
        lengths[4], ctypes.byref(ctype(beta)), c.ctypes, lengths[5])
    return c[:, :m].T, library.number_of_calls() - before


# How often BLAS is called: without AVX-512; with it; with it if the first matrix is transposed, and the second is not;
# with it if, moreover, beta is 0.
ONE_THREAD = [
    (100, 20, 784, (1, 2, 1, 2)), (784, 20, 100, (1, 2, 1, 4)), (100, 784, 20, (1, 2, 1, 1)),  # the tutorial's
    (784, 10, 100, (1, 1, 7, 7)), (784, 19, 100, (1, 2, 1, 4)), (784, 49, 100, (1, 4, 1, 1)),
    (95, 20, 784, (1, 2, 1, 1)),
    (20, 100, 784, (1, 2, 1, 1)), (100, 100, 100, (1, 1, 1, 1)), (101, 100, 100, (1, 2, 1, 1)),
    (200, 200, 100, (1, 5, 1, 1)), (7, 3, 5, (1, 1, 1, 1)), (0, 20, 100, (1, 1, 0, 0)), (100, 20, 0, (1, 1, 1, 1)),
    (100, 0, 20, (1, 1, 1, 1))]
THREE_THREADS = [
    (500, 20, 784, (8, 15, 8, 8)), (784, 20, 500, (8, 9, 8, 9)), (500, 784, 20, (8, 12, 8, 8)),
    (200, 201, 100, (8, 8, 8, 8)), (33, 17, 9999, (6, 10, 6, 6)), (251, 252, 253, (8, 19, 8, 8)),
    (2300, 32, 2200, (4, 4, 4, 4)), (600, 401, 420, (4, 4, 4, 4))]  # too large for parts


@pytest.mark.parametrize('dtype, rtol', [(np.float64, 1e-13), (np.float32, 1e-5)])
@pytest.mark.parametrize('m, n, k, calls', ONE_THREAD + THREE_THREADS * (sys.platform == 'linux'))
def test_products(libraries, dtype, rtol, m, n, k, calls):
    random = np.random.RandomState(0)
    for transa, transb in 'NN', 'NT', 'TN', 'TT', 'tc':
        for alpha, beta in (1., 0.), (-0.1, 1.), (0.5, -2.):
            a = random.uniform(-1, 1, (m, k)).astype(dtype)
            b = random.uniform(-1, 1, (k, n)).astype(dtype)
            c = random.uniform(-1, 1, (n, m + 2)).astype(dtype)  # its leading dimension is m + 2
            expected = alpha * (a.astype(float) @ b) + beta * c.T[:m]
            if beta == 0:
                c[:, :m] = np.nan  # to be overwritten, not multiplied
            for name, library in libraries.items():
                given = c.copy()
                computed, counted = multiply(library, transa, transb, alpha, beta, a, b, given)
                np.testing.assert_allclose(computed, expected, rtol=rtol, atol=rtol * max(k, 1) ** 0.5)
                np.testing.assert_array_equal(given[:, m:], c[:, m:])
                with_avx512 = calls[1] if (transa, transb) != ('T', 'N') else calls[3] if beta == 0 else calls[2]
                assert counted == (calls[0] if name == 'whole' else with_avx512)


@pytest.mark.skipif(sys.platform != 'linux', reason='one thread')
def test_callers_at_the_same_time_and_a_forked_process(libraries, build, run):
    done = run('multiply_at_the_same_time.py', build('-D__AVX512F__'))
    assert (done.stdout, done.stderr, done.returncode) == ('the same bits\n' * 3, '', 0)


def test_what_pytensor_compiles_includes_it(c_flags):
    if blas.find()[0] != 'OpenBLAS' or platform.machine() not in ('x86_64', 'AMD64', 'aarch64'):
        pytest.skip('another BLAS or processor')
    assert GCC_compiler.try_compile_tmp('int main() { return SMALL_GEMM + 0; }',
                                        flags=c_flags['gcc__cxxflags'].split())
