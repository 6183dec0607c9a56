"""Each reader, given files with arbitrary damage: an error that names the file, or valid data."""
import gzip
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logistic_sgd import FORMAT, load_model
from theano_tutorial.errors import InputError
from theano_tutorial.files.datasets import check
from theano_tutorial.files.mnist import read_idx
from theano_tutorial.files.pickles import read_pickle
from theano_tutorial.files.storage import save_arrays

EXAMPLES = int(os.environ.get('FUZZ_EXAMPLES', 200))
PIECES = [b'\0', b'\xff' * 4, b'\x7f\xff\xff\xff', b'\xff\xff\xff\x7f', b'\xff' * 8, b'(', b')', b'.', b'\x85', b'R',
          b'b', b'cos\nsystem\n', b'c__builtin__\neval\n', b'\x8c\x02os\x8c\x06system\x93', b'\x82\x01', b'P1\n', b'Q',
          b'h\0', b'O', b'nan', b"'|O'", b'(2, 3)', b'(99999999999,)', b'1e999', b'PK\1\2', b'PK\5\6']


@st.composite
def damaged(draw, sources):
    """One of the sources with pieces of it replaced, removed or added, and perhaps truncated."""
    content = draw(st.sampled_from(sources))
    for _ in range(draw(st.integers(0, 4))):
        k = draw(st.integers(0, len(content)))
        piece = draw(st.one_of(st.binary(max_size=9), st.sampled_from(PIECES)))
        content = content[:k] + piece + content[k + draw(st.integers(0, 12)):]
    return content[:draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


def read_mnist(path):
    for images, labels in check(read_pickle(path), path):
        assert images.dtype.kind == 'f' and images.min() >= 0 and images.max() <= 1
        assert labels.dtype == np.int64 and labels.shape == images.shape[:1]
        assert labels.min() >= 0 and labels.max() < 2 ** 31


def read_model(path):
    W, b = load_model(path)
    assert np.isfinite(W).all() and np.isfinite(b).all() and b.shape == W.shape[1:]


SETS = tuple((np.arange(4. * n).reshape(n, 4) / 64, np.arange(n)) for n in (4, 3, 2))
PICKLES = [pickle.dumps(tree, protocol) for protocol in range(6) for tree in (
    SETS, [(np.asfortranarray(images).astype('>f4'), labels.astype('i2')) for images, labels in SETS])]


@pytest.mark.parametrize('read, sources, compress', [
    (read_mnist, PICKLES, True), (read_mnist, [gzip.compress(content) for content in PICKLES], False),
    (read_idx, [struct.pack('>4B3i', 0, 0, 8, 3, 4, 2, 3) + bytes(24)], True),
    (read_model, [], False)])
def test_damaged_files(tmp_path, read, sources, compress):
    path = tmp_path / 'file'
    if read is read_model:
        save_arrays(path, FORMAT, W=np.arange(12.).reshape(4, 3), b=np.arange(3.))
        sources = [path.read_bytes()]

    # The same examples each time, unless more are asked for.
    @settings(max_examples=EXAMPLES, derandomize='FUZZ_EXAMPLES' not in os.environ, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(damaged(sources))
    def fuzz(content):
        path.write_bytes(gzip.compress(content, 1) if compress else content)
        try:
            read(path)
        except (OSError, InputError) as error:
            assert content not in sources and str(path) in str(error)

    fuzz()
