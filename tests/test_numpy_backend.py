import itertools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile import Mode
from pytensor.tensor.blas import Dot22, Gemm
from pytensor.tensor.elemwise import Elemwise

from dA import DenoisingAutoencoder, training_function
from theano_tutorial.compute.numpy_backend import ScipyDot22, ScipyGemm

SHAPES = [(20, 7, 5), (1, 3, 4), (4, 3, 1), (1, 1, 1), (0, 3, 4), (2, 0, 3), (2, 3, 0)]
LAYOUTS = [np.ascontiguousarray, np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1, ::-1]]


@pytest.fixture
def mode(numpy_flags):
    return numpy_flags['mode']


def products(function):
    """The types of the Ops of a compiled function that multiply matrices."""
    return [type(node.op) for node in function.maker.fgraph.toposort() if isinstance(node.op, Dot22 | Gemm)]


@pytest.mark.parametrize('dtype, rtol, used', [
    ('float64', 1e-13, [ScipyDot22, ScipyGemm]), ('float32', 1e-5, [ScipyDot22, ScipyGemm]),
    ('complex128', 1e-13, [ScipyDot22])])
def test_any_layout(mode, dtype, rtol, used):
    random = np.random.RandomState(0)
    x, y, z = (pt.matrix(dtype=dtype) for _ in range(3))
    product = pytensor.function([x, y], pt.dot(x, y), mode=mode)
    difference = pytensor.function([x, y, z], z - 2 * pt.dot(x, y), mode=mode)
    assert products(product) + products(difference) == used
    for (m, k, n), *layouts in itertools.product(SHAPES, LAYOUTS, LAYOUTS, LAYOUTS):
        arrays = [random.uniform(1, 2, shape).astype(dtype) for shape in ((m, k), (k, n), (m, n))]
        x, y, z = (layout(array) for layout, array in zip(layouts, arrays))
        expected = np.einsum('ij,jk', x, y)
        np.testing.assert_allclose(product(x, y), expected, rtol=rtol, strict=True)
        np.testing.assert_allclose(difference(x, y, z), z - 2 * expected, rtol=rtol, strict=True)
        np.testing.assert_array_equal(z, layouts[2](arrays[2]))  # it is not overwritten
    with pytest.raises(ValueError):
        product(np.ones((2, 3), dtype), np.ones((4, 2), dtype))
    with pytest.raises(ValueError):
        difference(np.ones((2, 3), dtype), np.ones((4, 2), dtype), np.ones((2, 2), dtype))


@pytest.mark.parametrize('dtype', ['float64', 'float32'])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_a_parameter_is_updated(mode, dtype, layout):
    x, y = pt.matrix(dtype=dtype), pt.matrix(dtype=dtype)
    value = layout(np.arange(12, dtype=dtype).reshape(3, 4))
    expected = value.copy()
    W = pytensor.shared(value, borrow=True)
    step = pytensor.function([x, y], pt.dot(x, W), updates=[(W, W - 2 * pt.dot(x.T, y))], mode=mode)
    assert products(step) == [ScipyDot22, ScipyGemm]
    x, y = np.eye(2, 3, dtype=dtype), np.arange(8, dtype=dtype).reshape(2, 4)
    for _ in range(3):
        np.testing.assert_array_equal(step(x, y), x @ expected, strict=True)
        expected -= 2 * x.T @ y
        np.testing.assert_array_equal(W.get_value(), expected, strict=True)
    # In place if BLAS can: if the rows are contiguous.
    assert np.may_share_memory(W.get_value(borrow=True), value) == value.flags.c_contiguous


def test_a_row_is_added_to_each_row_of_a_product():
    z, x, y = np.ones((1, 4)), np.eye(2, 3), np.arange(12.).reshape(3, 4)
    total = ScipyGemm(inplace=False)(z, np.float64(2), x, y, np.float64(3))
    np.testing.assert_array_equal(total.eval(mode=Mode('py', None)), 3 * z + 2 * x @ y)


def test_three_terms_of_two_dtypes():
    x, y = pt.bvector(), pt.dvector()
    total = pytensor.function([x, y], pt.add(x, x, y), mode=Mode('py', None).including('numpy_backend'))
    assert [len(node.inputs) for node in total.maker.fgraph.toposort()] == [3]


def test_the_training_step(mode):
    def ops(mode):
        model = DenoisingAutoencoder(np.random.RandomState(0), n_visible=6, n_hidden=4)
        with pytensor.config.change_flags(mode=mode):
            step = training_function(model, pytensor.shared(np.zeros((4, 6))), 0.3, 0.1, 2)
        return products(step), step.maker.fgraph.toposort()

    used, nodes = ops(mode)
    assert used == 3 * [ScipyDot22] + 2 * [ScipyGemm] and len(nodes) < 45
    # NumPy computes each of them at once, and not element by element.
    assert all(len(node.inputs) <= 2 and node.op.nfunc_spec or node.op.scalar_op.name.startswith('convert_to_')
               for node in nodes if isinstance(node.op, Elemwise))
    for other in mode.excluding('numpy_backend'), Mode('py', 'fast_run'), 'FAST_COMPILE':
        assert not {ScipyDot22, ScipyGemm} & set(ops(other)[0])
