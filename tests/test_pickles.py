"""Pickled data sets: those of any Python are read, and nothing in them is run."""
import os
import pickle
import tracemalloc

import numpy as np
import pytest
from conftest import SMALL, assert_equal, zipped

from theano_tutorial.errors import InputError
from theano_tutorial.files.datasets import check, load
from theano_tutorial.files.pickles import read_pickle


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_python_3(tmp_path, protocol):
    for container in tuple, list:
        for convert in np.asarray, np.ndarray.tolist:  # the labels
            content = pickle.dumps(container(container([x, convert(y)]) for x, y in SMALL), protocol)
            (tmp_path / 'plain').write_bytes(content)
            for path in tmp_path / 'plain', zipped(tmp_path / 'zipped', content):
                assert_equal(load(path), SMALL)
    for dtype in '>f4', '<f8', 'f2', 'u1', '>i8', 'i2', 'bool':
        array = np.asfortranarray(np.arange(12).reshape(3, 4).astype(dtype))
        loaded = read_pickle(zipped(tmp_path / 'file', pickle.dumps([(array, None)] * 3, protocol)))[0][0]
        np.testing.assert_array_equal(loaded, array, strict=True)


def test_a_pickle_of_python_2(tmp_path):
    # Protocol 0, written by cPickle of Python 2.7.18 with numpy 1.11.3. Mini MNIST is an example of protocol 2.
    content = (
        b"(lp1\n(cnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntS'b'\ntRp4\n(I1\n(I1\nI4\nt"
        b"cnumpy\ndtype\np5\n(S'f4'\nI0\nI1\ntRp6\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
        b"S'\\x00\\x00\\x00\\x00\\x00\\x00\\x80>\\x00\\x00\\x00?\\x00\\x00@?'\ntbg2\n(g3\n(I0\ntS'b'\ntRp7\n(I1\n(I1\n"
        b"tg5\n(S'i8'\nI0\nI1\ntRp8\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
        b"S'\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00'\ntbtp9\nag9\nag9\na.")
    assert_equal(read_pickle(zipped(tmp_path / 'file', content)), [([[0, 0.25, 0.5, 0.75]], [3])] * 3)


class Call:
    """Its pickle asks for a function to be called, and for the result to be given a state."""

    def __init__(self, function, *arguments, state=None):
        self.call = function, arguments, state

    def __reduce__(self):
        return self.call


RECONSTRUCT, FROMBUFFER = np.zeros(3).__reduce__()[0], np.zeros(3).__reduce_ex__(5)[0]


def array(dtype, *state):
    """An array of 3 rows of 8 bytes, of a dtype with a state of its own."""
    shape = 3, 8 // np.dtype(dtype).itemsize
    return Call(RECONSTRUCT, np.ndarray, (0,), b'b',
                state=(1, shape, Call(np.dtype, dtype, state=state), False, b'A' * 24))


HOSTILE = [pickle.dumps([(item, np.zeros(3))] * 3, protocol) for protocol in (0, 2, 5) for item in (
    Call(os.mkdir, 'made by a pickle'), Call(eval, '1'), Call(np.load, 'x'), np.float64(1), {'a': 1}, object(), 'text',
    None, np.array([None, 1]), np.array(['a']), np.array([(1, 2.0)], 'i4,f4'), np.ma.array([1]),
    # What numpy itself would do crashes the interpreter, or gives images of memory that was never written.
    Call(np.ndarray, (3, 784), 'u1'), Call(RECONSTRUCT, np.ndarray, (3, 784), b'B'),
    array('u1', 3, '|', (np.dtype('u1'), (10 ** 9,)), None, None, 1, 1, 0),
    array('V8', 3, '|', None, ('a',), {'a': (np.dtype('f4'), 10 ** 9)}, 8, 1, 0),
    array('u1', 3, '|', None, ('a',), {'a': (np.dtype('f4'), 10 ** 9)}, 1, 1, 0),
    array('O', 3, '|', None, None, None, -1, -1, 0))] + [
    b'\x80\x02' + 3 * (item + b'N\x86') + b'\x87.' for item in (
        b'cnumpy\nndarray\n)\x81',  # an instance of what was named
        b']q\0h\0a',  # a list that contains itself
        b')' + 40 * b'q\0h\0h\0\x86')] + [  # 2 ** 40 leaves
    pickle.dumps(tree) for tree in (
        3, SMALL[:2], SMALL * 2, [pair[:1] for pair in SMALL], [pair * 2 for pair in SMALL],
        [(x, [*y[1:].tolist(), 0.5]) for x, y in SMALL])]


@pytest.mark.parametrize('content', HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_pickles_run_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match='^file: ') as caught:
        check(read_pickle(zipped(tmp_path / 'file', content).name), 'file')
    assert os.listdir(tmp_path) == ['file'] and len(str(caught.value)) < 400


def test_what_is_refused_is_named(tmp_path):
    with pytest.raises(InputError, match="it contains 'builtins.eval'; only numpy arrays, tuples and lists are read"):
        read_pickle(zipped(tmp_path / 'file', pickle.dumps([(Call(eval, '1'), None)] * 3)))


def test_what_is_named_is_not_changed(tmp_path):
    state = None, {'__doc__': 'changed'}
    content = pickle.dumps(FROMBUFFER, 2)[:-1] + pickle.dumps(state, 2)[2:-1] + pickle.BUILD + pickle.STOP
    with pytest.raises(InputError, match='file: not a pickle'):
        read_pickle(zipped(tmp_path / 'file', content))
    assert FROMBUFFER.__doc__ != 'changed'


def test_announced_sizes_are_not_allocated(tmp_path):
    three = pickle.dumps([(np.zeros(3), None)] * 3, 2)
    for content in (three.replace(b'K\x03\x85', b'J\xff\xff\xff\x7f\x85', 1),  # an array of 2 ** 31 - 1 elements
                    b'\x80\x04\x8e' + (2 ** 30).to_bytes(8, 'little') + b'a',  # a string of 2 ** 30 bytes
                    b'\x80\x05\x96' + (2 ** 30).to_bytes(8, 'little') + b'a',  # a bytearray of as many
                    b'\x80\x02K\x01r\xff\xff\xff\x07.'):  # the 2 ** 27th place of the memo
        tracemalloc.start()
        with pytest.raises(InputError, match='file: not a pickle'):
            read_pickle(zipped(tmp_path / 'file', content))
        assert tracemalloc.get_traced_memory()[1] < 2 ** 20
        tracemalloc.stop()
