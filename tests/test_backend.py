"""Each backend that this machine has, and the choice among them."""
import os
import subprocess
import sys

import numpy as np
import pytest
from backends import BACKENDS, backend_modes

from dA import Autoencoder, DenoisingAutoencoder, train
from logistic_sgd import load_data
from original import record
from shared_randomstreams import RandomStreams

SETTINGS = ('mode', 'linker', 'blas__ldflags', 'gcc__cxxflags')


@pytest.mark.parametrize('name', BACKENDS)
def test_digits_on_each_backend(name):
    with backend_modes(name):
        train_set_x = load_data('mini_mnist.pkl.gz')[0][0]
        for model, corruption_level in (Autoencoder, 0.), (DenoisingAutoencoder, 0.3):
            numpy_rng = np.random.RandomState(123)
            theano_rng = RandomStreams(numpy_rng.randint(2 ** 30))
            theano_rng.binomial(size=(10, 10), n=1, p=0.7)
            autoencoder = model(numpy_rng, theano_rng, n_visible=784, n_hidden=100)
            costs, _ = train(autoencoder, train_set_x, corruption_level, training_epochs=11)
            page = record()['autoencoder' if model is Autoencoder else 'denoising_autoencoder']['costs']
            assert ['%f' % costs[epoch] for epoch in (0, 10)] == [cost for _, cost in page[:2]]


def run_program(program, tmp_path, **environment):
    clean = {key: value for key, value in os.environ.items() if key != 'PYTENSOR_FLAGS'}
    run = subprocess.run([sys.executable, '-W', 'error', '-c', program], cwd=tmp_path, capture_output=True, text=True,
                         env=clean | environment)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize('flags', ['mode=FAST_COMPILE', 'linker=py', 'blas__ldflags=-lm'])
def test_the_user_wins(tmp_path, flags):
    program = f'''
import backend
from pytensor import config
before = [getattr(config, key) for key in {SETTINGS}]
print(backend.use_fastest())
assert [getattr(config, key) for key in {SETTINGS}] == before
'''
    assert run_program(program, tmp_path, PYTENSOR_FLAGS=f'{flags},cxx=' if 'blas' not in flags else flags
                       ) == 'as PYTENSOR_FLAGS ask\n'


def test_without_a_compiler(tmp_path):
    program = 'import backend; print(backend.use_fastest())'
    assert run_program(program, tmp_path, PYTENSOR_FLAGS='cxx=') == 'with Numba\n'


def test_the_systems_openblas(tmp_path):
    program = '''
import sys
sys.modules['scipy_openblas32'] = None  # as where it is not installed
import backend
print(backend.use_fastest())
import numpy as np
from dA import Autoencoder, train
from logistic_sgd import load_data
autoencoder = Autoencoder(np.random.RandomState(123), n_visible=784, n_hidden=100)
train(autoencoder, load_data('mini_mnist.pkl.gz')[0][0], 0., training_epochs=1)
with open('/proc/self/maps') as maps:
    print('/libopenblas' in maps.read())
'''
    lines = run_program(program, tmp_path).splitlines()
    if lines[0] == 'with Numba':
        pytest.skip('no C compiler or no OpenBLAS of the system here')
    assert lines[0] == 'in C with OpenBLAS' and lines[-1] == 'True'
    assert 'Training epoch 0, cost ' + record()['autoencoder']['costs'][0][1] in lines


def test_an_import_changes_nothing(tmp_path):
    program = '''
from pytensor import config
keys = ('mode', 'linker', 'gcc__cxxflags', 'floatX', 'optimizer')
before = [getattr(config, key) for key in keys]
import threadpoolctl
import scipy.linalg
threads = [pool['num_threads'] for pool in threadpoolctl.threadpool_info()]
import backend, command_line, dA, logistic_sgd, mnist_download, mnist_files, model_files, original, pictures
import replay, rewrites, shared_randomstreams, utils
assert [getattr(config, key) for key in keys] == before
assert [pool['num_threads'] for pool in threadpoolctl.threadpool_info()][:len(threads)] == threads
'''
    assert run_program(program, tmp_path) == ''


def test_one_blas_thread(tmp_path):
    program = '''
import backend
backend.use_fastest()
import threadpoolctl
print({pool['num_threads'] for pool in threadpoolctl.threadpool_info() if pool['user_api'] == 'blas'})
'''
    assert run_program(program, tmp_path) == '{1}\n'
