"""The rewritten cost: the same numbers, and finite ones where the formula as it is written has none."""
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from backends import BACKENDS, backend_modes

from dA import Autoencoder, DenoisingAutoencoder, train
from mnist_files import find, read_pickle
from rewrites import stabilize
from shared_randomstreams import RandomStreams


def formula(x, a):
    z = pt.sigmoid(a)
    return -pt.sum(x * pt.log(z) + (1 - x) * pt.log(1 - z), axis=1)


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_it_is_rewritten_before_the_gradient(floatX):
    x, a = pt.matrix('x', dtype=floatX), pt.matrix('a', dtype=floatX)
    cost = stabilize(pt.mean(formula(x, a)))
    for graph in cost, pt.grad(cost, a):
        assert graph.dtype == floatX
        ops = {str(node.op) for node in pytensor.graph.traversal.applys_between([x, a], [graph])}
        assert 'Log' not in ops
    assert 'Softplus' in {str(node.op) for node in pytensor.graph.traversal.applys_between([x, a], [cost])}


def test_other_graphs_stay_as_they_are():
    x, a = pt.matrix('x'), pt.matrix('a')
    z = pt.sigmoid(a)
    for other in (pt.log(z), x * pt.log(z) + (2 - x) * pt.log(1 - z),
                  x * pt.log(z) + (1 - x) * pt.log(1 - pt.sigmoid(x))):
        assert pytensor.graph.basic.equal_computations([stabilize(other)], [other])


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('floatX, rtol', [('float64', 1e-13), ('float32', 1e-5)])
def test_finite_and_right_for_every_argument(backend, floatX, rtol):
    values = np.array([-1e4, -745, -200, -100, -37, -1, -1e-9, 0, 1e-9, 1, 37, 89, 200, 710, 1e4])
    a_value = np.tile(values, (3, 1))
    x_value = np.repeat([[0.], [0.5], [1.]], len(values), axis=1)
    with backend_modes(backend), pytensor.config.change_flags(floatX=floatX):
        x, a = pt.matrix('x'), pt.matrix('a')
        L = stabilize(formula(x, a))
        cost, gradient = pytensor.function([x, a], [L, pt.grad(pt.sum(L), a)])(
            x_value.astype(floatX), a_value.astype(floatX))
    expected = np.logaddexp(0, a_value) - x_value * a_value
    np.testing.assert_allclose(cost, expected.sum(axis=1), rtol=rtol)
    sigmoid = np.exp(-np.logaddexp(0, -a_value))
    np.testing.assert_allclose(gradient, sigmoid - x_value, rtol=rtol, atol=1e-7 if floatX == 'float32' else 1e-15)


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('floatX', ['float64', 'float32'])
@pytest.mark.parametrize('model', [Autoencoder, DenoisingAutoencoder])
def test_large_steps_stay_finite(backend, floatX, model):
    images = read_pickle(find('mini_mnist.pkl.gz'))[0][0][:1000]
    with backend_modes(backend), pytensor.config.change_flags(floatX=floatX):
        numpy_rng = np.random.RandomState(123)
        autoencoder = model(numpy_rng, RandomStreams(1), n_visible=784, n_hidden=50)
        # Arguments of the sigmoids beyond +-200 from the start, where z is 0 or 1 in either precision.
        autoencoder.W.set_value(autoencoder.W.get_value() * np.array(100, floatX))
        costs, _ = train(autoencoder, pytensor.shared(images.astype(floatX)), 0.3, learning_rate=1., training_epochs=5)
    assert np.isfinite(costs).all()
    for param in autoencoder.params:
        assert np.isfinite(param.get_value()).all()
