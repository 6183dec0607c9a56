import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils import scale_to_unit_interval, tile_raster_images

finite = st.floats(-1e6, 1e6, width=32)


def test_scale_by_hand():
    given_array = np.array([[2.0, 4.0], [6.0, 10.0]])
    scaled = scale_to_unit_interval(given_array)
    np.testing.assert_array_equal(scaled, np.array([[0, 2], [4, 8]]) * (1 / (8 + 1e-8)))
    np.testing.assert_array_equal(given_array, [[2, 4], [6, 10]])


def test_scale_keeps_eps_in_float32():
    # In float32 0.25 + 1e-8 is 0.25, and the brightest pixel would be 255.
    scaled = scale_to_unit_interval(np.array([0, 0.25], np.float32))
    assert scaled[1] == 1 - np.float32(2 ** -24)
    assert tile_raster_images(np.array([[0, 0.25]], np.float32), (1, 2), (1, 1))[0, 1] == 254


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_scale_keeps_the_dtype(dtype):
    assert scale_to_unit_interval(np.arange(5, dtype=dtype)).dtype == dtype


def test_scale_of_integers_and_of_equal_values():
    np.testing.assert_allclose(scale_to_unit_interval(np.array([0, 5, 10])), [0, 0.5, 1])
    np.testing.assert_array_equal(scale_to_unit_interval(np.full((2, 2), 7.0)), np.zeros((2, 2)))


@given(hnp.arrays(np.float32, hnp.array_shapes(), elements=finite))
def test_scale_gives_the_unit_interval_in_order(values):
    scaled = scale_to_unit_interval(values)
    assert scaled.min() == 0 and scaled.max() <= 1 + 1e-6
    order = np.argsort(values, axis=None, kind='stable')
    assert (np.diff(scaled.ravel()[order]) >= 0).all()


def test_tiles_by_hand():
    X = np.array([[0., 1., 2., 3.], [5., 5., 5., 9.], [4., 0., 0., 2.]])
    picture = tile_raster_images(X, img_shape=(2, 2), tile_shape=(2, 2), tile_spacing=(1, 2))
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, [[0, 84, 0, 0, 0, 0],
                                            [169, 254, 0, 0, 0, 254],
                                            [0, 0, 0, 0, 0, 0],
                                            [254, 0, 0, 0, 0, 0],
                                            [0, 127, 0, 0, 0, 0]])


def test_values_as_they_are():
    X = np.array([[0.5, 2.0], [-1.0, 0.25]], np.float32)
    picture = tile_raster_images(X, (1, 2), (2, 1), scale_rows_to_unit_interval=False, output_pixel_vals=False)
    assert picture.dtype == np.float32
    np.testing.assert_array_equal(picture, X)
    pixels = tile_raster_images(X, (1, 2), (2, 1), scale_rows_to_unit_interval=False)
    np.testing.assert_array_equal(pixels, [[127, 255], [0, 63]])
    mask = tile_raster_images(np.array([[True, False]]), (1, 2), (1, 1), scale_rows_to_unit_interval=False)
    np.testing.assert_array_equal(mask, [[255, 0]])


def test_channels():
    red = np.array([[0., 1.]])
    picture = tile_raster_images((red, None, None, None), (1, 2), (1, 2), (0, 1))
    assert picture.shape == (1, 5, 4) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[0, :, 0], [0, 254, 0, 0, 0])
    np.testing.assert_array_equal(picture[..., 1:3], 0)
    np.testing.assert_array_equal(picture[..., 3], 255)

    blue = np.array([[0.5, 1.]], np.float32)
    picture = tile_raster_images((None, None, blue, None), (1, 2), (1, 1), output_pixel_vals=False,
                                 scale_rows_to_unit_interval=False)
    assert picture.dtype == np.float32
    np.testing.assert_array_equal(picture[0], [[0, 0, 0.5, 1], [0, 0, 1, 1]])


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2),
       st.integers(0, 12))
def test_every_image_in_its_place(height, width, rows, columns, vertical, horizontal, n_images):
    X = np.random.RandomState(n_images).uniform(1, 2, (n_images, height * width))
    picture = tile_raster_images(X, (height, width), (rows, columns), (vertical, horizontal),
                                 scale_rows_to_unit_interval=False, output_pixel_vals=False)
    assert picture.shape == (rows * (height + vertical) - vertical, columns * (width + horizontal) - horizontal)
    shown = min(n_images, rows * columns)
    for k in range(shown):
        top, left = k // columns * (height + vertical), k % columns * (width + horizontal)
        np.testing.assert_array_equal(picture[top:top + height, left:left + width], X[k].reshape(height, width))
    # Nothing else is drawn.
    assert np.count_nonzero(picture) == shown * height * width


def test_no_images_and_whole_numbers():
    assert not tile_raster_images(np.zeros((0, 4)), (2, 2), (1, 2)).any()
    values = tile_raster_images(np.array([[0, 5, 10, 2]]), (2, 2), (1, 1), output_pixel_vals=False)
    np.testing.assert_allclose(values, [[0, 0.5], [1, 0.2]])


@pytest.mark.parametrize('X', [np.zeros(4), np.zeros((2, 5)), (np.zeros((1, 4)),) * 3])
def test_what_is_no_matrix_of_images(X):
    with pytest.raises(ValueError, match='expected'):
        tile_raster_images(X, (2, 2), (1, 1))
