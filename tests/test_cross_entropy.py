import itertools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.basic import equal_computations

from dA import Autoencoder, DenoisingAutoencoder, train
from theano_tutorial.cross_entropy import stabilize
from theano_tutorial.shared_randomstreams import RandomStreams


def swapped(op, a, b, swap):
    return op(b, a) if swap else op(a, b)


def formula(x, a, swaps=(False, False, False)):
    """The cross-entropy as the tutorial has it, with the factors or terms exchanged as `swaps` says."""
    z = pt.sigmoid(a)
    terms = swapped(pt.mul, x, pt.log(z), swaps[0]), swapped(pt.mul, 1 - x, pt.log(1 - z), swaps[1])
    return -pt.sum(swapped(pt.add, *terms, swaps[2]), axis=1)


@pytest.mark.parametrize('swaps', [*itertools.product([False, True], repeat=3)])
def test_rewritten_in_any_order_of_factors_and_terms(swaps):
    x, a = pt.matrices('x', 'a')
    cost = stabilize(pt.mean(formula(x, a, swaps)))
    assert equal_computations([cost], [pt.mean(pt.sum(pt.softplus(a) - x * a, axis=1))])


def test_other_graphs_are_untouched():
    x, y, a, b = pt.matrices('x', 'y', 'a', 'b')
    z, z_b, tanh = pt.sigmoid(a), pt.sigmoid(b), pt.tanh(a)
    # What belongs to each second factor, and to each second argument of log, in a cross-entropy of a sigmoid.
    factors = {1 - x: x, 1 - y: y, 2 - x: None, x - 1: None}
    arguments = {1 - z: z, 1 - z_b: z_b, 2 - z: None, z: None, 1 - tanh: None}
    for x_1, (x_2, x_pair), z_1, (z_2, z_pair) in itertools.product(
            (x, y), factors.items(), (z, z_b, tanh), arguments.items()):
        cost = -pt.sum(x_1 * pt.log(z_1) + x_2 * pt.log(z_2), axis=1)
        assert (stabilize(cost) is cost) != (x_pair is x_1 and z_pair is z_1)
    L = x * pt.log(z) + (1 - x) * pt.log(1 - z)
    for cost in pt.sum(L), -pt.max(L), -L, -pt.sum(x * pt.log(z) - (1 - x) * pt.log(1 - z)), -pt.sum(L + 1):
        assert stabilize(cost) is cost


ARGUMENTS = np.array([-1e4, -745, -200, -100, -37, -1, -1e-9, 0, 1e-9, 1, 37, 89, 200, 710, 1e4])


@pytest.mark.parametrize('mode', [None, 'FAST_COMPILE'])
@pytest.mark.parametrize('floatX, rtol, atol', [('float64', 1e-13, 1e-15), ('float32', 1e-5, 1e-7)])
def test_value_and_gradient_of_extreme_arguments(backend, mode, floatX, rtol, atol):
    a_value, x_value = np.meshgrid(ARGUMENTS, [0., 0.5, 1.])
    with pytensor.config.change_flags(floatX=floatX):
        x, a = pt.matrices('x', 'a')
        L = stabilize(formula(x, a))
        cost, gradient = pytensor.function([x, a], [L, pt.grad(pt.sum(L), a)], mode=mode)(
            x_value.astype(floatX), a_value.astype(floatX))
    assert cost.dtype == gradient.dtype == floatX
    np.testing.assert_allclose(cost, (np.logaddexp(0, a_value) - x_value * a_value).sum(axis=1), rtol=rtol)
    np.testing.assert_allclose(gradient, np.exp(-np.logaddexp(0, -a_value)) - x_value, rtol=rtol, atol=atol)


@pytest.mark.parametrize('mode', ['Mode', 'FAST_COMPILE'])
@pytest.mark.parametrize('model', [Autoencoder, DenoisingAutoencoder])
def test_training_with_saturated_weights(mini_mnist, backend, mode, model):
    # PyTensor's default mode has a similar rewrite of its own; FAST_COMPILE has not, and gives inf or NaN without ours.
    with pytensor.config.change_flags(mode=mode):
        autoencoder = model(np.random.RandomState(123), RandomStreams(1), n_hidden=50)
        autoencoder.W.set_value(60 * autoencoder.W.get_value())
        images = pytensor.shared(mini_mnist[0][0][:200].astype('float64'))
        costs = train(autoencoder, images, 0.3, learning_rate=1., training_epochs=2)  # raises if not finite
    assert costs[1] < costs[0]
