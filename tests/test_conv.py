"""conv2d and pool_2d, against Theano 0.8.2, SciPy and finite differences."""
import hashlib

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.gradient import verify_grad
from scipy.signal import convolve2d, correlate2d

from theano_tutorial.legacy import conv

RANDOM = np.random.RandomState(5)


def tuples(arguments):
    return {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}


def of_images(run, dtype):
    """One of theano_oracle.py's functions of images, and filters."""
    inputs = [pt.tensor4(dtype=dtype) for _ in range(2 if run['name'] == 'conv2d' else 1)]
    y = getattr(conv, run['name'])(*inputs, **tuples(run['arguments']))
    return pytensor.function(inputs, [y, *pt.grad(pt.sum(y ** 2) / 2, inputs)])


def assert_as_theano(run, dtype='float64'):
    random = np.random.RandomState(2016)
    values = [random.randint(-4, 5, shape).astype(dtype) for shape in ((2, 3, 7, 6), (4, 3, 3, 2))]
    results = of_images(run, dtype)(*values[:len(run['sha256']) - 1])
    assert list(results[0].shape) == run['shape']
    for result, expected in zip(results, run['sha256'], strict=True):
        assert result.dtype == dtype
        assert hashlib.sha256((result.astype(np.float64) + 0).tobytes()).hexdigest() == expected, run['arguments']


@pytest.mark.parametrize('dtype', ['float64', 'float32'])
def test_values_and_gradients_of_theano(golden, dtype, uncompiled):
    # Many pixels of a window are equal, so that the rule of the maximum's gradient counts.
    for run in golden['of_images']:
        assert_as_theano(run, dtype)


