"""MNIST as files: the tutorials' pickle and the original IDX, read as numbers only.

The tutorials keep MNIST as a gzipped pickle of three (images, labels) pairs: train, valid, test. A pickle may name any
function and have it called, so `read_pickle` lets it name only the parts of a numpy array, and builds those itself.
"""
import gzip
import math
import os
import pickletools
import re

import numpy as np
from six.moves import cPickle as pickle

from files import MOST_BYTES, open_file

_OPCODES = {opcode.code.encode('latin-1'): opcode for opcode in pickletools.opcodes}
_TEXTS = {'SHORT_BINUNICODE': 1, 'BINUNICODE': 4, 'BINUNICODE8': 8}  # bytes of their length
MOST_OPCODES = 1000  # some thirty for an array

SETS = ('train', 'valid', 'test')


class _Dtype:
    """A pickled dtype: one plain number, in either byte order."""

    def __init__(self, name):
        name = name.decode('ascii') if isinstance(name, bytes) else name
        if not re.fullmatch('b1|[iu][1248]|f[248]', name):
            raise pickle.UnpicklingError(f'an array of dtype {name[:20]!r}; only plain numbers are read')
        self.value = np.dtype(name)

    def __setstate__(self, state):
        order = state[1].decode('ascii') if isinstance(state[1], bytes) else state[1]
        self.value = self.value.newbyteorder(order)


class _Array:
    """A pickled array, until its state arrives."""

    def __setstate__(self, state):
        _version, shape, dtype, is_fortran, raw = state
        self.fill(raw, dtype, shape, 'F' if is_fortran else 'C')

    def fill(self, raw, dtype, shape, order):
        if not isinstance(raw, bytes | bytearray):
            raise pickle.UnpicklingError(f'array data of type {type(raw).__name__}; only bytes are read')
        # Before they are multiplied: a shape may hold anything, of any length.
        if type(shape) is not tuple or len(shape) > 9 or any(type(n) is not int or not 0 <= n < 2 ** 31 for n in shape):
            raise pickle.UnpicklingError('an array whose shape is none')
        if len(raw) != math.prod(shape) * dtype.value.itemsize:
            raise pickle.UnpicklingError(f'{len(raw)} bytes of data for an array of shape {shape}, {dtype.value}')
        self.value = np.frombuffer(raw, dtype.value).reshape(shape, order=order)
        return self


class _ArrayUnpickler(pickle.Unpickler):
    """Reads arrays, lists and tuples, written by Python 2 or 3 under any numpy; refuses every other name.

    The names an array needs are answered with methods of this object, so nothing of numpy runs on a file's word.
    """

    encoded = 0  # bytes that _encode made

    def find_class(self, module, name):
        known = {
            'numpy.ndarray': 'ndarray',
            'numpy.dtype': self._dtype,
            'numpy.core.multiarray._reconstruct': self._reconstruct,
            'numpy._core.multiarray._reconstruct': self._reconstruct,
            'numpy.core.numeric._frombuffer': self._frombuffer,
            'numpy._core.numeric._frombuffer': self._frombuffer,
            '_codecs.encode': self._encode,
        }
        if f'{module}.{name}' not in known:
            asked = f'{module[:40]}.{name[:40]}'
            raise pickle.UnpicklingError(f'it asks for {asked}; only numpy arrays, tuples and lists are read')
        return known[f'{module}.{name}']

    def _dtype(self, name, _align=False, _copy=True):
        return _Dtype(name)

    def _reconstruct(self, _subtype, _shape, _typecode):
        return _Array()

    def _frombuffer(self, raw, dtype, shape, order):
        return _Array().fill(raw, dtype, shape, order)

    def _encode(self, text, _encoding):
        # Python 3 writes bytes this way in protocol 2, always as Latin-1.
        self.encoded += len(text)
        if self.encoded > MOST_BYTES:
            raise pickle.UnpicklingError('it holds the same bytes too often')
        return text.encode('latin-1')


def _check_opcodes(code):
    """Go through a pickle as pickletools.genops does, whose strings are ASCII where those of Python 2 hold any byte.

    Refused is what would take more memory than its own length: more opcodes than a few arrays need, a place far out in
    the memo, or text that is not Latin-1, for which Python takes four bytes a character. It must end here, too.
    """
    for _ in range(MOST_OPCODES):
        opcode = _OPCODES.get(code.read(1))
        if opcode is None:
            raise pickle.UnpicklingError('a byte of it is no opcode')
        if opcode.name == 'STRING':
            code.readline()
        elif opcode.name in ('GLOBAL', 'INST'):
            if not all(code.readline(100).endswith(b'\n') for _ in range(2)):
                raise pickle.UnpicklingError('it asks for a long name')
        elif opcode.name == 'UNICODE':
            if re.search(rb'\\u(?!00)|\\U', code.readline()):
                raise pickle.UnpicklingError('text that is not Latin-1')
        elif opcode.name in _TEXTS:
            length = int.from_bytes(code.read(_TEXTS[opcode.name]), 'little')
            # In UTF-8 Latin-1 needs no byte beyond this one.
            if np.frombuffer(code.read(length), np.uint8).max(initial=0) > 0xC3:
                raise pickle.UnpicklingError('text that is not Latin-1')
        else:
            argument = opcode.arg and opcode.arg.reader(code)
            if 'PUT' in opcode.name and argument > MOST_OPCODES:
                raise pickle.UnpicklingError(f'it remembers object number {argument}')
        if opcode.name == 'STOP':
            break
    else:
        raise pickle.UnpicklingError('it is longer than a few arrays')
    if code.read(1):
        raise pickle.UnpicklingError('something follows the pickle')


