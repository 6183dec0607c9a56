"""What several test files share."""
import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent

# A backend that the user configured must not decide what is tested. PyTensor is imported later, and reads these then.
os.environ.pop('PYTENSOR_FLAGS', None)
os.environ['PYTENSORRC'] = os.devnull

# Three pairs of images and labels.
SMALL = [(np.random.RandomState(k).randint(0, 256, (n, 4)).astype(np.float32) / 256, np.arange(n) % 10)
         for k, n in enumerate((12, 5, 5))]

posix = pytest.mark.skipif(os.name == 'nt', reason='signals, links and limits of POSIX')


def zipped(path, content):
    """Write a gzipped file. Returns its path."""
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


def assert_equal(tree, expected):
    """Check that three (images, labels) pairs are equal."""
    for pair, expected_pair in zip(tree, expected, strict=True):
        for values, expected_values in zip(pair, expected_pair, strict=True):
            np.testing.assert_array_equal(values, expected_values)


def assert_draws(draw, theano_rng, streams, eps_of_normal=0):
    """Check three calls of `draw`, and one more after seed(5), against what Theano drew from the same streams.

    eps_of_normal : by how many times the dtype's eps a normal may differ
    """
    for call in range(4):
        if call == 3:
            theano_rng.seed(5)
        for values, stream in zip(draw(), streams, strict=True):
            expected = stream['draws'][call]
            assert values.dtype == expected['dtype']
            if 'sha256' in expected:
                assert hashlib.sha256(values.tobytes()).hexdigest() == expected['sha256'], stream['name']
            else:
                atol = eps_of_normal * np.finfo(values.dtype).eps if stream['name'] == 'normal' else 0
                expected = np.array(expected['values'], values.dtype)
                np.testing.assert_allclose(values, expected, rtol=0, atol=atol, strict=True)


def gibbs_sampler(theano_rng, weights):
    """A compiled function of five Gibbs steps of an RBM without biases, in a scan: it returns the visible values."""
    import pytensor
    import pytensor.tensor as pt

    def gibbs(v):
        h = theano_rng.binomial(size=(weights.shape[1],), n=1, p=pt.sigmoid(pt.dot(v, weights)), dtype='float64')
        return theano_rng.binomial(size=(len(weights),), n=1, p=pt.sigmoid(pt.dot(h, weights.T)), dtype='float64')

    with pytest.warns(DeprecationWarning, match='Scan return signature'):
        chain, updates = pytensor.scan(gibbs, outputs_info=[pt.zeros(len(weights))], n_steps=5)
    return pytensor.function([], chain, updates=updates)


@pytest.fixture(scope='session')
def golden():
    """What Theano 0.8.2 computed, see theano_oracle.py."""
    return json.loads((TESTS / 'golden.json').read_text(encoding='utf-8'))


@pytest.fixture(scope='session')
def mini_mnist():
    """The (images, labels) pairs of the train, valid and test sets."""
    from theano_tutorial.files import datasets
    return datasets.load('mini_mnist.pkl.gz')


@pytest.fixture(scope='session')
def c_flags():
    """The flags of the C backend, as the scripts set them."""
    from pytensor import config

    from theano_tutorial.compute.backend import use_fastest
    with config.change_flags(linker='auto', gcc__cxxflags=''):
        used = use_fastest()
        if not used.startswith('in C'):
            pytest.skip(used)
        return dict(linker=config.linker, gcc__cxxflags=config.gcc__cxxflags)


@pytest.fixture
def numpy_flags():
    """The flags of the NumPy backend, as the scripts set them."""
    from theano_tutorial.compute import numpy_backend
    return dict(mode=numpy_backend.mode(), cxx='')


@pytest.fixture(params=['Numba', 'C', 'NumPy'])
def backend(request):
    """Run a test with each backend."""
    from pytensor import config
    flags = {'C': 'c_flags', 'NumPy': 'numpy_flags'}.get(request.param)
    with config.change_flags(**request.getfixturevalue(flags) if flags else {}):
        yield


@pytest.fixture
def uncompiled():
    """Run a test without compiling, which takes seconds for each function."""
    from pytensor import config
    with config.change_flags(mode='FAST_COMPILE'):
        yield


@pytest.fixture
def start(tmp_path):
    """Start a script of the project, or one of tests/programs, in the folder tmp_path, with warnings as errors."""
    def start(name, *arguments, flags=''):
        path = PROJECT / name if (PROJECT / name).exists() else TESTS / 'programs' / name
        environment = os.environ | {'PYTHONPATH': str(PROJECT), 'PYTENSOR_FLAGS': flags}
        return subprocess.Popen([sys.executable, '-u', '-W', 'error', path, *map(str, arguments)], cwd=tmp_path,
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return start


@pytest.fixture
def run(start):
    """Run a script or program to its end. Returns the process, with its output as text."""
    def run(*arguments, **options):
        with start(*arguments, **options) as process:
            out, err = process.communicate()
        # What PyTensor says when it is imported on a machine without a compiler.
        err = err.replace('g++ not available, if using conda: `conda install gxx`\n', '')
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)
    return run