@pytest.mark.parametrize('backend', ['C', pytest.param('Numba', marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize('name, arguments', [
    ('conv2d', dict(border_mode='half', subsample=(2, 3))),
    ('pool_2d', dict(mode='max', ignore_border=False, st=(3, 2))),
    ('pool_2d', dict(mode='average_inc_pad', padding=(1, 1), st=(1, 1)))])
def test_backends(golden, backend, name, arguments):
    run, = (run for run in golden['of_images'] if run['name'] == name
            and run['arguments'].get('ds') in (None, [2, 2])
            and tuples(run['arguments']).items() >= arguments.items())
    assert_as_theano(run)


@pytest.mark.parametrize('border_mode, rows, columns', [('valid', 0, 0), ('full', 3, 1), ('half', 2, 1), (1, 1, 1),
                                                        ((0, 2), 0, 2)])
@pytest.mark.parametrize('filter_flip, of_scipy', [(True, convolve2d), (False, correlate2d)])
def test_scipy_and_finite_differences(border_mode, rows, columns, filter_flip, of_scipy, uncompiled):
    images, filters = RANDOM.normal(size=(2, 2, 7, 6)), RANDOM.normal(size=(3, 2, 4, 2))
    x, w = pt.tensor4(), pt.tensor4()
    arguments = dict(border_mode=border_mode, filter_flip=filter_flip, subsample=(2, 3))
    padded = np.pad(images, [(0, 0), (0, 0), (rows, rows), (columns, columns)])
    expected = [[sum(map(lambda a, b: of_scipy(a, b, 'valid'), image, filter))[::2, ::3] for filter in filters]
                for image in padded]
    y = conv.conv2d(x, w, **arguments)
    maps, shape = pytensor.function([x, w], [y, y.shape])(images, filters)
    np.testing.assert_allclose(maps, expected, atol=1e-12)
    assert shape.tolist() == list(maps.shape)
    verify_grad(lambda x, w: conv.conv2d(x, w, **arguments), [images, filters], rng=RANDOM)


def test_second_derivatives(uncompiled):
    def gradient(x, w):
        return pt.grad(pt.sum(conv.conv2d(x, w, subsample=(2, 1)) ** 3), [x, w])[0]
    verify_grad(gradient, [RANDOM.normal(size=(2, 2, 5, 4)), RANDOM.normal(size=(3, 2, 3, 2))], rng=RANDOM)


def test_more_images_than_are_copied_at_a_time(uncompiled, monkeypatch):
    x, w = pt.tensor4(), pt.tensor4()
    y = conv.conv2d(x, w)
    function = pytensor.function([x, w], [y, *pt.grad(pt.sum(y ** 2), [x, w])])
    values = RANDOM.normal(size=(5, 2, 6, 6)), RANDOM.normal(size=(3, 2, 3, 3))
    expected = function(*values)
    monkeypatch.setattr(conv, 'COPIED', 2 * 2 * 9 * 16)
    for result, at_once in zip(function(*values), expected):
        np.testing.assert_allclose(result, at_once, rtol=1e-12)


def test_border_that_theano_says_and_does_not_keep(uncompiled):
    # Theano's infer_shape gave one window, its C code computed a second one, without a new pixel.
    x = pt.tensor4()
    pooled = conv.pool_2d(x, (3, 3), ignore_border=False, stride=(2, 2)).eval({x: np.ones((1, 1, 3, 3))})
    np.testing.assert_array_equal(pooled, [[[[1.]]]])


def test_pooling_of_other_dimensions_and_integers(uncompiled):
    x, i = pt.TensorType('float64', (None,) * 5)(), pt.lmatrix()
    values = RANDOM.normal(size=(2, 3, 2, 5, 4))
    expected = conv.pool_2d(x.reshape((12, 1, 5, 4)), (2, 3)).eval({x: values}).reshape(2, 3, 2, 3, 2)
    np.testing.assert_array_equal(conv.pool_2d(x, (2, 3)).eval({x: values}), expected)
    np.testing.assert_array_equal(conv.pool_2d(i, (2, 2)).eval({i: np.arange(9).reshape(3, 3) - 20}),
                                  [[-16, -15], [-13, -12]])


def test_windows_of_one_pixel():
    # The maxima must not be a view of the images, or the product is written over these.
    images = pytensor.shared(np.ones((1, 1, 2, 2)))
    doubled = pytensor.function([], 2 * conv.pool_2d(images, (1, 1), True), mode=Mode('py', 'fast_run'))
    np.testing.assert_array_equal(doubled(), np.full((1, 1, 2, 2), 2))
    np.testing.assert_array_equal(images.get_value(), np.ones((1, 1, 2, 2)))


X = pt.tensor4()


@pytest.mark.parametrize('name, arguments, message', [
    ('conv2d', dict(filters=X, border_mode='same'), "border_mode is 'same'; it must be 'valid'"),
    ('conv2d', dict(filters=X, border_mode=-1), r'border_mode is \(-1, -1\); it must be two integers, at least 0'),
    ('conv2d', dict(filters=X, subsample=(0, 1)), r'subsample is \(0, 1\); it must be two integers, at least 1'),
    ('conv2d', dict(filters=X, filter_dilation=(2, 2)), 'has no argument filter_dilation'),
    ('conv2d', dict(filters=pt.matrix()), 'filters have 2; both must have 4'),
    ('pool_2d', dict(ws=2), 'ws is 2; it must be two integers'),
    ('pool_2d', dict(ws=(2, 2), mode='mean'), "mode is 'mean'; it must be 'max'"),
    ('pool_2d', dict(ws=(2, 2), pad=(1, 1)), 'and ignore_border True'),
    ('pool_2d', dict(ws=(2, 2), pad=(0, 2), ignore_border=True), r'it must be less than ws, \(2, 2\)')])
def test_wrong_arguments(name, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(conv, name)(X, **arguments)


def test_wrong_shapes(uncompiled):
    images, w = np.zeros((1, 2, 3, 4)), pt.tensor4()
    for shape in (1, 3, 2, 2), (1, 2, 4, 2):
        with pytest.raises(ValueError, match='images of shape .* do not fit filters'):
            conv.conv2d(X, w, unroll_batch=3).eval({X: images, w: np.zeros(shape)})
    with pytest.raises(ValueError, match='are smaller than a window'):
        conv.pool_2d(X, (4, 4), ignore_border=True).eval({X: images})
