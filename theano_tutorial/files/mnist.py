"""All of MNIST: downloaded to the user's cache, and read from the IDX files in which it was published.

Other data sets, such as Fashion-MNIST, were published in files of the same names.
"""
import os
import sys

import numpy as np

from theano_tutorial.files.storage import read_gzip

MIRRORS = ('https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/')
MD5 = {
    'train-images-idx3-ubyte.gz': 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'train-labels-idx1-ubyte.gz': 'd53e105ee54ea40749a09fcbcd1e9432',
    't10k-images-idx3-ubyte.gz': '9fb629c4189551a2d022fa330f9573f3',
    't10k-labels-idx1-ubyte.gz': 'ec29112dd5afa0611ce80d1b7f02629c',
}


def read_idx(path):
    """The uint8 array in an IDX file, gzipped or not, the format in which MNIST was published.

    IDX: two zero bytes, the type (8: uint8), the number of dimensions, each dimension as a big-endian int32, the data.
    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it holds anything else.
    """
    def array(content):
        if content[:3] != b'\0\0\10' or not content[3]:
            raise ValueError('it does not start as an IDX file of uint8 does')
        n = content[3]
        return np.frombuffer(content, np.uint8, offset=4 + 4 * n).reshape(np.frombuffer(content, '>u4', n, 4))

    return read_gzip(path, array, 'an IDX file')


def find_idx(folder):
    """The paths of those of the four files that are in a folder, by their names in MD5; also if they are unzipped."""
    found = {}
    for name in MD5:
        plain = name.removesuffix('.gz')
        for variant in name, plain, plain.replace('-idx', '.idx'):
            path = os.path.join(folder, variant)
            if name not in found and os.path.isfile(path):
                found[name] = path
    return found


def datasets_from_idx(folder):
    """The tutorials' three (images, labels) pairs, 50000, 10000 and 10000, from the four published files.

    The published training set is split in two, and a pixel k of 0..255 becomes the float32 number k / 256.
    """
    paths = find_idx(folder)
    images, labels, test_images, test_labels = (read_idx(paths.get(name, os.path.join(folder, name))) for name in MD5)
    images, test_images = images / np.float32(256), test_images / np.float32(256)
    labels, test_labels = labels.astype(np.int64), test_labels.astype(np.int64)
    return (images[:50000], labels[:50000]), (images[50000:], labels[50000:]), (test_images, test_labels)


def download():
    """Download the four files of MNIST to the user's cache, unless they are there. Returns the folder.

    Raises OSError if that fails, naming the files and what to do.
    """
    try:
        import pooch
    except ImportError:
        python = f'"{sys.executable}"' if ' ' in sys.executable else sys.executable
        raise FileNotFoundError('mnist.pkl.gz: no such file here or in the data folder; to download MNIST, first run '
                                f'{python} -m pip install pooch') from None
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
