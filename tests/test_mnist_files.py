import gzip
import hashlib
import json
import os
import pickle
import pickletools
import struct
import subprocess
import sys

import numpy as np
import pytest
from conftest import PROJECT
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_files import check_datasets, find, read_idx, read_pickle
from original import record

SMALL = tuple((np.random.RandomState(k).randint(0, 256, (n, 4)).astype(np.float32) / 256, np.arange(n) % 10)
              for k, n in enumerate((12, 5, 5)))


def write(path, tree, protocol=2):
    with gzip.open(path, 'wb') as file:
        pickle.dump(tree, file, protocol)
    return path


def assert_equal_trees(tree, expected):
    for pair, expected_pair in zip(tree, expected, strict=True):
        for values, expected_values in zip(pair, expected_pair, strict=True):
            np.testing.assert_array_equal(values, expected_values)


def test_mini_mnist_is_the_pages():
    sets = read_pickle(find('mini_mnist.pkl.gz'))
    for (images, labels), (name, sums) in zip(sets, record()['sha256']['mini'].items(), strict=True):
        assert images.dtype == np.float32 and labels.dtype == np.int64, name
        assert list(images.shape) == sums['shape'] and labels.shape == images.shape[:1]
        assert hashlib.sha256(images.tobytes()).hexdigest() == sums['images']
        assert hashlib.sha256(labels.tobytes()).hexdigest() == sums['labels']
        np.testing.assert_array_equal(images * 256, np.round(images * 256))


def test_mini_mnist_opens_in_plain_pickle():
    with gzip.open(find('mini_mnist.pkl.gz')) as file:
        assert_equal_trees(pickle.load(file, encoding='latin1'), read_pickle(find('mini_mnist.pkl.gz')))


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('container', [tuple, list])
def test_pickles_of_python_3(tmp_path, protocol, container):
    path = write(tmp_path / 'a.pkl.gz', container(container(pair) for pair in SMALL), protocol)
    assert_equal_trees(read_pickle(path), SMALL)


@pytest.mark.parametrize('code', [
    b"(lp1\n(cnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntS'b'\ntRp4\n(I1\n(I1\nI4\ntcnumpy\ndtype"
    b"\np5\n(S'f4'\nI0\nI1\ntRp6\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x00\\x00\\x00\\x00\\x00\\x00\\x80>\\x00\\x00\\x00?"
    b"\\x00\\x00@?'\ntbg2\n(g3\n(I0\ntS'b'\ntRp7\n(I1\n(I1\ntg5\n(S'i8'\nI0\nI1\ntRp8\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    b"I00\nS'\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00'\ntbtp9\na.",
    b'\x80\x02]q\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04(K\x01K\x01K\x04'
    b'\x86cnumpy\ndtype\nq\x05U\x02f4K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10'
    b'\x00\x00\x00\x00\x00\x00\x80>\x00\x00\x00?\x00\x00@?tbh\x02h\x03K\x00\x85U\x01b\x87Rq\x07(K\x01K\x01\x85h\x05U\x02i8'
    b'K\x00K\x01\x87Rq\x08(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x03\x00\x00\x00\x00\x00\x00\x00tb'
    b'\x86q\ta.'], ids=['protocol 0', 'protocol 2'])
def test_pickles_of_python_2(tmp_path, code):
    # Written by cPickle of Python 2.7.18 with numpy 1.11.3.
    assert_equal_trees(read_pickle(opcodes(tmp_path, code)), [([[0, 0.25, 0.5, 0.75]], [3])])


@pytest.mark.parametrize('dtype', ['>f4', '<f8', '>f8', 'f2', 'u1', '>i8', 'i2', 'bool'])
@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_other_arrays(tmp_path, dtype, protocol):
    array = np.asfortranarray(np.arange(12).reshape(3, 4).astype(dtype))
    ((read,),) = read_pickle(write(tmp_path / 'a.pkl.gz', ((array,),), protocol))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype


