"""Data sets: three pairs (images, labels) for training, validation and test, read from any of these.

FILE.pkl.gz, FILE.pkl   the tutorials' pickle of three (images, labels) pairs
FILE.npz                arrays train_x, train_y, valid_x, valid_y, test_x, test_y; the labels can be missing
FILE.csv                one image a line, numbers only
FOLDER                  images, or one folder of images for each class
"""
import math
import os
import warnings

import numpy as np
import pytensor
from PIL import Image, ImageOps

from theano_tutorial.errors import InputError
from theano_tutorial.files import mnist
from theano_tutorial.files.pickles import read_pickle
from theano_tutorial.files.storage import check_memory, data_file, memory_for, open_npz

SETS = ('train', 'valid', 'test')


class Datasets(list):
    """[(images, labels), ...] of the three sets: images (n, pixels) of floats in [0, 1], labels int64 (n,) or None.

    image_shape : (height, width), or None if it is not known
    n_classes : one more than the largest label, or None without labels
    """

    image_shape: tuple[int, int] | None = None
    n_classes: int | None = None


def load(dataset, image_shape=None):
    """Read a data set; see the top of this module for the formats.

    dataset : path; if there is none, the file of the same name in the project's data folder; if that is called
        mnist.pkl.gz and is not there, all of MNIST is downloaded
    image_shape : (height, width), to which the images of a folder are scaled; it is inferred if None

    Returns a Datasets. The images and lines of a folder or CSV file are shuffled in a fixed way and divided 80:10:10.
    Raises OSError if a file cannot be read or downloaded, InputError (a ValueError) naming it if it is not valid or
    does not fit into memory.
    """
    path = os.fspath(dataset)
    image_shape = image_shape and tuple(image_shape)
    if not os.path.lexists(path):
        try:
            path = data_file(os.path.basename(path) or path)
        except FileNotFoundError:
            if os.path.basename(path) != 'mnist.pkl.gz':
                raise FileNotFoundError(
                    f"{path}: no such file, neither as given nor in the project's data folder") from None
    with memory_for(path):
        if not os.path.lexists(path):
            sets = mnist.datasets_from_idx(mnist.download())
        elif os.path.isdir(path):
            images, labels = _read_folder(path, image_shape)
            sets = _split(images, labels, path)
        elif path.lower().endswith('.csv'):
            sets = _split(_read_csv(path), None, path)
        else:
            sets = (_read_npz if path.lower().endswith('.npz') else read_pickle)(path)
        return check(sets, path, image_shape)


def check(sets, path, image_shape=None):
    """The three pairs as a Datasets. Raises InputError naming `path` if something in them is not as it should be.

    Raises MemoryError if the images as floats and a copy of them in floatX, as load_data makes it, are too large.
    """
    images, labels = zip(*sets)
    for name, x, y in zip(SETS, images, labels):
        if np.ndim(x) not in (2, 3) or x.size == 0 or (y is not None and y.shape != x.shape[:1]):
            raise InputError(f'{path}: the {name} set has images {np.shape(x)} and labels {np.shape(y)}; '
                             'expected (n, pixels) or (n, height, width), and (n,)')
    shapes = {x.shape[1:] for x in images}
    if len(shapes) > 1:
        raise InputError(f'{path}: the sets have images of different shapes: {sorted(shapes)}')
    check_memory(sum(x.size * (max(x.itemsize, 4) + np.dtype(pytensor.config.floatX).itemsize) for x in images))
    checked = Datasets()
    checked.image_shape = _image_shape(shapes.pop(), image_shape, path)
    images = to_unit_interval([x.reshape(len(x), -1) for x in images], path)
    for name, x, y in zip(SETS, images, labels):
        if y is not None and not (y.dtype.kind in 'biuf' and np.all((y >= 0) & (y < 2 ** 31) & (y == np.floor(y)))):
            raise InputError(f'{path}: the {name} labels are not all integers from 0 up')
        checked.append((x, None if y is None else y.astype(np.int64)))
    if all(y is not None for y in labels):
        checked.n_classes = 1 + max(int(y.max()) for y in labels)
    return checked


