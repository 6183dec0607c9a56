import os
import platform
import shutil
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from conftest import TESTS, posix

from theano_tutorial.compute import backend

CHANGED = 'linker gcc__cxxflags'
CORES = len(os.sched_getaffinity(0)) if sys.platform == 'linux' else os.cpu_count()
NUMBAS_THREADS = f', up to {CORES} threads' if CORES > 1 else ', one thread'
uses_openblas = pytest.mark.skipif(sys.platform == 'darwin', reason='macOS has a BLAS of its own')


@pytest.mark.parametrize('flags, used', [
    ('mode=FAST_COMPILE', 'with mode=FAST_COMPILE, linker=auto, as configured'),
    ('linker=py', 'with mode=Mode, linker=py, as configured'),
    ('cxx=', f'with Numba (no C++ compiler){NUMBAS_THREADS}'),
    ('mode=NanGuardMode', 'NanGuardMode cannot run the tutorial, because it takes the random states for arrays; '
                          'use the default, NUMBA or FAST_COMPILE'),
    ('mode=JAX', 'JAX cannot run the tutorial, because it cannot slice the data by a symbolic index; use the '
                 'default, NUMBA or FAST_COMPILE')])
def test_what_the_user_configured_is_not_changed(run, flags, used):
    done = run('use_fastest.py', flags=flags)
    first, changed, blas_threads = done.stdout.splitlines()
    assert (first, changed, done.stderr) == (used, '', '') and (blas_threads == '{1}' or 'cannot run' in used)


def test_without_numba(run, tmp_path, monkeypatch):
    for flags, used, changed in (('cxx=', 'with NumPy (no Numba; no C++ compiler)', 'mode'),
                                 ('cxx=,mode=FAST_COMPILE', 'with mode=FAST_COMPILE, linker=auto, as configured', '')):
        done = run('use_fastest.py', 'numba', flags=flags)
        assert (done.stdout, done.stderr) == (f'{used}\n{changed}\n{{1}}\n', '')


@uses_openblas
@pytest.mark.parametrize('variable, threads', [('OPENBLAS_NUM_THREADS', 1), ('OMP_NUM_THREADS', 1), ('OTHER', CORES)])
def test_numba_divides_only_large_products(run, monkeypatch, variable, threads):
    monkeypatch.setenv(variable, '1')
    used, *products = run('threads_of_numba.py', flags='cxx=').stdout.splitlines()
    several = f'{threads} 1 ' if threads > 1 else ''
    assert products == ['200 500 True', f'200 1001 {several}True']
    assert used.endswith(f', up to {threads} threads' if threads > 1 else ', one thread')


@pytest.mark.parametrize('variable, threads', [
    ('OPENBLAS_NUM_THREADS', min(2, CORES)), ('OMP_NUM_THREADS', min(2, CORES)), ('MKL_NUM_THREADS', 1)])
def test_threads_that_the_user_set_for_numpy(run, monkeypatch, variable, threads):
    monkeypatch.setenv(variable, '2')  # OpenBLAS takes no more threads than cores
    used, _, blas_threads = run('use_fastest.py', 'numba', flags='cxx=').stdout.splitlines()
    assert (used, blas_threads) == (f'with NumPy (no Numba; no C++ compiler), {variable}=2', f'{{{threads}}}')


@pytest.mark.parametrize('variable', ['OPENBLAS_NUM_THREADS', 'OTHER'])
def test_one_thread_for_numbas_small_products_without_threadpoolctl(run, monkeypatch, variable):
    monkeypatch.setenv(variable, '2')
    _, _, blas_threads = run('use_fastest.py', 'threadpoolctl', flags='cxx=').stdout.splitlines()
    assert '1' in blas_threads  # scipy's, which Numba uses; numpy's is as it was


