"""Arrange the rows of a matrix as the tiles of one picture, and save it."""
import math

import numpy as np

from theano_tutorial.files.storage import save_image


def scale_to_unit_interval(ndar, eps=1e-8):
    """Scale an array linearly to [0, 1]: (ndar - min) / (max - min + eps).

    ndar : array of any shape, not empty

    Returns a new array of the same shape, float32 if ndar is, else float64; a constant array becomes 0.
    """
    ndar = np.asarray(ndar)
    ndar = ndar.astype(np.float32 if ndar.dtype == np.float32 else np.float64)
    ndar -= ndar.min()
    # A sum of Python floats: in float32, max + eps would be rounded to max.
    ndar *= 1.0 / (float(ndar.max()) + eps)
    return ndar


def tile_raster_images(X, img_shape, tile_shape, tile_spacing=(0, 0),
                       scale_rows_to_unit_interval=True, output_pixel_vals=True):
    """Arrange the images in the rows of X as the tiles of one picture, left to right, top to bottom.

    X : matrix (n_images, height * width), or a tuple of four such matrices or None: red, green, blue, alpha
    img_shape : (height, width) of one image, in pixels
    tile_shape : (rows, columns) of the picture, in tiles; surplus images are left out, missing ones are 0
    tile_spacing : (vertical, horizontal) gap between tiles, in pixels of value 0
    scale_rows_to_unit_interval : whether to scale each image by itself, see scale_to_unit_interval
    output_pixel_vals : whether to return uint8 pixels, 255 * value truncated, with values clipped to [0, 1]

    Returns an array (rows * (height + vertical) - vertical, columns * (width + horizontal) - horizontal), uint8 or of
    X's dtype. For a tuple it has a third axis of 4 channels, where a missing colour is 0 and a missing alpha opaque.
    Raises ValueError if X is neither such a matrix nor such a tuple.
    """
    (height, width), (rows, columns), (vertical, horizontal) = img_shape, tile_shape, tile_spacing

    if isinstance(X, tuple):
        if len(X) != 4:
            raise ValueError(f'X has {len(X)} channels; expected 4: red, green, blue, alpha')
        opaque = 255 if output_pixel_vals else 1
        channels = [None if channel is None else
                    tile_raster_images(channel, img_shape, tile_shape, tile_spacing,
                                       scale_rows_to_unit_interval, output_pixel_vals) for channel in X]
        shape = rows * (height + vertical) - vertical, columns * (width + horizontal) - horizontal
        dtype = np.uint8 if output_pixel_vals else np.result_type(*[c for c in channels if c is not None] or [float])
        missing = [np.full(shape, value, dtype) for value in (0, 0, 0, opaque)]
        return np.dstack([blank if channel is None else channel for channel, blank in zip(channels, missing)])

    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != height * width:
        raise ValueError(f'X has shape {X.shape}; expected (n_images, {height * width}) for images of {img_shape}')
    images = X[:rows * columns].reshape(-1, height, width)
    if scale_rows_to_unit_interval:
        images = np.reshape([scale_to_unit_interval(image) for image in images], (-1, height, width))
    if output_pixel_vals:
        images = 255 * np.clip(images, 0, 1)

    # Each tile includes the gap below and to the right of it; the last gaps are cut off.
    dtype = np.uint8 if output_pixel_vals else images.dtype
    tiles = np.zeros((rows * columns, height + vertical, width + horizontal), dtype)
    tiles[:len(images), :height, :width] = images
    picture = tiles.reshape(rows, columns, height + vertical, width + horizontal).swapaxes(1, 2)
    picture = picture.reshape(rows * (height + vertical), columns * (width + horizontal))
    return picture[:rows * (height + vertical) - vertical, :columns * (width + horizontal) - horizontal]


def save_tiles(X, img_shape, path, n_columns=10, scale_rows_to_unit_interval=True):
    """Save the images in the rows of X as one picture, n_columns in a row, one pixel apart.

    img_shape : (height, width) of one image, in pixels; if None, no picture is saved, and a message says so
    scale_rows_to_unit_interval : see tile_raster_images

    Raises OSError naming the path if the file cannot be written.
    """
    if img_shape is None:
        print(f'{path} not saved: images of {np.shape(X)[1]} pixels are not square; set their shape with --image-shape')
    else:
        tile_shape = math.ceil(len(X) / n_columns), n_columns
        save_image(tile_raster_images(X=X, img_shape=img_shape, tile_shape=tile_shape, tile_spacing=(1, 1),
                                      scale_rows_to_unit_interval=scale_rows_to_unit_interval), path)
        print('saved', path)