def _image_shape(shape, wanted, path):
    """(height, width) of images of this shape: as in the data, as wanted, square, or None if it is not known."""
    n_pixels = math.prod(shape)
    if wanted and shape not in (wanted, (math.prod(wanted),)):
        raise InputError(f'{path}: images of {"x".join(map(str, shape))} pixels are not {wanted[0]}x{wanted[1]}')
    side = math.isqrt(n_pixels)
    return wanted or (shape if len(shape) == 2 else (side, side) if side * side == n_pixels else None)


def to_unit_interval(arrays, name):
    """Arrays of images as floats in [0, 1], all by the same rule.

    Floats in [0, 1] and integers or booleans of 0 and 1 stay as they are; integers up to 255 are divided by 256, as
    MNIST's are, which is printed. Raises InputError naming `name`, with the range found, for anything else.
    """
    if any(array.dtype.kind not in 'biuf' for array in arrays):
        raise InputError(f'{name}: the images are {arrays[0].dtype}, not numbers')
    low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
    if low >= 0 and high <= 1:
        return [array if array.dtype.kind == 'f' else array.astype(np.float32) for array in arrays]
    if not all(array.dtype.kind in 'iu' for array in arrays) or low < 0 or high > 255:
        raise InputError(f'{name}: the images are {arrays[0].dtype} from {low} to {high}; expected floats in [0, 1] or '
                         'integers from 0 to 255')
    print(f'... dividing the pixels of {name} by 256')
    return [array / np.float32(256) for array in arrays]


def as_rows(images, n_pixels):
    """Images as a model takes them: floats in [0, 1], (n, n_pixels), by the rules of to_unit_interval.

    images : array, lists or shared variable: (n, n_pixels), (n, height, width), or one image, (n_pixels,) or
        (height, width)

    Raises InputError (a ValueError) for other sizes, and for other values.
    """
    rows = np.atleast_1d(images.get_value(borrow=True) if hasattr(images, 'get_value') else images)
    shape = rows.shape
    one = rows.ndim == 1 or (rows.ndim == 2 and rows.shape[1] != n_pixels and rows.size == n_pixels)
    rows = rows.reshape(1 if one else len(rows), -1) if rows.size else rows
    if rows.ndim != 2 or rows.shape[1] != n_pixels or not rows.size:
        raise InputError(f'the model is for images (n, {n_pixels}), not {shape}')
    return to_unit_interval([rows], 'images')[0]


def as_shared(images, n_visible, batch_size):
    """A shared matrix of floatX: `images` itself if it is one, else an array (n, n_visible) as one.

    Raises InputError (a ValueError) for another shape, if the values are not all in [0, 1], or if batch_size is not
    from 1 to n.
    """
    values = images.get_value(borrow=True) if hasattr(images, 'get_value') else np.asarray(images)
    if values.dtype.kind not in 'biuf' or values.ndim != 2 or values.shape[1] != n_visible:
        raise InputError(f'the model is for images (n, {n_visible}) of numbers, not {values.dtype} {values.shape}')
    if not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):  # NaN is neither
        raise InputError(f'the images are from {values.min()} to {values.max()}; expected finite values in [0, 1]')
    if not 1 <= batch_size <= len(values):
        raise InputError(f'batch size {batch_size} is not from 1 to {len(values)}, the number of training images')
    if hasattr(images, 'get_value') and values.dtype == pytensor.config.floatX:
        return images
    return pytensor.shared(values.astype(pytensor.config.floatX, 'C'))


