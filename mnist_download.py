"""All of MNIST, fetched once from a mirror and kept in the user's cache."""
import contextlib
import hashlib
import os
import sys

import numpy as np

from mnist_files import SETS, datasets_from_idx
from original import record

MIRRORS = ('https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/')
MD5 = {
    'train-images-idx3-ubyte.gz': 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'train-labels-idx1-ubyte.gz': 'd53e105ee54ea40749a09fcbcd1e9432',
    't10k-images-idx3-ubyte.gz': '9fb629c4189551a2d022fa330f9573f3',
    't10k-labels-idx1-ubyte.gz': 'ec29112dd5afa0611ce80d1b7f02629c',
}
TIMEOUT = 20  # seconds without a byte


def full_mnist():
    """The three (images, labels) pairs of all of MNIST, and the folder that they come from.

    Raises OSError when MNIST is neither in the cache nor to be had, ValueError when the cache holds something else;
    both say what to do.
    """
    try:
        import pooch
    except ImportError:
        raise FileNotFoundError("mnist.pkl.gz: no such file here or in the data folder; to download MNIST, first run "
                                "pip install pooch") from None
    folder = str(pooch.os_cache('denoising-autoencoder-tutorial'))
    for name in MD5:
        _fetch(pooch, name, folder)
    datasets = datasets_from_idx(folder)
    for name, pair in zip(SETS, datasets):
        sums = record()['sha256']['full'][name]
        for values, kind, dtype in zip(pair, ('images', 'labels'), ('<f4', '<i8')):
            if hashlib.sha256(np.ascontiguousarray(values, dtype)).hexdigest() != sums[kind]:
                raise ValueError(f'{folder}: the {name} {kind} are not those of MNIST; remove the folder and try again')
    return datasets, folder


def _fetch(pooch, name, folder):
    """Make sure that `folder` holds the file `name`, from the first mirror that gives it whole.

    pooch downloads beside, compares the MD5 sum, and renames, so a part of a file never has its name.
    """
    failures = []
    for mirror in MIRRORS:
        downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
        with _quiet(pooch.get_logger()):
            if not os.path.exists(os.path.join(folder, name)):
                print(f'... downloading {mirror}{name}', file=sys.stderr)
            try:
                pooch.retrieve(mirror + name, f'md5:{MD5[name]}', fname=name, path=folder, downloader=downloader)
                return
            except OSError as error:
                # What the network does has no errno; a full or forbidden disk has, and no other mirror helps it.
                if error.errno is not None:
                    raise OSError(f'{os.path.join(folder, name)}: {error.strerror}') from error
                failures.append(f'{mirror}{name}: {type(error).__name__}')
            except ValueError:
                failures.append(f'{mirror}{name}: not the expected file')
    raise OSError(f'MNIST could not be downloaded ({"; ".join(failures)}); put {", ".join(MD5)} into {folder} by hand')


@contextlib.contextmanager
def _quiet(logger):
    level = logger.level
    logger.setLevel('WARNING')
    try:
        yield
    finally:
        logger.setLevel(level)