class Asks:
    """An object whose pickle asks for a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', [0, 2, 5])
@pytest.mark.parametrize('asked', [
    Asks(os.system, 'touch run-by-a-pickle'), Asks(eval, '1'), Asks(getattr, 'x', 'encode'), Asks(np.load, 'x'),
    Asks(np.array, [1]), Asks(bytearray, 3), np.float64(1), {'a': 1}, {1}, object(), 'text', 3, None,
    np.array([None, 1]), np.array(['a']), np.array([(1, 2.0)], 'i4,f4'), np.ma.array([1])], ids=repr)
def test_a_pickle_runs_nothing(tmp_path, monkeypatch, asked, protocol):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / 'a.pkl.gz', ((asked, SMALL[0][1]), *SMALL), protocol)
    with pytest.raises(ValueError, match='a.pkl.gz: not a gzipped pickle of arrays: '):
        read_pickle(path)
    assert os.listdir(tmp_path) == ['a.pkl.gz']


def opcodes(tmp_path, code):
    with gzip.open(tmp_path / 'a.pkl.gz', 'wb') as file:
        file.write(code)
    return tmp_path / 'a.pkl.gz'


@pytest.mark.parametrize('code', [
    b'\x80\x02P1\n.', b'\x80\x02K\x01Q.',  # persistent ids
    b'\x80\x02\x82\x01.',  # the extension registry
    b'\x80\x02cnumpy\ndtype\n}X\x05\0\0\0valueK\x01sb.',  # setting an attribute of what was named
    b'\x80\x02cnumpy\nndarray\n)\x81.',  # making an instance of what was named
    b'\x80\x02cnumpy\ndtype\n(X\x01\0\0\0OK\0K\x01tR.',
    b'\x80\x02]q\0h\0a.',  # a list that holds itself
    b'\x80\x02)' + 40 * b'q\0h\0h\0\x86' + b'.',  # 2 ** 40 leaves
    b'\x80\x02K\x01.',
    b'\x80\x02).more',
], ids=repr)
def test_a_pickle_by_hand(tmp_path, code):
    with pytest.raises(ValueError, match='a.pkl.gz: not a gzipped pickle of arrays: '):
        read_pickle(opcodes(tmp_path, code))


def test_announced_sizes_are_not_believed(tmp_path):
    array = pickle.dumps(np.zeros(3), 2)
    code = array.replace(b'K\x03\x85', b'J\xff\xff\xff\x7f\x85', 1)
    assert code != array
    with pytest.raises(ValueError, match='24 bytes of data for an array of shape'):
        read_pickle(opcodes(tmp_path, code))


def test_truncated_at_any_length(tmp_path):
    data = write(tmp_path / 'whole.pkl.gz', SMALL).read_bytes()
    path = tmp_path / 'cut.pkl.gz'
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match='cut.pkl.gz: (the file is cut short|not a gzipped)'):
            read_pickle(path)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_are_an_error_or_arrays(tmp_path_factory, data):
    # The pickle itself is damaged, inside a sound gzip, so that no checksum protects it.
    code = bytearray(pickle.dumps(SMALL, 2))
    for _ in range(data.draw(st.integers(1, 3))):
        code[data.draw(st.integers(0, len(code) - 1))] = data.draw(st.integers(0, 255))
    path = opcodes(tmp_path_factory.mktemp('damaged'), bytes(code))
    try:
        check_datasets(read_pickle(path), path)
    except ValueError as error:
        assert str(path) in str(error)


def test_missing_file():
    with pytest.raises(FileNotFoundError, match='nowhere.pkl.gz: no such file'):
        find('nowhere.pkl.gz')


def test_a_file_as_given_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find('mini_mnist.pkl.gz') == os.path.join(PROJECT, 'data', 'mini_mnist.pkl.gz')
    (tmp_path / 'mini_mnist.pkl.gz').touch()
    assert find('mini_mnist.pkl.gz') == 'mini_mnist.pkl.gz'


def changed(k, images=None, labels=None):
    sets = list(SMALL)
    sets[k] = (SMALL[k][0] if images is None else images, SMALL[k][1] if labels is None else labels)
    return tuple(sets)


@pytest.mark.parametrize('datasets, fault', [
    (SMALL[:2], 'expected three'),
    (tuple(pair[:1] for pair in SMALL), 'expected three'),
    (changed(1, labels=np.arange(4)), r'the valid set has images of shape \(5, 4\) and labels of shape \(4,\)'),
    (changed(2, images=np.zeros((5, 2, 2))), 'the test set has images of shape'),
    (changed(0, images=np.zeros((0, 4)), labels=np.arange(0)), 'the train set has images of shape'),
    (changed(1, images=np.zeros((5, 3))), 'images of different sizes'),
    (tuple((images[:, :3], labels) for images, labels in SMALL), 'images of 3 pixels are not square'),
    (changed(0, images=SMALL[0][0] * 300), 'the train images are not all numbers from 0 to 1'),
    (changed(0, images=SMALL[0][0] - 1), 'the train images are not all numbers'),
    (changed(0, images=np.full((12, 4), np.nan)), 'the train images are not all numbers'),
    (changed(0, images=np.zeros((12, 4), int)), 'the train images are not all numbers'),
    (changed(0, labels=SMALL[0][1] + 1), 'the train labels are not all whole numbers from 0 to 9'),
    (changed(0, labels=SMALL[0][1] + 0.5), 'the train labels are not all whole numbers'),
])
def test_what_is_no_mnist(datasets, fault):
    with pytest.raises(ValueError, match=f'^some.file: .*{fault}'):
        check_datasets(datasets, 'some.file')


def test_other_forms_of_the_same_data():
    (images, labels), *_ = SMALL
    for other in (images.astype('>f4'), images.astype('f8'), np.asfortranarray(images), (images * 256).astype('u1')):
        datasets = check_datasets(changed(0, images=other, labels=labels.astype('>f8')), 'file')
        np.testing.assert_array_equal(datasets[0][0], images)
        assert datasets[0][1].dtype == np.int64


def write_idx(path, array):
    header = struct.pack(f'>BBBB{array.ndim}i', 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))
    return path


def test_idx(tmp_path):
    array = np.random.RandomState(1).randint(0, 256, (3, 4, 5)).astype(np.uint8)
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / 'a.gz', array)), array, strict=True)


@pytest.mark.parametrize('raw', [b'', b'\0\0\x0d\1\0\0\0\1\0\0\0\0', b'\0\0\x08\1\0\0\0\5abc', b'\0\0\x08\3\0\0',
                                 b'\0\0\x08\1\0\0\0\2abc', b'\0\0\x08\2\x7f\xff\xff\xff\x7f\xff\xff\xff',
                                 b'\0\0\x08\2\xff\xff\xff\xff\0\0\0\2abcd'])
def test_what_is_no_idx(tmp_path, raw):
    (tmp_path / 'a.gz').write_bytes(gzip.compress(raw))
    with pytest.raises(ValueError, match='a.gz: not a gzipped IDX file: '):
        read_idx(tmp_path / 'a.gz')


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A small MNIST as published, made mini by the script."""
    folder = tmp_path_factory.mktemp('idx')
    random = np.random.RandomState(2)
    for name, n in ('train', 51000), ('t10k', 600):
        write_idx(folder / f'{name}-images-idx3-ubyte.gz', random.randint(0, 256, (n, 2, 2)).astype(np.uint8))
        write_idx(folder / f'{name}-labels-idx1-ubyte.gz', random.randint(0, 10, n).astype(np.uint8))

    def make(source, output):
        return subprocess.run([sys.executable, os.path.join(PROJECT, 'data', 'make_mini_mnist.py'), source,
                               '--output', output], capture_output=True, text=True)
    run = make(folder, folder / 'mini.pkl.gz')
    assert run.returncode == 0, run.stderr
    return folder, make