def test_threads_that_the_user_set_by_threadpoolctl():
    threadpoolctl = pytest.importorskip('threadpoolctl')
    with threadpoolctl.threadpool_limits(3, user_api='blas'):
        assert backend._users_threads.__wrapped__()[0] == 3


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason="the setting is glibc's")
def test_freed_memory_is_kept(run, monkeypatch):
    kept = int(run('reuse_memory.py').stdout)
    monkeypatch.setenv('MALLOC_TRIM_THRESHOLD_', '0')  # what the user set
    assert 10 * kept < int(run('reuse_memory.py').stdout)


@pytest.mark.parametrize('backend', ['C'], indirect=True)
class TestC:
    def test_c_is_used_without_numba(self, run, backend):
        assert run('use_fastest.py', 'numba').stdout.startswith('in C with ')

    def test_the_users_blas_and_flags(self, run, backend):
        lines = run('use_fastest.py', flags='blas__ldflags=-lm').stdout.splitlines()
        assert lines[0].startswith('with Numba (the C++ compiler does not work: ') and lines[1] == ''
        assert 'undefined symbol: dgemm_' in lines[0]

    def test_pytensorrc(self, run, backend, tmp_path, monkeypatch):
        cxxflags, ldflags = pytensor.config.gcc__cxxflags, pytensor.config.blas__ldflags
        (tmp_path / 'rc').write_text(f'[gcc]\ncxxflags = -O1 {cxxflags}\n[blas]\nldflags = {ldflags}\n')
        monkeypatch.setenv('PYTENSORRC', str(tmp_path / 'rc'))
        used, changed, _ = run('use_fastest.py').stdout.splitlines()
        assert used.startswith(f'in C with blas__ldflags={ldflags}') and changed == 'linker'

    @uses_openblas
    def test_folders_with_spaces_quotes_and_japanese(self, run, backend, tmp_path, monkeypatch):
        openblas = pytest.importorskip('scipy_openblas32')
        folder = tmp_path / "it's my project 日本"
        shutil.copytree(os.path.dirname(openblas.__file__), folder / 'scipy_openblas32')
        script = shutil.copy(TESTS / 'programs' / 'use_fastest.py', folder)
        monkeypatch.setenv('HOME', str(folder))  # for the compiled modules
        used, changed, _ = run(script).stdout.splitlines()
        assert used.startswith('in C with OpenBLAS') and changed == CHANGED
        assert (folder / '.pytensor').exists()

    @uses_openblas
    def test_without_scipy_openblas(self, run, backend):
        used, changed, _ = run('use_fastest.py', 'scipy_openblas32').stdout.splitlines()
        assert (used.split(',')[0], changed) in [('in C with OpenBLAS', CHANGED),  # the system's
                                                 ('with Numba (no BLAS for C; the extra "fast" installs one)', '')]

    @pytest.mark.skipif(sys.platform != 'linux', reason='one thread')
    @pytest.mark.parametrize('variable, threads', [
        ('OPENBLAS_NUM_THREADS', 1), ('OMP_NUM_THREADS', 1), ('MKL_NUM_THREADS', CORES)])
    def test_threads_that_the_user_set(self, run, backend, monkeypatch, variable, threads):
        pytest.importorskip('scipy_openblas32')
        monkeypatch.setenv(variable, '1')
        used, _, blas_threads = run('use_fastest.py').stdout.splitlines()
        in_words = f'up to {threads} threads' if threads > 1 else 'one thread'
        assert (used, blas_threads) == (f'in C with OpenBLAS, {in_words}', '{1}')

    @pytest.mark.skipif(sys.platform != 'linux', reason='one thread')
    @pytest.mark.parametrize('given, threads', [(None, CORES), ('1', 1), ('999', CORES)])
    def test_threads_without_threadpoolctl(self, run, backend, monkeypatch, given, threads):
        pytest.importorskip('scipy_openblas32')
        if given:
            monkeypatch.setenv('OPENBLAS_NUM_THREADS', given)
        used, _, blas_threads = run('use_fastest.py', 'threadpoolctl').stdout.splitlines()
        in_words = f'up to {threads} threads' if threads > 1 else 'one thread'
        # OpenBLAS for C has one; numpy's own is as it was.
        assert used == f'in C with OpenBLAS, {in_words}' and blas_threads in ('{1}', f'{{1, {threads}}}')

    def test_nan_and_subnormal_numbers(self, backend):
        # With -ffast-math NaN is lost and subnormal numbers become 0.
        x = pt.vector()
        outputs = pt.switch(pt.isnan(x), 1, x), x * 0.5, pt.exp(x)
        values = np.array([np.nan, 2 ** -1022, np.inf, -np.inf])
        is_nan, halves, exp = pytensor.function([x], outputs)(values)
        np.testing.assert_array_equal(is_nan, [1, *values[1:]])
        np.testing.assert_array_equal(halves, values / 2)
        np.testing.assert_array_equal(exp, [np.nan, 1, np.inf, 0])


