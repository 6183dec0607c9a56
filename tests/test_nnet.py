"""Theano's sigmoid and softplus, with numbers that Theano 0.8.2 computed below, at and above its limits."""
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.traversal import applys_between

from theano_tutorial import nnet


@pytest.mark.parametrize('backend, mode', [('C', None), ('Numba', None), ('NumPy', None), ('C', 'FAST_COMPILE')],
                         indirect=['backend'])
@pytest.mark.parametrize('k', range(2))
def test_values_and_gradient_of_theano(golden, backend, mode, k):
    theano = golden['elementwise'][k]
    rtol = 4 * np.finfo(theano['floatX']).eps
    x = pt.vector('x', dtype=theano['floatX'])
    y = nnet.sigmoid(x)
    outputs = [y, pt.grad(y.sum(), x), nnet.softplus(x), pt.grad(nnet.softplus(x).sum(), x)]
    names = 'sigmoid', 'gradient', 'softplus', 'sigmoid'
    for values, name in zip(pytensor.function([x], outputs, mode=mode)(np.array(theano['x'], x.dtype)), names):
        expected = np.array(theano[name], x.dtype)
        np.testing.assert_allclose(values, expected, rtol=rtol, strict=True)
        exact = np.isin(expected, [0, 1, *theano['x']])  # beyond the limits
        np.testing.assert_array_equal(values[exact], expected[exact])
        assert exact.sum() >= 8


@pytest.mark.parametrize('dtype, expected', [('int8', 'float32'), ('uint16', 'float32'), ('int32', 'float64'),
                                             ('bool', 'float32'), ('uint64', 'float64')])
def test_integers(backend, dtype, expected):
    x = pt.vector('x', dtype=dtype)
    values = np.array([0, 1], dtype)
    y, softplus = pytensor.function([x], [nnet.sigmoid(x), nnet.softplus(x)])(values)
    np.testing.assert_allclose(y, (1 / (1 + np.exp(-values.astype(float)))).astype(expected), rtol=1e-7, strict=True)
    np.testing.assert_allclose(softplus, np.logaddexp(0, values.astype(float)).astype(expected), rtol=1e-7, strict=True)


@pytest.mark.parametrize('dtype', ['complex128', 'float16'])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match=f'are for float32, float64 and integers, not {dtype}'):
        nnet.sigmoid(pt.vector(dtype=dtype))


def test_logarithms_of_it_become_softplus():
    # As in Theano; without, log(1 - z) is -inf where z is 1, and the page's own formula of the cost is NaN.
    a = pt.vector('a')
    z = nnet.sigmoid(a)
    values = np.array([-800., -40., 0.5, 40., 800.])
    for L, expected in (pt.log(z), -np.logaddexp(0, -values)), (pt.log(1 - z), -np.logaddexp(0, values)):
        ops = {node.op for node in applys_between([a], [rewrite_graph(L, include=('canonicalize', 'stabilize'))])}
        assert nnet.softplus in ops and nnet.sigmoid not in ops
        np.testing.assert_allclose(L.eval({a: values}), expected, rtol=1e-7)
    other = pt.log(2 - z), pt.log1p(z), pt.log(1 - pt.tanh(a))
    for L in other:
        assert nnet.softplus not in {node.op for node in applys_between([a], [rewrite_graph(L)])}
