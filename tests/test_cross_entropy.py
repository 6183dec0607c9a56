import itertools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from conftest import posix
from pytensor.graph.basic import equal_computations

from theano_tutorial import nnet
from theano_tutorial.compute.cross_entropy import rows_in_numpy
from theano_tutorial.nnet import sigmoid_cross_entropy, stabilize


def swapped(op, a, b, swap):
    return op(b, a) if swap else op(a, b)


def formula(x, a, swaps=(False, False, False), sigmoid=nnet.sigmoid):
    """The cross-entropy as the tutorial has it, with the factors or terms exchanged as `swaps` says."""
    z = sigmoid(a)
    terms = swapped(pt.mul, x, pt.log(z), swaps[0]), swapped(pt.mul, 1 - x, pt.log(1 - z), swaps[1])
    return -pt.sum(swapped(pt.add, *terms, swaps[2]), axis=1)


@pytest.mark.parametrize('swaps', [*itertools.product([False, True], repeat=3)])
def test_rewritten_in_any_order_of_factors_and_terms(swaps):
    x, a = pt.matrices('x', 'a')
    for sigmoid in nnet.sigmoid, pt.sigmoid:
        cost = pt.mean(formula(x, a, swaps, sigmoid))
        assert equal_computations([stabilize(cost)], [pt.mean(sigmoid_cross_entropy(x, a)[0])])
        assert equal_computations([cost], [pt.mean(formula(x, a, swaps, sigmoid))])  # it is not changed


def test_of_other_shapes():
    for ndim, axis in (1, None), (3, 1), (2, 0):
        x, a = pt.tensor(shape=(None,) * ndim), pt.tensor(shape=(None,) * ndim)
        z = nnet.sigmoid(a)
        L = -pt.sum(x * pt.log(z) + (1 - x) * pt.log(1 - z), axis=axis)
        assert equal_computations([stabilize(L)], [pt.sum(nnet.softplus(a) - x * a, axis=axis)])


def test_other_graphs_are_untouched():
    x, y, a, b = pt.matrices('x', 'y', 'a', 'b')
    z, z_b, tanh = nnet.sigmoid(a), nnet.sigmoid(b), pt.tanh(a)
    # What belongs to each second factor, and to each second argument of log, in a cross-entropy of a sigmoid.
    factors = {1 - x: x, 1 - y: y, 2 - x: None, x - 1: None}
    arguments = {1 - z: z, 1 - z_b: z_b, 2 - z: None, z: None, 1 - tanh: None}
    for x_1, (x_2, x_pair), z_1, (z_2, z_pair) in itertools.product(
            (x, y), factors.items(), (z, z_b, tanh), arguments.items()):
        cost = -pt.sum(x_1 * pt.log(z_1) + x_2 * pt.log(z_2), axis=1)
        assert equal_computations([stabilize(cost)], [cost]) != (x_pair is x_1 and z_pair is z_1)
    L = x * pt.log(z) + (1 - x) * pt.log(1 - z)
    for cost in pt.sum(L), -pt.max(L), -L, -pt.sum(x * pt.log(z) - (1 - x) * pt.log(1 - z)), -pt.sum(L + 1):
        assert equal_computations([stabilize(cost)], [cost])


LIMITS = {'float64': (16, 19), 'float32': (14, 15)}  # of softplus and of the sigmoid


def reference(x, a):
    """L and its gradient by the formula with the limits of Theano's C code, in float64; 0 times infinity is 0."""
    linear, one = LIMITS[a.dtype.name]
    x, a = x.astype(float), a.astype(float)

    def softplus(a):
        return np.where(a > linear, a, np.logaddexp(0, a))

    with np.errstate(all='ignore'):
        terms = np.where(x == 0, 0, x * softplus(-a)), np.where(x == 1, 0, (1 - x) * softplus(a))
        return (terms[0] + terms[1]).sum(axis=1), np.where(a > one, 1, np.exp(-np.logaddexp(0, -a))) - x