def test_importing_changes_nothing(run):
    done = run('import_everything.py')
    assert (done.stdout, done.stderr) == ('\n', '')


@pytest.mark.parametrize('backend', ['C'], indirect=True)
@pytest.mark.parametrize('dtype, gemm, real', [('float32', 'sgemm_', 'float'), ('float64', 'dgemm_', 'double')])
def test_a_blas_that_multiplies_wrongly(run, backend, tmp_path, monkeypatch, dtype, gemm, real):
    # As some OpenBLAS kernels do, it is right for 2 x 2 and wrong from 8 x 8 on.
    if 'scipy_' in pytensor.config.gcc__cxxflags:
        gemm = 'scipy_' + gemm
    (tmp_path / f'wrong_{dtype}.h').write_text(f'''
        #pragma once
        #define SIZES char *transa, char *transb, const int *m, const int *n, const int *k, const {real} *alpha
        #define MATRICES const {real} *a, const int *lda, const {real} *b, const int *ldb, const {real} *beta, {real} *c
        extern "C" {{
        void {gemm}(SIZES, MATRICES, const int *ldc);
        static inline void wrong_gemm(SIZES, MATRICES, const int *ldc) {{
            {gemm}(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
            if (*m >= 8 && *n >= 8) *c += 1;
        }}
        }}
        #define {gemm} wrong_gemm
    ''')
    monkeypatch.setenv('CPLUS_INCLUDE_PATH', str(tmp_path))
    done = run('use_fastest.py', flags=f'floatX={dtype},gcc__cxxflags=-O1 -include wrong_{dtype}.h')
    assert done.stdout.splitlines()[:2] == [f'with Numba (a wrong product in C, {dtype}){NUMBAS_THREADS}', '']


@posix
def test_a_compiler_that_cannot_compile(run, tmp_path, monkeypatch):
    # It answers -v, as that of macOS without the command line tools or a g++ without cc1plus.
    compiler = tmp_path / 'g++'
    compiler.write_text('#!/bin/sh\n[ "$1" = -v ] && exit 0\necho "g++: fatal error: no cc1plus" >&2\nexit 1\n')
    compiler.chmod(0o755)
    reason = 'the C++ compiler does not work: fatal error: no cc1plus)'
    assert run('use_fastest.py', flags=f'cxx={compiler}').stdout.startswith(f'with Numba ({reason}{NUMBAS_THREADS}\n\n')
    done = run('use_fastest.py', 'numba', flags=f'cxx={compiler}')
    assert done.stdout.startswith(f'with NumPy (no Numba; {reason}\nmode cxx\n')


def test_a_compile_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / 'file').touch()
    done = run('dA.py', '--epochs', 1, flags=f'base_compiledir={(tmp_path / "file" / "folder").as_posix()}')
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    assert 'set PYTENSOR_FLAGS=base_compiledir=' in done.stderr
