"""The page from top to bottom: every printed digit and all five pictures."""
import os
import platform
import re

import numpy as np
import pytensor
import pytest
from conftest import PROJECT

from theano_tutorial.files.mini_mnist import write
from theano_tutorial.reference import PICTURES, record


# Without flags with the fastest backend; Numba and NumPy compute with other code for exp, log and the noise.
@pytest.mark.parametrize('program, flags', [((), ''), pytest.param((), 'linker=numba', marks=pytest.mark.slow),
                                            pytest.param(('without_numba.py',), 'cxx=', marks=pytest.mark.slow)])
def test_everything_matches(tmp_path, run, golden, program, flags):
    done = run(*program, PROJECT / 'replay.py', '--checkpoint', 'file', flags=flags)
    assert (done.returncode, done.stderr) == (0, '') and done.stdout.endswith('\nEverything matches.\n')
    page = record()
    assert re.findall('^Training epoch .*$', done.stdout, re.M) == [
        f'Training epoch {epoch}, cost {cost}' for model in ('autoencoder', 'denoising_autoencoder')
        for epoch, cost in page[model]['costs']]
    for lines in page['logistic_mini']['log'], page['logistic_mini']['predictions_first_25_test']:
        assert '\n' + '\n'.join(lines) + '\n' in done.stdout
    assert sorted(os.listdir(tmp_path / 'output')) == sorted(
        [*PICTURES, 'best_model.npz', 'logistic_weights.png', 'autoencoder.npz', 'dA.npz'])
    assert sorted(os.listdir(tmp_path)) == ['file', 'output']
    for name in PICTURES:
        assert re.search(f'^{name} +83521 of 83521 pixels$', done.stdout, re.M)
    with np.load(tmp_path / 'file') as state:
        for theano, model in zip(golden['page'], ('Autoencoder', 'DenoisingAutoencoder')):
            np.testing.assert_allclose(state[f'{model}.costs'], theano['costs'], rtol=0, atol=1e-11)
            np.testing.assert_allclose(state[f'{model}.costs'][0], theano['costs'][0], rtol=0, atol=1e-12)
            np.testing.assert_allclose(state[f'{model}.W'].ravel()[::997], theano['W'], rtol=0, atol=1e-11)


def test_a_short_run_that_is_resumed(tmp_path, run):
    for epochs, compared in (1, 1), (11, 2):
        done = run('replay.py', '--epochs', epochs, '--checkpoint', 'file', '--output-dir', 'here')
        assert (done.returncode, done.stderr) == (0, '')
        for model in 'autoencoder', 'denoising autoencoder':
            assert re.search(f'^{model} +{compared} of +{compared} costs as printed$', done.stdout, re.M)
        assert '\nThe pictures of the trained models are compared only after 200 epochs.\n' in done.stdout
        versions = f'Python {platform.python_version()}, PyTensor {pytensor.__version__}, numpy {np.__version__}, BLAS '
        assert re.search(rf'^{re.escape(versions)}\S.*, \d+ cores$', done.stdout, re.M)
    assert re.findall('^... resuming (.*) after epoch 0 from file$', done.stdout, re.M) == [
        'Autoencoder', 'DenoisingAutoencoder']
    assert set(PICTURES) < set(os.listdir(tmp_path / 'here'))


def test_without_a_compiler_and_numba(run, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    done = run('without_numba.py', PROJECT / 'replay.py', '--epochs', 21)
    assert (done.returncode, done.stderr) == (0, '') and done.stdout.endswith('\nEverything matches.\n')
    assert done.stdout.startswith('... computing with NumPy (no Numba; no C++ compiler)\n')
    assert len(re.findall('^(?:denoising )?autoencoder +3 of +3 costs as printed$', done.stdout, re.M)) == 2


def test_a_run_that_differs(tmp_path, run):
    # Other data under the same name, found first since it is in the working folder.
    write([(np.full((n, 784), 0.5, np.float32), np.zeros(n, np.int64)) for n in (120, 100, 100)],
          tmp_path / 'mini_mnist.pkl.gz')
    done = run('replay.py', '--epochs', 1)
    assert (done.returncode, done.stderr) == (1, '')
    cost = record()['autoencoder']['costs'][0][1]
    assert f"autoencoder, the first difference: here (0, '573.574319'), on the page (0, '{cost}')\n" in done.stdout
    assert done.stdout.endswith('\nDifferent: logistic regression, its predictions, data, autoencoder, test_image.png, '
                                'denoising autoencoder\n')


def test_float32_is_refused(run):
    done = run('replay.py', flags='floatX=float32')
    assert done.returncode == 2
    assert done.stderr == 'replay.py: error: floatX is float32; the page was computed in float64\n'