@pytest.mark.parametrize('rows', [lambda x, a: nnet.rows_of(a.dtype.name)(x, a),
                                  lambda x, a: rows_in_numpy(*LIMITS[a.dtype.name], x, a)], ids=['compiled', 'NumPy'])
@pytest.mark.parametrize('floatX, rtol, atol', [('float64', 1e-13, 1e-15), ('float32', 2e-7, 1e-7)])
def test_extreme_arguments(rows, floatX, rtol, atol):
    around_limits = np.ravel([[limit - 1e-3, limit + 1e-3] for limit in (-16, -14, 14, 15, 16, 19)])
    for a, x in itertools.product([*around_limits, -np.inf, -1e4, -745, -200, -100, -37, -1, -1e-9, 0, 1e-9, 1, 37, 89,
                                   200, 710, 1e4, np.inf, np.nan], [0., 0.5, 1., np.nan]):
        x, a = np.array([[x]], floatX), np.array([[a]], floatX)
        with np.errstate(all='ignore'):
            L, gradient = rows(x, a)
        assert L.dtype == gradient.dtype == floatX
        expected = reference(x, a)
        np.testing.assert_allclose(L, expected[0], rtol=rtol, atol=atol)
        np.testing.assert_allclose(gradient, expected[1], rtol=rtol, atol=atol)


@pytest.mark.parametrize('floatX, rtol, atol', [('float64', 1e-13, 4e-16), ('float32', 2e-7, 1e-7)])
def test_any_width_and_strides(backend, floatX, rtol, atol):
    random = np.random.RandomState(0)
    x, a = pt.matrix('x', dtype=floatX), pt.matrix('a', dtype=floatX)
    function = pytensor.function([x, a], sigmoid_cross_entropy(x, a))
    for width in 0, 1, 31, 32, 33, 784, 30007:  # products of 1000 factors
        x_value = random.uniform(size=(6, 2 * width)).astype(floatX)[::2, ::2]
        a_value = np.asfortranarray(8 * random.normal(size=(3, width)).astype(floatX))
        L, gradient = function(x_value, a_value)
        expected = reference(x_value, a_value)
        np.testing.assert_allclose(L, expected[0], rtol=rtol)
        np.testing.assert_allclose(gradient, expected[1], rtol=rtol, atol=atol)
    with pytest.raises(ValueError, match='shape'):
        function(np.zeros((2, 3), floatX), np.zeros((2, 4), floatX))


@pytest.mark.parametrize('mode', [None, 'FAST_COMPILE'])
@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_derivatives_of_both_outputs(backend, mode, floatX):
    random = np.random.RandomState(1)
    point = [random.uniform(size=(3, 5)).astype(floatX), 2 * random.normal(size=(3, 5)).astype(floatX)]
    with pytensor.config.change_flags(floatX=floatX, mode=mode or pytensor.config.mode):
        pytensor.gradient.verify_grad(
            lambda x, a: pt.concatenate([output.ravel() for output in sigmoid_cross_entropy(x, a)]), point, 1, random)


def test_training_with_saturated_weights(run):
    # PyTensor's default mode has a similar rewrite of its own; this mode does not, and gives inf or NaN without ours.
    done = run('saturated.py', flags='mode=FAST_COMPILE')
    assert (done.returncode, done.stdout) == (0, 'float64: finite\nfloat32: finite\n'), done.stderr


@posix
def test_a_fork_waits_for_what_numba_compiles(run, tmp_path, monkeypatch):
    monkeypatch.setenv('NUMBA_CACHE_DIR', str(tmp_path))
    monkeypatch.setenv('OPENBLAS_NUM_THREADS', '1')  # Python warns if others run
    done = run('fork_while_numba_compiles.py')
    assert (done.stdout, done.stderr) == ('1 0\n', '')
