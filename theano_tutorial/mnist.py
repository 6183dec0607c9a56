"""MNIST: read from the tutorials' pickle or from the original IDX files, checked, and downloaded if need be.

The tutorials keep MNIST as a gzipped pickle of three (images, labels) pairs: train, valid, test. A pickle can name any
function to be called, so `read_pickle` accepts only the names that arrays need, and calls functions of its own for
them.
"""
import gzip
import io
import math
import os
import re
import sys

import numpy as np
from six.moves import cPickle as pickle

from theano_tutorial import InputError
from theano_tutorial.storage import MAX_BYTES

SETS = ('train', 'valid', 'test')
MIRRORS = ('https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/')
MD5 = {
    'train-images-idx3-ubyte.gz': 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'train-labels-idx1-ubyte.gz': 'd53e105ee54ea40749a09fcbcd1e9432',
    't10k-images-idx3-ubyte.gz': '9fb629c4189551a2d022fa330f9573f3',
    't10k-labels-idx1-ubyte.gz': 'ec29112dd5afa0611ce80d1b7f02629c',
}


def load(dataset):
    """The three (images, labels) pairs of a file, as check_datasets returns them.

    dataset : path of a gzipped pickle, also looked for in the project's data folder; 'mnist.pkl.gz', all of MNIST, is
        downloaded if it is in neither place

    Raises OSError if the file cannot be read or downloaded, InputError (a ValueError) if it holds anything else.
    """
    try:
        path = dataset if os.path.lexists(dataset) else data_file(dataset)
    except FileNotFoundError:
        if str(dataset) != 'mnist.pkl.gz':
            raise
        return check_datasets(datasets_from_idx(download()), dataset)
    return check_datasets(read_pickle(path), path)


def data_file(name):
    """The path of a file in the project's data folder. Raises FileNotFoundError naming it."""
    package = os.path.dirname(os.path.abspath(__file__))
    for folder in os.path.join(package, 'data'), os.path.join(os.path.dirname(package), 'data'):  # installed; checkout
        if os.path.exists(path := os.path.join(folder, name)):
            return path
    raise FileNotFoundError(f'{name}: no such file, neither as given nor in the project\'s data folder')


def check_datasets(datasets, path):
    """Check the three (images, labels) pairs that `path` held.

    Returns them with images (n, pixels) of floats in [0, 1] and int64 labels (n,) from 0 to 9; images of uint8 are
    divided by 256, as in the tutorials' file. Raises InputError (a ValueError) naming the file.
    """
    if len(datasets) != len(SETS) or any(len(pair) != 2 for pair in datasets):
        raise InputError(f'{path}: expected three (images, labels) pairs: train, valid, test')
    checked = []
    for name, (images, labels) in zip(SETS, datasets):
        if images.ndim != 2 or labels.ndim != 1 or len(images) != len(labels) or images.size == 0:
            raise InputError(f'{path}: the {name} set has images {images.shape} and labels {labels.shape}; '
                             'expected (n, pixels) and (n,)')
        if images.dtype == np.uint8:
            images = images / np.float32(256)
        if images.dtype.kind != 'f' or not (images.min() >= 0 and images.max() <= 1):
            raise InputError(f'{path}: the {name} images are {images.dtype} from {images.min()} to {images.max()}; '
                             'expected floats in [0, 1] or uint8')
        if not np.isin(labels, np.arange(10)).all():
            raise InputError(f'{path}: the {name} labels are not all integers from 0 to 9')
        checked.append((images, labels.astype(np.int64)))
    n_pixels = {images.shape[1] for images, _ in checked}
    if len(n_pixels) > 1 or math.isqrt(min(n_pixels)) ** 2 != min(n_pixels):
        raise InputError(f'{path}: images of {sorted(n_pixels)} pixels; expected square images of one size')
    return checked


class _Dtype:
    """Stands for a pickled dtype of plain numbers."""

    def __init__(self, name, *_):
        name = name.decode('ascii') if isinstance(name, bytes) else name
        if not re.fullmatch('b1|[iu][1248]|f[248]', name):
            raise pickle.UnpicklingError(f'an array of dtype {name!r:.20}; only plain numbers are read')
        self.value = np.dtype(name)

    def __setstate__(self, state):
        order = state[1].decode('ascii') if isinstance(state[1], bytes) else state[1]
        self.value = self.value.newbyteorder(order)


class _Array:
    """Stands for a pickled array, until its state arrives."""

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        _version, shape, dtype, is_fortran, raw = state
        self.fill(raw, dtype, shape, 'F' if is_fortran else 'C')

    def fill(self, raw, dtype, shape, order):
        if not isinstance(raw, bytes | bytearray):
            raise pickle.UnpicklingError(f'array data of type {type(raw).__name__}; only bytes are read')
        self.value = np.frombuffer(raw, dtype.value).reshape(shape, order=order)
        return self


