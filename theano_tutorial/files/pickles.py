"""Pickled data sets, as Python 2 or 3 writes them, with any numpy.

A pickle is a program: it can call any function that it names. To allow numpy's own functions only is not enough, since
a dtype or an array that a file gives another state can crash the interpreter or show memory that was never written. So
nothing is called. The calls that a file asks for are noted, and arrays of plain numbers are made from those notes that
are as numpy writes them.
"""
import dataclasses
import io
import pickle
import re
from typing import Any

import numpy as np

from theano_tutorial.files.storage import read_gzip

NAMES = ('numpy.ndarray', 'numpy.dtype', 'numpy.core.multiarray._reconstruct', 'numpy.core.numeric._frombuffer',
         '_codecs.encode')


@dataclasses.dataclass
class _Call:
    """Notes the call of a function that a file asks for, and the state that the file gives to the result."""

    name: str
    arguments: tuple
    state: Any = None

    def __setstate__(self, state):
        self.state = state


# pickle.Unpickler, in C, allocates what a file announces before it is read. The one in Python does so for bytearrays
# only, which are therefore read as bytes are.
class _Unpickler(pickle._Unpickler):
    dispatch = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: pickle._Unpickler.dispatch[pickle.BINBYTES8[0]]}

    def find_class(self, module, name):
        name = f'{module}.{name}'.replace('numpy._core.', 'numpy.core.')
        if name not in NAMES:
            raise pickle.UnpicklingError(f'it contains {name!r:.80}; only numpy arrays, tuples and lists are read')
        return lambda *arguments: _Call(name, arguments)


def read_pickle(path):
    """The three pairs [images, labels] in a pickle, gzipped or not: arrays, and labels as an array or None.

    No code in the file is run. Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it
    holds anything else or does not fit into memory.
    """
    def pairs(content):
        tree = _Unpickler(io.BytesIO(content), encoding='latin-1').load()
        match tree:
            case [[_, _], [_, _], [_, _]]:
                return [[_array(leaf) for leaf in pair] for pair in tree]
        raise pickle.UnpicklingError('expected three (images, labels) pairs: train, valid, test')

    return read_gzip(path, pairs, 'a pickle of arrays, an .npz or .csv file or a folder of images')


def _array(leaf):
    match leaf:
        case None:
            return None
        case list() if all(type(label) is int for label in leaf):
            return np.array(leaf, np.int64)
        case _Call(name='numpy.core.multiarray._reconstruct', state=[_, shape, dtype, is_fortran, raw]):
            order = 'F' if is_fortran else 'C'
        case _Call(name='numpy.core.numeric._frombuffer', arguments=[raw, dtype, shape, order]):
            pass
        case _:
            raise pickle.UnpicklingError(f'a {type(leaf).__name__} where an array or a list of labels is expected')
    match raw:  # bytes; text from Python 2, and from Python 3 in the protocols that have no bytes
        case str(text) | _Call(name='_codecs.encode', arguments=[str(text), _]):
            raw = text.encode('latin-1')
    name, (_, byte_order, subarray, names, fields, *_) = dtype.arguments[0], dtype.state
    if subarray or names or fields or not re.fullmatch('b1|[iu][1248]|f[248]', name):
        raise pickle.UnpicklingError(f'an array of dtype {name!r:.20}; only plain numbers are read')
    return np.frombuffer(raw, np.dtype(name).newbyteorder(byte_order)).reshape(shape, order=order)
