"""Data sets: three pairs (images, labels) for training, validation and test, read from any of these.

FILE.pkl.gz, FILE.pkl   the tutorials' pickle of three (images, labels) pairs
FILE.npz                arrays train_x, train_y, valid_x, valid_y, test_x, test_y, or x_train and so on; the labels can
                        be missing
FILE.csv                one image a line, numbers only
FOLDER                  images, or one folder of images for each class, or folders train, valid and test with either;
                        or the four IDX files of MNIST or Fashion-MNIST
"""
import math
import os
import warnings

import numpy as np
import pytensor

from theano_tutorial.errors import InputError
from theano_tutorial.files import mnist
from theano_tutorial.files.images import SET_NAMES, find_images, read_image
from theano_tutorial.files.pickles import read_pickle
from theano_tutorial.files.storage import check_memory, data_file, memory_for, open_npz

SETS = ('train', 'valid', 'test')


class Datasets(list):
    """[(images, labels), ...] of the three sets: images (n, pixels) of floats in [0, 1], labels int64 (n,) or None.

    image_shape : (height, width), or None if it is not known
    n_classes : one more than the largest label, or None without labels
    class_names : the names of the folders of the classes 0, 1, ..., or None if there are none
    pixel_scale : what integer pixels are divided by to be as these are, 1 or 256
    """

    image_shape: tuple[int, int] | None = None
    n_classes: int | None = None
    class_names: list[str] | None = None
    pixel_scale: int = 256