def test_making_mini_mnist(made):
    folder, make = made
    images = read_idx(folder / 'train-images-idx3-ubyte.gz')
    (train, _), (valid, _), (test, labels) = read_pickle(folder / 'mini.pkl.gz')
    np.testing.assert_array_equal(train, images[:5000].reshape(5000, 4) / np.float32(256), strict=True)
    np.testing.assert_array_equal(valid, images[50000:50500].reshape(500, 4) / np.float32(256), strict=True)
    np.testing.assert_array_equal(labels, read_idx(folder / 't10k-labels-idx1-ubyte.gz')[:500])
    assert labels.dtype == np.int64 and len(test) == 500

    # From its own output it makes the same bytes again, whatever the file is called.
    assert make(folder / 'mini.pkl.gz', folder / 'again.gz').returncode == 0
    assert (folder / 'again.gz').read_bytes() == (folder / 'mini.pkl.gz').read_bytes()


def test_making_the_shipped_file_again(made, tmp_path):
    shipped = find('mini_mnist.pkl.gz')
    assert made[1](shipped, tmp_path / 'mini.pkl.gz').returncode == 0
    with gzip.open(tmp_path / 'mini.pkl.gz') as again, gzip.open(shipped) as file:
        # The compressed bytes may differ with the zlib; what they hold may not.
        assert again.read() == file.read()


def test_a_pickle_for_python_2(made):
    with gzip.open(made[0] / 'mini.pkl.gz') as file:
        code = file.read()
    assert {name for opcode, name, _ in pickletools.genops(code) if opcode.name == 'GLOBAL'} == {
        'numpy.core.multiarray _reconstruct', 'numpy ndarray', 'numpy dtype'}
    assert max(opcode.proto for opcode, _, _ in pickletools.genops(code)) == 2


def test_making_from_nothing(made, tmp_path):
    run = made[1](tmp_path, tmp_path / 'mini.pkl.gz')
    assert run.returncode == 2 and run.stderr.count('\n') == 1
    assert 'train-images-idx3-ubyte.gz' in run.stderr
    assert os.listdir(tmp_path) == []


def test_the_readme_has_the_sums():
    with open(os.path.join(PROJECT, 'data', 'README.md'), encoding='utf-8') as file:
        readme = file.read()
    for name, sums in record()['sha256']['mini'].items():
        assert f"| {name} | `{sums['images']}` | `{sums['labels']}` |" in readme
    with open(find('mini_mnist.pkl.gz'), 'rb') as file:
        assert f'`{hashlib.sha256(file.read()).hexdigest()}`' in readme


def test_record_is_whole():
    with open(find(os.path.join('original', 'record.json')), encoding='utf-8') as file:
        numbers = json.load(file)
    assert [len(numbers[model]['costs']) for model in ('autoencoder', 'denoising_autoencoder')] == [20, 20]
    assert np.shape(numbers['noise_10x10']) == (10, 10)