def _pairs(tree):
    """What a pickle held, as a tuple of tuples of arrays: the containers may be lists, and nothing may be deeper."""
    if not isinstance(tree, tuple | list) or not all(isinstance(pair, tuple | list) for pair in tree):
        raise pickle.UnpicklingError('it does not hold pairs of arrays')
    if not all(isinstance(array, _Array) for pair in tree for array in pair):
        raise pickle.UnpicklingError('its pairs hold something else than arrays')
    return tuple(tuple(array.value for array in pair) for pair in tree)


def data_file(name):
    """The path of a file of this project's data folder, in a checkout or installed. Raises FileNotFoundError."""
    here = os.path.dirname(os.path.abspath(__file__))
    for folder in 'data', 'denoising_autoencoder_data':
        if os.path.lexists(path := os.path.join(here, folder, name)):
            return path
    raise FileNotFoundError(f'{name}: no such file, neither as given nor among the data of this project')


def find(name):
    """The path of a file: as given, or else in this project's data folder. Raises FileNotFoundError naming it."""
    return name if os.path.lexists(name) else data_file(name)


def read_pickle(path):
    """The pairs of arrays in a gzipped pickle, as a tuple of tuples.

    Raises OSError when the file can not be opened, ValueError naming the file when it holds anything else.
    """
    def arrays(code):
        _check_opcodes(code)
        code.seek(0)
        return _pairs(_ArrayUnpickler(code, encoding='bytes').load())

    return _read(path, arrays, 'a gzipped pickle of arrays')


def read_idx(path):
    """The uint8 array in a gzipped IDX file, the form in which MNIST was published.

    IDX: two zero bytes, the type (8: uint8), the number of dimensions, each dimension as a big-endian int32, the data.
    Raises OSError when the file can not be opened, ValueError naming the file when it holds anything else.
    """
    def array(file):
        if file.read(3) != b'\0\0\10':
            raise ValueError('it does not start as an IDX file of uint8 does')
        shape = np.frombuffer(file.read(4 * file.read(1)[0]), '>u4')
        return np.frombuffer(file.read(), np.uint8).reshape(shape)

    return _read(path, array, 'a gzipped IDX file')


def _read(path, parse, kind):
    """parse(the unzipped file); whatever is wrong with that, is a ValueError that names the file."""
    with open_file(path) as file:
        try:
            with gzip.open(file) as unzipped:
                # Once through it, for its size and to the end, where gzip's own checksum stands: memory comes after.
                size = 0
                while part := unzipped.read(2 ** 20):
                    size += len(part)
                    if size > MOST_BYTES:
                        raise ValueError(f'it unzips to more than {MOST_BYTES} bytes')
                unzipped.seek(0)
                return parse(unzipped)
        except EOFError:
            raise ValueError(f'{path}: the file is cut short') from None
        # Damaged bytes lead a reader anywhere, so whatever it raises means the same.
        except Exception as error:
            raise ValueError(f'{path}: not {kind}: {str(error)[:200]}') from error


def datasets_from_idx(folder):
    """The tutorials' three (images, labels) pairs from the four published files: 50000, 10000 and 10000.

    The published training set is split in two, and a pixel k of 0..255 becomes the float32 number k / 256.
    """
    def pair(name):
        images = read_idx(os.path.join(folder, f'{name}-images-idx3-ubyte.gz'))
        labels = read_idx(os.path.join(folder, f'{name}-labels-idx1-ubyte.gz'))
        return images.reshape(len(images), -1) / np.float32(256), labels.astype(np.int64)

    images, labels = pair('train')
    return (images[:50000], labels[:50000]), (images[50000:], labels[50000:]), pair('t10k')


def check_datasets(datasets, path):
    """The three (images, labels) pairs that `path` held, each image a row of floats in [0, 1], each label 0..9.

    Images of uint8 are divided by 256, as the tutorials' file was. Raises ValueError naming the file and the fault.
    """
    def wrong(fault):
        return ValueError(f'{path}: {fault}')

    if len(datasets) != len(SETS) or any(len(pair) != 2 for pair in datasets):
        raise wrong('expected three (images, labels) pairs: train, valid, test')
    # One array may stand in it many times.
    if sum(images.size for images, _ in datasets) * 8 > MOST_BYTES:
        raise wrong(f'its images would be more than {MOST_BYTES} bytes')
    checked = []
    for name, (images, labels) in zip(SETS, datasets):
        if images.ndim != 2 or labels.ndim != 1 or len(images) != len(labels) or images.size == 0:
            raise wrong(f'the {name} set has images of shape {images.shape} and labels of shape {labels.shape}; '
                        'expected (n, pixels) and (n,)')
        if images.dtype == np.uint8:
            images = images / np.float32(256)
        if images.dtype.kind != 'f' or not (images.min() >= 0 and images.max() <= 1):
            raise wrong(f'the {name} images are not all numbers from 0 to 1')
        if not np.isin(labels, np.arange(10)).all():
            raise wrong(f'the {name} labels are not all whole numbers from 0 to 9')
        checked.append((images, labels.astype(np.int64)))
    n_pixels = checked[0][0].shape[1]
    if any(images.shape[1] != n_pixels for images, _ in checked):
        raise wrong('the three sets have images of different sizes')
    if math.isqrt(n_pixels) ** 2 != n_pixels:
        raise wrong(f'images of {n_pixels} pixels are not square')
    return checked