def load(dataset, image_shape=None):
    """Read a data set; see the top of this module for the formats.

    dataset : path; if there is none, the file of the same name in the project's data folder; if that is called
        mnist.pkl.gz and is not there, all of MNIST is downloaded
    image_shape : (height, width), to which the images of a folder are scaled; it is inferred if None

    Returns a Datasets. The images and lines of a folder or CSV file are shuffled in a fixed way and divided 80:10:10;
    where there are a training and a test set only, a tenth of the training set becomes the validation set.
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
    class_names = None
    with memory_for(path):
        if not os.path.lexists(path):
            sets = mnist.datasets_from_idx(mnist.download())
        elif os.path.isdir(path) and mnist.find_idx(path):
            sets = mnist.datasets_from_idx(path)
            print(f'... the last {len(sets[1][0])} training images of {path} are for validation')
        elif os.path.isdir(path):
            sets, class_names = _read_folder(path, image_shape)
        elif path.lower().endswith('.csv'):
            sets = _split((_read_csv(path, image_shape), None), path)
        else:
            sets = (_read_npz if path.lower().endswith('.npz') else read_pickle)(path)
        checked = check(sets, path, image_shape)
    checked.class_names = class_names
    return checked


def check(sets, path, image_shape=None):
    """The three pairs as a Datasets. Raises InputError naming `path` if something in them is not as it should be.

    Raises MemoryError if the images as floats and a copy of them in floatX, as load_data makes it, are too large.
    """
    images, labels = zip(*(_pair(name, pair, path) for name, pair in zip(SETS, sets)))
    shapes = {x.shape[1:] for x in images}
    if len(shapes) > 1:
        raise InputError(f'{path}: the sets have images of different shapes: {sorted(shapes)}')
    check_memory(sum(x.size * (max(x.itemsize, 4) + np.dtype(pytensor.config.floatX).itemsize) for x in images))
    checked = Datasets()
    checked.image_shape = _image_shape(shapes.pop(), image_shape, path)
    images, checked.pixel_scale = to_unit_interval([x.reshape(len(x), -1) for x in images], path)
    for name, x, y in zip(SETS, images, labels):
        if y is not None and not (y.dtype.kind in 'biuf' and np.all((y >= 0) & (y < 2 ** 31) & (y == np.floor(y)))):
            raise InputError(f'{path}: the {name} labels are not all integers from 0 up')
        checked.append((x, None if y is None else y.astype(np.int64)))
    if all(y is not None for y in labels):
        checked.n_classes = 1 + max(int(y.max()) for y in labels)
    return checked


def _pair(name, pair, path):
    """Images (n, pixels) or (n, height, width), without an axis for a single channel, and labels (n,) or None."""
    images, labels = pair
    x = _without_channel(images) if images is not None else np.zeros(())
    y = labels.squeeze(1) if np.ndim(labels) == 2 and labels.shape[1] == 1 else labels
    if x.ndim not in (2, 3) or x.size == 0 or (y is not None and y.shape != x.shape[:1]):
        raise InputError(f'{path}: the {name} set has images {np.shape(images)} and labels {np.shape(labels)}; '
                         'expected (n, pixels) or (n, height, width), and (n,)')
    return x, y


def _without_channel(images):
    """Images (n, height, width, 1) or (n, 1, height, width) as (n, height, width); others as they are."""
    if images.ndim != 4 or 1 not in (images.shape[1], images.shape[3]):
        return images
    return images.squeeze(3 if images.shape[3] == 1 else 1)


def _image_shape(shape, wanted, path):
    """(height, width) of images of this shape: as in the data, as wanted, square, or None if it is not known."""
    n_pixels = math.prod(shape)
    if wanted and shape not in (wanted, (math.prod(wanted),)):
        raise InputError(f'{path}: images of {"x".join(map(str, shape))} pixels are not {wanted[0]}x{wanted[1]}')
    side = math.isqrt(n_pixels)
    return wanted or (shape if len(shape) == 2 else (side, side) if side * side == n_pixels else None)


def to_unit_interval(arrays, name, scale=None):
    """Arrays of images as floats in [0, 1], all by the same rule, and what integers are divided by.

    Floats in [0, 1] and booleans stay as they are. Integers are divided by `scale`: if it is None, by 1 if all pixels
    are 0 or 1, else by 256, as MNIST's are. Dividing by 256 is printed. Raises InputError naming `name`, with the range
    found, for anything else, also for floats in one array and integers in another.
    """
    for array in arrays:
        if array.dtype.kind not in 'biuf':
            raise InputError(f'{name}: the images are {array.dtype}, not numbers')
    low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
    in_unit_interval = low >= 0 and high <= 1  # NaN is not
    binary = in_unit_interval and all(np.array_equal(array, array.astype(bool)) for array in arrays)
    are_integers = [array.dtype.kind in 'iu' for array in arrays]
    known_scale = scale or (1 if binary else 256)
    if known_scale == 256 and all(are_integers) and low >= 0 and high <= 255:
        print(f'... dividing the pixels of {name} by 256 (found {low} to {high})')
        return [array / np.float32(256) for array in arrays], 256
    if not in_unit_interval or (any(are_integers) and not binary):
        found = f'{arrays[0].dtype} from {low} to {high}'
        if len({array.dtype for array in arrays}) > 1:
            found = ', '.join(f'{array.dtype} from {array.min()} to {array.max()} ({part})'
                              for part, array in zip(SETS, arrays))
        expected = 'integers of 0 and 1, as those of the training' if scale == 1 else 'integers from 0 to 255'
        alike = ', alike in all sets' if len(arrays) > 1 else ''
        raise InputError(f'{name}: the images are {found}; expected floats in [0, 1] or {expected}{alike}')
    return [array if array.dtype.kind == 'f' else array.astype(np.float32) for array in arrays], known_scale


def as_rows(images, n_pixels, image_shape=None, pixel_scale=None):
    """Images as a model takes them: floats in [0, 1], (n, n_pixels), by the rules of to_unit_interval.

    images : array, lists or shared variable: (n, n_pixels), (n, height, width), (n, height, width, 1) or
        (n, 1, height, width), or one image, (n_pixels,) or (height, width)
    image_shape, pixel_scale : of the images that the model was trained on; None if not known, then any height and width
        of n_pixels will do, and the scale is guessed from these images

    Raises InputError (a ValueError) for other shapes, and for other values.
    """
    rows = np.atleast_1d(images.get_value(borrow=True) if hasattr(images, 'get_value') else images)
    shape = rows.shape
    rows = _without_channel(rows)
    if rows.ndim == 1 or (rows.ndim == 2 and rows.shape[1] != n_pixels and rows.size == n_pixels):
        rows = rows[np.newaxis]  # one image
    expected = [(n_pixels,), image_shape or rows.shape[1:3]]
    if rows.shape[1:] not in expected or math.prod(rows.shape[1:]) != n_pixels or not rows.size:
        also = f' or (n, {image_shape[0]}, {image_shape[1]})' if image_shape else ''
        raise InputError(f'the model is for images (n, {n_pixels}){also}, not {shape}')
    return to_unit_interval([rows.reshape(len(rows), -1)], 'images', pixel_scale)[0][0]


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
        raise InputError(f'batch size {batch_size} is not from 1 to {len(values)}, the number of images; set another')
    if hasattr(images, 'get_value') and values.dtype == pytensor.config.floatX:
        return images
    return pytensor.shared(values.astype(pytensor.config.floatX, 'C'))


def _split(pair, path, names=SETS):
    """Divide images and labels, or None, into a pair for each name: after the first, a tenth. The order is fixed."""
    images, labels = pair
    tenth = max(1, len(images) // 10)
    if len(images) < len(names):
        raise InputError(f'{path}: {len(images)} images; expected at least {len(names)}, for {", ".join(names)}')
    order = np.random.RandomState(0).permutation(len(images))
    parts = np.split(order, [len(images) - k * tenth for k in range(len(names) - 1, 0, -1)])
    counts = ', '.join(f'{len(part)} {name}' for part, name in zip(parts, names))
    print(f'... dividing {len(images)} {"" if "test" in names else "training "}images of {path}: {counts}')
    return [(images[part], None if labels is None else labels[part]) for part in parts]


def _in_order(sets, path):
    """The pairs of a dict {'train': (images, labels), ...}; if `valid` is missing, a tenth of `train`."""
    if 'valid' not in sets:
        sets['train'], sets['valid'] = _split(sets['train'], path, ('train', 'valid'))
    return [sets[name] for name in SETS]


def _read_folder(path, image_shape):
    """The three (images, labels) pairs of a folder, and the names of its classes, or None without labels."""
    found = find_images(path)
    files = [file for pairs in found.values() for file, _ in pairs]
    # The numbers of the classes; without folders of classes, that of None.
    numbers = {name: k for k, name in enumerate(dict.fromkeys(name for _, name in found.get('train') or found[None]))}
    names = None if None in numbers else list(numbers)
    for file, name in (pair for pairs in found.values() for pair in pairs):
        if name not in numbers:
            raise InputError(f'{file}: {f"class {name}" if name else "no class"}, but the training set has '
                             f'{", ".join(names or ["no classes"])}')
    if names:
        print('... classes:', ', '.join(f'{k} {name}' for k, name in enumerate(names)))

    shape = image_shape or read_image(files[0]).shape
    check_memory(4 * len(files) * math.prod(shape))
    images = np.empty((len(files), *shape), np.float32)
    for k, file in enumerate(files):
        image = read_image(file, image_shape)
        if image.shape != shape:
            raise InputError(f'{file}: {image.shape[0]}x{image.shape[1]}, where {os.path.basename(files[0])} is '
                             f'{shape[0]}x{shape[1]}; to scale all images, set --image-shape')
        images[k] = image

    sets, n = {}, 0
    for part, pairs in found.items():
        labels = np.array([numbers[name] for _, name in pairs]) if names else None
        sets[part] = images[n:n + len(pairs)], labels
        n += len(pairs)
    return _split(sets[None], path) if None in sets else _in_order(sets, path), names


def _read_csv(path, image_shape):
    """The numbers in a CSV file, one image a line: float64 (n, pixels), or int64 if all are whole."""
    try:
        with open(path, 'rb') as file:
            pieces = iter(lambda: file.read(2 ** 18), b'')
            check_memory(16 * sum(piece.count(b',') + piece.count(b'\n') for piece in pieces))  # floats and integers
        with warnings.catch_warnings(action='ignore'):  # of an empty file
            images = np.loadtxt(path, delimiter=',', ndmin=2, encoding='utf-8-sig')  # BOM: Excel
    except ValueError as error:
        raise InputError(f'{path}: not lines of numbers, all of one length, separated by commas ({error})') from None
    _refuse_other_numbers(images, path, image_shape)
    with np.errstate(invalid='ignore'):  # NaN
        whole = images.astype(np.int64)
    return whole if np.array_equal(whole, images) else images


def _refuse_other_numbers(table, path, image_shape):
    """Raise InputError if the first line of a CSV file, or its first or last column, does not seem to be pixels."""
    def counts(numbers):
        return len(numbers) > 2 and any(np.array_equal(numbers, k + np.arange(len(numbers))) for k in (0, 1))

    if len(table) and counts(table[0]):
        raise InputError(f'{path}: the first line looks like a header (consecutive numbers); remove it (in pandas: '
                         'header=False)')
    if counts(np.sort(table[:, 0])):
        raise InputError(f'{path}: the first column looks like an index (consecutive numbers); remove it (in pandas: '
                         'index=False)')
    n_pixels = table.shape[1] - 1
    shape = image_shape or (math.isqrt(n_pixels),) * 2
    labels = [name for name, column in (('first', table[:, 0]), ('last', table[:, -1]))
              if np.array_equal(column, np.floor(column))]
    if n_pixels == math.prod(shape) and n_pixels > 1 and labels:
        raise InputError(f'{path}: {n_pixels + 1} numbers in a line, one more than {shape[0]}x{shape[1]}: the '
                         f'{" or the ".join(labels)} looks like a label or an index; remove it, or set --image-shape')


def _read_npz(path):
    """The three pairs in an .npz file. Its arrays are named train_x and so on, or x_train, as Keras has them."""
    arrays = open_npz(path)
    sets: dict[str, dict] = {}
    for name, array in arrays.items():
        first, _, second = name.lower().rpartition('_')
        part, kind = (second, first) if first in ('x', 'y') else (first, second)
        if kind not in ('x', 'y') or part not in SET_NAMES:
            continue
        if sets.setdefault(SET_NAMES[part], {}).setdefault(kind, array) is not array:
            raise InputError(f'{path}: {name} is there twice: {", ".join(arrays)}')
    for part in SETS if 'valid' in sets else ('train', 'test'):
        if 'x' not in sets.get(part, {}):
            raise InputError(f'{path}: it has no {part}_x; it has {", ".join(arrays) or "no arrays"}')
    return _in_order({part: _pair(part, (pair['x'], pair.get('y')), path) for part, pair in sets.items()}, path)
