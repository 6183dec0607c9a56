"""The backends that this machine has, for tests that run on each of them."""
import contextlib
import os
import subprocess
import sys

import pytensor
import pytest
from conftest import PROJECT

import backend


def _has_c():
    program = 'import backend; print(backend.use_fastest())'
    run = subprocess.run([sys.executable, '-c', program], cwd=PROJECT, capture_output=True, text=True,
                         env={key: value for key, value in os.environ.items() if key != 'PYTENSOR_FLAGS'})
    return run.stdout == 'in C with OpenBLAS\n'


BACKENDS = ['Numba', pytest.param('C', marks=pytest.mark.skipif(not _has_c(), reason='no C compiler or OpenBLAS here'))]


@contextlib.contextmanager
def backend_modes(name):
    """PyTensor configured for a backend, as the scripts configure it, within a block."""
    if name == 'Numba':
        yield
        return
    # The BLAS to link to stays set: Numba does not look at it, and to ask for its old value is to search for one.
    with pytensor.config.change_flags(linker='auto', gcc__cxxflags=''):
        assert backend.use_fastest() == 'in C with OpenBLAS'
        yield
