"""The whole page, once, at full length."""
import gzip
import os
import pickle
import re

import numpy as np
import pytest
from backends import BACKENDS
from PIL import Image
from test_original import PICTURES

from original import picture, record


@pytest.fixture(scope='module', params=BACKENDS)
def replayed(request, run_script, tmp_path_factory):
    folder = tmp_path_factory.mktemp('replay')
    flags = {'PYTENSOR_FLAGS': 'linker=numba'} if request.param == 'Numba' else {}
    return run_script('replay.py', cwd=folder, env=os.environ | flags), folder


def test_everything_matches(replayed):
    run, _ = replayed
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith('\nEverything matches.\n')
    assert run.stderr == '... compiling Autoencoder\n... compiling DenoisingAutoencoder\n'


def test_all_40_costs_in_the_pages_lines(replayed):
    printed = re.findall(r'^Training epoch .*$', replayed[0].stdout, re.M)
    assert printed == [f'Training epoch {epoch}, cost {cost}' for model in ('autoencoder', 'denoising_autoencoder')
                       for epoch, cost in record()[model]['costs']]


def test_the_logistic_page(replayed):
    page = record()['logistic_mini']
    assert '\n' + '\n'.join(page['log']) + '\n' in replayed[0].stdout
    assert '\n' + '\n'.join(page['predictions_first_25_test']) + '\n' in replayed[0].stdout


def test_the_noise_matrix(replayed):
    rows = re.findall(r'\[((?:[01]\. ?){10})\]', replayed[0].stdout)
    assert [[int(float(entry)) for entry in row.split()] for row in rows] == record()['noise_10x10']


@pytest.mark.parametrize('name', PICTURES)
def test_the_five_pictures(replayed, name):
    with Image.open(replayed[1] / 'output' / name) as image:
        assert image.mode == 'L'
        difference = np.abs(np.asarray(image, int) - picture(name))
    assert difference.max() <= 1 and np.count_nonzero(difference) <= 40
    assert re.search(rf'^{name} +{83521 - np.count_nonzero(difference)} of 83521 pixels', replayed[0].stdout, re.M)


def test_nothing_else_is_written(replayed):
    assert os.listdir(replayed[1]) == ['output']
    assert sorted(os.listdir(replayed[1] / 'output')) == sorted([*PICTURES, 'best_model.npz'])


def test_a_short_run_says_what_it_leaves_out(run_script, tmp_path):
    run = run_script('replay.py', '--epochs', 1, '--output-dir', 'here', cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert re.search(r'^autoencoder +1 of +1 costs as printed', run.stdout, re.M)
    assert 'The pictures of the trained models are compared after 200 epochs only.' in run.stdout
    assert set(PICTURES) < set(os.listdir(tmp_path / 'here'))


def test_a_run_that_differs(run_script, tmp_path):
    # Other data under the data's own name, found first because it lies in the working folder.
    datasets = tuple((np.full((n, 784), 0.5, np.float32), np.zeros(n, np.int64)) for n in (120, 100, 100))
    with gzip.open(tmp_path / 'mini_mnist.pkl.gz', 'wb') as file:
        pickle.dump(datasets, file)
    run = run_script('replay.py', '--epochs', 1, cwd=tmp_path)
    assert run.returncode == 1, run.stderr
    assert run.stdout.endswith('These do not match: logistic regression, its predictions, data, autoencoder, '
                               'test_image.png, denoising autoencoder\n')


def test_float32_is_not_the_page(run_script, tmp_path):
    run = run_script('replay.py', cwd=tmp_path, env=os.environ | {'PYTENSOR_FLAGS': 'floatX=float32'})
    assert run.returncode == 2
    assert run.stderr == 'replay.py: error: floatX is float32; the page was computed in float64\n'