# pickle.Unpickler, in C, allocates what a file announces before it is read; the one in Python does not.
class _ArrayUnpickler(pickle._Unpickler):
    """Reads arrays, lists and tuples, pickled by Python 2 or 3 with any numpy; refuses every other name.

    Nothing that a file names is called: these functions are, which build the arrays.
    """

    def find_class(self, module, name):
        allowed = {
            'numpy.ndarray': _Array,
            'numpy.dtype': _Dtype,
            'numpy.core.multiarray._reconstruct': lambda *_: _Array(),
            'numpy.core.numeric._frombuffer': lambda raw, dtype, shape, order: _Array().fill(raw, dtype, shape, order),
            '_codecs.encode': lambda text, _: text.encode('latin-1'),  # bytes, as Python 3 writes them in protocol 2
        }
        found = allowed.get(f'{module}.{name}'.replace('numpy._core.', 'numpy.core.'))
        if found is None:
            raise pickle.UnpicklingError(f'it contains {f"{module}.{name}"!r:.80}; '
                                         'only numpy arrays, tuples and lists are read')
        return found


def read_pickle(path):
    """The pairs of arrays in a gzipped pickle, a list of lists; no code in the file is run.

    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it holds anything else.
    """
    def pairs(content):
        tree = _ArrayUnpickler(io.BytesIO(content), encoding='bytes').load()
        if not all(isinstance(pair, tuple | list) for pair in tree):
            raise pickle.UnpicklingError('it does not contain pairs of arrays')
        return [[array.value for array in pair] for pair in tree]

    return _read(path, pairs, 'a gzipped pickle of arrays')


def read_idx(path):
    """The uint8 array in a gzipped IDX file, the format in which MNIST was published.

    IDX: two zero bytes, the type (8: uint8), the number of dimensions, each dimension as a big-endian int32, the data.
    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it holds anything else.
    """
    def array(content):
        if content[:3] != b'\0\0\10' or not content[3]:
            raise ValueError('it does not start as an IDX file of uint8 does')
        n = content[3]
        return np.frombuffer(content, np.uint8, offset=4 + 4 * n).reshape(np.frombuffer(content, '>u4', n, 4))

    return _read(path, array, 'a gzipped IDX file')


def _read(path, parse, kind):
    """parse(the unzipped content of the file), where every failure is an InputError that names the file."""
    with open(path, 'rb') as file:
        try:
            with gzip.open(file) as unzipped:
                content = unzipped.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ValueError(f'it unzips to more than {MAX_BYTES} bytes')
            return parse(content)
        except Exception as error:  # damaged bytes can make gzip, pickle and numpy raise anything, MemoryError included
            raise InputError(f'{path}: not {kind} ({type(error).__name__}: {error!s:.200})') from error


def datasets_from_idx(folder):
    """The tutorials' three (images, labels) pairs, 50000, 10000 and 10000, from the four published files.

    The published training set is split in two, and a pixel k of 0..255 becomes the float32 number k / 256.
    """
    def pair(name):
        images = read_idx(os.path.join(folder, f'{name}-images-idx3-ubyte.gz'))
        labels = read_idx(os.path.join(folder, f'{name}-labels-idx1-ubyte.gz'))
        return images.reshape(len(images), math.prod(images.shape[1:])) / np.float32(256), labels.astype(np.int64)

    images, labels = pair('train')
    return (images[:50000], labels[:50000]), (images[50000:], labels[50000:]), pair('t10k')


def download():
    """Download the four files of MNIST to the user's cache, unless they are there. Returns the folder.

    Raises OSError if that fails, naming the files and what to do.
    """
    try:
        import pooch
    except ImportError:
        raise FileNotFoundError('mnist.pkl.gz: no such file here or in the data folder; to download MNIST, first run '
                                'pip install pooch') from None
    pooch.get_logger().setLevel('WARNING')
    folder = str(pooch.os_cache('denoising-autoencoder-tutorial'))
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=20)
    for name, md5 in MD5.items():
        failures = []
        for mirror in MIRRORS:
            try:
                pooch.retrieve(mirror + name, f'md5:{md5}', fname=name, path=folder, downloader=downloader)
                break
            except (OSError, ValueError) as error:
                failures.append(f'{mirror}{name}: {type(error).__name__}')
        else:
            raise OSError(f'MNIST could not be downloaded ({"; ".join(failures)}); put {", ".join(MD5)} in {folder}')
    return folder
