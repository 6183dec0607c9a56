"""Make mini_mnist.pkl.gz: the first 5000, 500 and 500 images of MNIST's train, valid and test sets.

    python -m theano_tutorial.files.mini_mnist SOURCE OUTPUT

SOURCE is the tutorials' mnist.pkl.gz, or a folder with the four .gz files as MNIST was published.
"""
import argparse
import gzip
import os
import pickle
import struct

import numpy as np

from theano_tutorial.errors import InputError
from theano_tutorial.files import datasets
from theano_tutorial.files.mnist import datasets_from_idx
from theano_tutorial.files.pickles import read_pickle
from theano_tutorial.files.storage import atomic_write, memory_for

SIZES = (5000, 500, 500)


def pickled(array):
    """The opcodes of a numpy array as Python 2.7 writes them in protocol 2, the form of the tutorials' own file.

    Python 3's pickler is not used: it names numpy's modules as they are called today, which numpy 1.11 does not know.
    """
    def string(text):
        return pickle.SHORT_BINSTRING + bytes([len(text)]) + text

    def integer(number):
        return pickle.BININT + struct.pack('<i', number)

    name = array.dtype.str[1:].encode()
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder('<')).tobytes()
    dtype = [pickle.GLOBAL, b'numpy\ndtype\n', string(name), integer(0), integer(1), pickle.TUPLE3, pickle.REDUCE,
             pickle.MARK, integer(3), string(b'<'), pickle.NONE, pickle.NONE, pickle.NONE, integer(-1), integer(-1),
             integer(0), pickle.TUPLE, pickle.BUILD]
    state = [pickle.MARK, integer(1), pickle.MARK, *map(integer, array.shape), pickle.TUPLE, *dtype,
             pickle.NEWFALSE, pickle.BINSTRING, struct.pack('<i', len(raw)), raw, pickle.TUPLE]
    return b''.join([pickle.GLOBAL, b'numpy.core.multiarray\n_reconstruct\n', pickle.GLOBAL, b'numpy\nndarray\n',
                     integer(0), pickle.TUPLE1, string(b'b'), pickle.TUPLE3, pickle.REDUCE, *state, pickle.BUILD])


def write(datasets, path):
    """Write ((images, labels), ...) as a gzipped pickle, reproducibly: without a time stamp or a file name."""
    with atomic_write(path) as file, \
            gzip.GzipFile(filename='', mode='wb', compresslevel=9, fileobj=file, mtime=0) as zipped:
        zipped.write(pickle.PROTO + b'\2' + pickle.MARK)
        for images, labels in datasets:
            zipped.write(pickled(images) + pickled(labels) + pickle.TUPLE2)
        zipped.write(pickle.TUPLE + pickle.STOP)


def main():
    parser = argparse.ArgumentParser(prog='mini_mnist', description='Make mini MNIST, a tenth of MNIST.')
    parser.add_argument('source', help="the tutorials' mnist.pkl.gz, or a folder with MNIST's four .gz files")
    parser.add_argument('output', help='the file to write, mini_mnist.pkl.gz')
    options = parser.parse_args()
    try:
        is_folder = os.path.isdir(options.source)
        source = datasets_from_idx(options.source) if is_folder else read_pickle(options.source)
        with memory_for(options.source):
            sets = datasets.check(source, options.source)
        write([(images[:n], labels[:n]) for n, (images, labels) in zip(SIZES, sets)], options.output)
    except (OSError, InputError) as error:
        parser.error(str(error))


if __name__ == '__main__':
    main()
