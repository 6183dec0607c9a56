"""Each check accepts the page's own numbers and detects one changed item."""
import functools
from ast import literal_eval

import numpy as np
import pytest

from theano_tutorial import reference

RECORD = reference.record()
LOG = RECORD['logistic_mini']['log']
CLASSES, PROBABILITIES = zip(*map(literal_eval, RECORD['logistic_mini']['predictions_first_25_test']))


def counts(check):
    return check.equal, check.total, check.matches


def test_data(mini_mnist):
    assert counts(reference.check_data(mini_mnist)) == (6, 6, True)
    images = mini_mnist[0][0].copy()
    images[0, 0] += 2 ** -8
    assert counts(reference.check_data([(images, mini_mnist[0][1]), *mini_mnist[1:]])) == (5, 6, False)


@pytest.mark.parametrize('model', ['autoencoder', 'denoising_autoencoder'])
def test_costs(model):
    costs = [float(dict(RECORD[model]['costs']).get(epoch, 0)) for epoch in range(200)]
    assert counts(reference.check_costs(model, costs)) == (20, 20, True)
    costs[110] += 1e-6
    assert counts(reference.check_costs(model, costs)) == (19, 20, False)


def test_logistic_regression():
    for lines, n_equal in (['... training', *LOG, 'The code'], 30), ([*LOG[:-1], LOG[-1] + ' '], 29), (LOG[:-1], 29):
        assert counts(reference.check_log('\n'.join(lines))) == (n_equal, 30, n_equal == 30)
    assert counts(reference.check_log('\n'.join([*LOG, LOG[0]]))) == (30, 30, False)
    for classes, probabilities, n_equal in ((CLASSES, PROBABILITIES, 25), ([0, *CLASSES[1:]], PROBABILITIES, 24),
                                            (CLASSES, [PROBABILITIES[0] - 1e-3, *PROBABILITIES[1:]], 24),
                                            (CLASSES[:24], PROBABILITIES[:24], 24)):
        assert counts(reference.check_predictions(classes, probabilities)) == (n_equal, 25, n_equal == 25)


@pytest.mark.parametrize('name', ['noise', *reference.PICTURES])
def test_noise_and_pictures(name):
    if name == 'noise':
        check, values = reference.check_noise, np.array(RECORD['noise_10x10'], float)
    else:
        check, values = functools.partial(reference.check_picture, name), reference.picture(name).astype(int)
    assert counts(check(values)) == (values.size, values.size, True)
    values[3, 4] += 1
    assert counts(check(values)) == (values.size - 1, values.size, False)
    assert not check(values[1:]).matches
