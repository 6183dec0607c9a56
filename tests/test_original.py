from ast import literal_eval

import numpy as np
import pytest

import original
from mnist_files import find, read_pickle

PICTURES = ['autoencoded_image.png', 'dAed_image.png', 'filters_corruption_30.png', 'filters_no_corruption.png',
            'test_image.png']


def test_data():
    datasets = read_pickle(find('mini_mnist.pkl.gz'))
    assert original.check_data(datasets)[:3] == ('data', 6, 6)
    (images, labels), *others = datasets
    images = images.copy()
    images[0, 0] += 2 ** -8
    check = original.check_data([(images, labels), *others])
    assert check.equal == 5 and not check.matches


@pytest.mark.parametrize('model', ['autoencoder', 'denoising_autoencoder'])
def test_costs(model):
    printed = {epoch: float(cost) for epoch, cost in original.record()[model]['costs']}
    costs = [printed.get(epoch, 0.) for epoch in range(200)]
    assert original.check_costs(model, costs, 1.)[1:5] == (20, 20, 'costs as printed', True)
    assert original.check_costs(model, costs[:11], 1.)[1:3] == (2, 2)
    costs[110] += 1e-6
    assert original.check_costs(model, costs, 1.)[1:5] == (19, 20, 'costs as printed', False)


def test_log_and_predictions():
    page = original.record()['logistic_mini']
    assert original.check_log(page['log'])[1:5] == (30, 30, 'lines as printed', True)
    assert not original.check_log(page['log'][:-1]).matches
    assert not original.check_log([*page['log'], 'epoch 24']).matches

    classes, probabilities = zip(*(literal_eval(prediction) for prediction in page['predictions_first_25_test']))
    assert original.check_predictions(classes, probabilities)[1:5] == (25, 25, 'digits as printed', True)
    assert original.check_predictions(classes, [probabilities[0] + 1e-3, *probabilities[1:]])[1:3] == (24, 25)
    assert not original.check_predictions(classes[:24], probabilities[:24]).matches


def test_noise():
    noise = np.array(original.record()['noise_10x10'], float)
    assert original.check_noise(noise).matches
    noise[3, 4] = 1 - noise[3, 4]
    assert original.check_noise(noise)[1:3] == (99, 100) and not original.check_noise(noise).matches


@pytest.mark.parametrize('name', PICTURES)
def test_pictures(name):
    image = original.picture(name)
    assert image.shape == (289, 289) and image.dtype == np.uint8
    assert original.check_picture(name, image)[1:5] == (83521, 83521, 'pixels', True)

    off = image.astype(int)
    bright = np.argwhere(image > 100)
    off[tuple(bright[:40].T)] -= 1
    assert original.check_picture(name, off)[1:5] == (83481, 83521, 'pixels', True)
    off[tuple(bright[40])] -= 1
    assert not original.check_picture(name, off).matches

    off = image.astype(int)
    off[tuple(bright[0])] -= 2
    assert original.check_picture(name, off)[1:5] == (83520, 83521, 'pixels', False)