def _split(images, labels, path):
    """Divide images (and labels, or None) into three pairs, 80:10:10, in an order that is always the same."""
    n_test = max(1, len(images) // 10)
    if len(images) < 3:
        raise InputError(f'{path}: {len(images)} images; expected at least 3, for training, validation and test')
    order = np.random.RandomState(0).permutation(len(images))
    return [(images[part], None if labels is None else labels[part])
            for part in np.split(order, [len(images) - 2 * n_test, len(images) - n_test])]


def _read_folder(path, image_shape):
    """Images (n, height, width) and labels (n,) or None of a folder, sorted by name; hidden files are ignored."""
    def visible(folder):
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))
                if not name.startswith('.') and name not in ('Thumbs.db', 'desktop.ini')]

    entries = visible(path)
    folders = [entry for entry in entries if os.path.isdir(entry)]
    if folders and len(folders) < len(entries):
        raise InputError(f'{path}: it holds both files and folders; expected images, or one folder for each class')
    files = [(file, label) for label, folder in enumerate(folders) for file in visible(folder)]
    if not folders:
        files = [(file, 0) for file in entries]
    if not files:
        raise InputError(f'{path}: no images in this folder')
    shape = image_shape or read_image(files[0][0]).shape
    check_memory(4 * len(files) * math.prod(shape))
    images = np.empty((len(files), *shape), np.float32)
    for k, (file, _) in enumerate(files):
        image = read_image(file, image_shape)
        if image.shape != shape:
            raise InputError(f'{file}: {image.shape[0]}x{image.shape[1]}, where {os.path.basename(files[0][0])} is '
                             f'{shape[0]}x{shape[1]}; give --image-shape to scale all images')
        images[k] = image
    return images, np.array([label for _, label in files]) if folders else None


def read_image(path, image_shape=None):
    """An image file as float32 (height, width) in [0, 1]: in grey, on a white ground, scaled to image_shape.

    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if Pillow cannot read it.
    """
    with open(path, 'rb') as file, warnings.catch_warnings(action='error', category=Image.DecompressionBombWarning):
        try:
            image = ImageOps.exif_transpose(Image.open(file))
            if image.mode == 'F':  # floats, to be in [0, 1]
                grey = Image.fromarray(np.asarray(image) * np.float32(256))
            elif image.mode.startswith('I'):  # 16 bits
                grey = Image.fromarray(np.asarray(image, np.float32) / 256)
            else:
                if image.mode in ('LA', 'PA', 'RGBA') or 'transparency' in image.info:
                    image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), image.convert('RGBA'))
                grey = image.convert('L').convert('F')
            if image_shape:
                grey = grey.resize(image_shape[::-1], Image.Resampling.BILINEAR)
            return np.clip(np.asarray(grey) / np.float32(256), 0, 1)
        except Exception as error:  # damaged bytes can make Pillow raise anything
            raise InputError(f'{path}: not an image that Pillow can read ({type(error).__name__})') from error


def _read_csv(path):
    """The numbers in a CSV file, one image a line: float64 (n, pixels), or int64 if all are whole."""
    with open(path, 'rb') as file:
        pieces = iter(lambda: file.read(2 ** 18), b'')
        check_memory(16 * sum(piece.count(b',') + piece.count(b'\n') for piece in pieces))  # as floats and as integers
    try:
        with warnings.catch_warnings(action='ignore'):  # of an empty file
            images = np.loadtxt(path, delimiter=',', ndmin=2, encoding='utf-8-sig')  # BOM: Excel
        with np.errstate(invalid='ignore'):  # NaN
            whole = images.astype(np.int64)
        return whole if np.array_equal(whole, images) else images
    except ValueError as error:
        raise InputError(f'{path}: not lines of numbers, all of one length, separated by commas ({error})') from None


def _read_npz(path):
    arrays = open_npz(path)
    missing = [f'{name}_x' for name in SETS if f'{name}_x' not in arrays]
    if missing:
        raise InputError(f'{path}: no {missing[0]} in it, but {", ".join(arrays) or "nothing"}')
    return [(arrays[f'{name}_x'], arrays.get(f'{name}_y')) for name in SETS]
