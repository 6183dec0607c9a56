import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils import scale_to_unit_interval, tile_raster_images


def test_scaling():
    values = np.array([[2., 4.], [6., 10.]])
    np.testing.assert_array_equal(scale_to_unit_interval(values), np.array([[0, 2], [4, 8]]) * (1 / (8 + 1e-8)))
    np.testing.assert_array_equal(values, [[2, 4], [6, 10]])
    for dtype, expected in ('f2', 'f8'), ('f4', 'f4'), ('f8', 'f8'), ('i4', 'f8'), ('bool', 'f8'):
        assert scale_to_unit_interval(np.array([0, 1, 1]).astype(dtype)).dtype == expected
        assert (scale_to_unit_interval(np.ones(3, dtype)) == 0).all()
    # 0.25 + 1e-8 is 0.25 in float32; without eps the brightest pixel would be 255.
    assert tile_raster_images(np.array([[0, 0.25]], np.float32), (1, 2), (1, 1))[0, 1] == 254


def test_each_tile_is_scaled_by_itself():
    X = np.array([[0., 1., 2., 3.], [5., 5., 5., 9.], [7., 7., 7., 7.]])
    picture = tile_raster_images(X, img_shape=(1, 4), tile_shape=(3, 1))
    np.testing.assert_array_equal(picture, np.uint8([[0, 84, 169, 254], [0, 0, 0, 254], [0, 0, 0, 0]]), strict=True)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2),
       st.integers(0, 12))
def test_every_image_in_its_place(height, width, rows, columns, vertical, horizontal, n_images):
    X = np.random.RandomState(n_images).uniform(-1, 2, (n_images, height * width)).astype(np.float32)
    picture, pixels = (tile_raster_images(X, (height, width), (rows, columns), (vertical, horizontal), False, as_pixels)
                       for as_pixels in (False, True))
    expected = np.zeros((rows * (height + vertical) - vertical, columns * (width + horizontal) - horizontal), X.dtype)
    for k, image in enumerate(X[:rows * columns]):
        top, left = k // columns * (height + vertical), k % columns * (width + horizontal)
        expected[top:top + height, left:left + width] = image.reshape(height, width)
    np.testing.assert_array_equal(picture, expected, strict=True)
    np.testing.assert_array_equal(pixels, (255 * np.clip(expected, 0, 1)).astype(np.uint8), strict=True)


def test_channels():
    picture = tile_raster_images((np.array([[0., 1.]]), None, None, None), (1, 2), (1, 2), (0, 1))
    rgba = [[0, 0, 0, 255], [254, 0, 0, 255], [0, 0, 0, 255], [0, 0, 0, 255], [0, 0, 0, 255]]
    np.testing.assert_array_equal(picture, np.array([rgba], np.uint8), strict=True)
    blue = np.array([[0.5, 1.]], np.float32)
    picture = tile_raster_images((None, None, blue, None), (1, 2), (1, 1), (0, 0), False, False)
    np.testing.assert_array_equal(picture, np.array([[[0, 0, 0.5, 1], [0, 0, 1, 1]]], np.float32), strict=True)


@pytest.mark.parametrize('X', [np.zeros(4), np.zeros((2, 5)), (np.zeros((1, 4)),) * 3])
def test_other_shapes_are_refused(X):
    with pytest.raises(ValueError, match='expected'):
        tile_raster_images(X, (2, 2), (1, 1))
