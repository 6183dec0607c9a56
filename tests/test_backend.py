import os
import shutil
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from conftest import TESTS, posix

from theano_tutorial.compute.backend import use_fastest

CHANGED = 'linker gcc__cxxflags'
uses_openblas = pytest.mark.skipif(sys.platform == 'darwin', reason='macOS has a BLAS of its own')


@pytest.mark.parametrize('flags, used', [
    ('mode=FAST_COMPILE', 'with mode=FAST_COMPILE, linker=auto, as configured'),
    ('linker=py', 'with mode=Mode, linker=py, as configured'), ('cxx=', 'with Numba (no C++ compiler)'),
    ('mode=NanGuardMode', 'NanGuardMode cannot run the tutorial, whose random states it takes for arrays; use the '
                          'default, NUMBA or FAST_COMPILE'),
    *[(f'mode={mode}', f'{mode} cannot run the tutorial, which slices the data by a symbolic index; use the default, '
                       'NUMBA or FAST_COMPILE') for mode in ('JAX', 'PYTORCH')]])
def test_what_the_user_configured_is_not_changed(run, flags, used):
    done = run('use_fastest.py', flags=flags)
    assert done.stdout.splitlines()[:2] == [used, ''] and done.stderr == ''


def test_one_blas_thread(run):
    assert run('use_fastest.py').stdout.splitlines()[2] == '{1}'


@pytest.mark.parametrize('backend', ['C'], indirect=True)
class TestC:
    def test_the_users_blas_and_flags(self, run, backend):
        lines = run('use_fastest.py', flags='blas__ldflags=-lm').stdout.splitlines()
        assert lines[0].startswith('with Numba (the C++ compiler does not work: ') and lines[1] == ''
        assert 'undefined symbol: dgemm_' in lines[0]

    def test_pytensorrc(self, run, backend, tmp_path, monkeypatch):
        cxxflags, ldflags = pytensor.config.gcc__cxxflags, pytensor.config.blas__ldflags
        (tmp_path / 'rc').write_text(f'[gcc]\ncxxflags = -O1 {cxxflags}\n[blas]\nldflags = {ldflags}\n')
        monkeypatch.setenv('PYTENSORRC', str(tmp_path / 'rc'))
        used, changed, _ = run('use_fastest.py').stdout.splitlines()
        assert (used, changed) == (f'in C with blas__ldflags={ldflags}', 'linker')

    @uses_openblas
    def test_folders_with_spaces_quotes_and_japanese(self, run, backend, tmp_path, monkeypatch):
        openblas = pytest.importorskip('scipy_openblas32')
        folder = tmp_path / "it's my project 日本"
        shutil.copytree(os.path.dirname(openblas.__file__), folder / 'scipy_openblas32')
        script = shutil.copy(TESTS / 'programs' / 'use_fastest.py', folder)
        monkeypatch.setenv('HOME', str(folder))  # for the compiled modules
        assert run(script).stdout.splitlines()[:2] == ['in C with OpenBLAS', CHANGED]
        assert (folder / '.pytensor').exists()

    @uses_openblas
    def test_without_scipy_openblas(self, run, backend):
        used, changed, _ = run('use_fastest.py', 'scipy_openblas32').stdout.splitlines()
        assert (used, changed) in [('in C with OpenBLAS', CHANGED),  # the system's
                                   ('with Numba (no BLAS for C; the extra "fast" installs one)', '')]

    def test_the_vector_macro_is_for_glibc(self, backend, monkeypatch):
        monkeypatch.setattr('platform.libc_ver', lambda: ('', ''))  # as on macOS
        with pytensor.config.change_flags(linker='auto', gcc__cxxflags=''):
            assert use_fastest().startswith('in C with ') and '-O3' in pytensor.config.gcc__cxxflags
            assert 'FAST_MATH' not in pytensor.config.gcc__cxxflags

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
@pytest.mark.parametrize('dtype, real', [('float32', 'float'), ('float64', 'double')])
def test_a_blas_that_multiplies_wrongly(run, backend, tmp_path, monkeypatch, dtype, real):
    # As some OpenBLAS kernels do, it is right for 2 x 2 and wrong from 8 x 8 on.
    prefix = 'scipy_' if 'scipy_' in pytensor.config.gcc__cxxflags else ''
    gemm = f'{prefix}{"s" if dtype == "float32" else "d"}gemm_'
    (tmp_path / f'wrong_{dtype}.h').write_text(f'''
        #ifndef WRONG
        #define WRONG
        typedef {real} real;
        #define ARGUMENTS char *transa, char *transb, const int *m, const int *n, const int *k, const real *alpha, \\
            const real *a, const int *lda, const real *b, const int *ldb, const real *beta, real *c, const int *ldc
        extern "C" {{
        void {gemm}(ARGUMENTS);
        static inline void wrong_gemm(ARGUMENTS) {{
            {gemm}(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
            if (*m >= 8 && *n >= 8) *c += 1;
        }}
        }}
        #define {gemm} wrong_gemm
        #endif
    ''')
    monkeypatch.setenv('CPLUS_INCLUDE_PATH', str(tmp_path))
    done = run('use_fastest.py', flags=f'gcc__cxxflags=-O1 -include wrong_{dtype}.h')
    assert done.stdout.splitlines()[:2] == [f'with Numba (a wrong product in C, {dtype})', '']


@posix
def test_a_compiler_that_cannot_compile(run, tmp_path, monkeypatch):
    # It answers -v, as that of macOS without the command line tools or a g++ without cc1plus.
    compiler = tmp_path / 'g++'
    compiler.write_text('#!/bin/sh\n[ "$1" = -v ] && exit 0\necho "g++: fatal error: no cc1plus" >&2\nexit 1\n')
    compiler.chmod(0o755)
    done = run('use_fastest.py', flags=f'cxx={compiler}')
    assert done.stdout.splitlines()[0] == 'with Numba (the C++ compiler does not work: fatal error: no cc1plus)'


def test_a_compile_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / 'file').touch()
    done = run('dA.py', '--epochs', 1, flags=f'base_compiledir={(tmp_path / "file" / "folder").as_posix()}')
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    assert 'set PYTENSOR_FLAGS=base_compiledir=' in done.stderr
