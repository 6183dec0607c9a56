"""Every reader, given files that were damaged at random: an error that names the file, or something valid.

FUZZ_EXAMPLES says how many files each reader gets; make test-all sets it higher.
"""
import gzip
import os
import pickle
import shutil
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import original
from checkpoints import FORMAT, Checkpoint
from dA import DenoisingAutoencoder
from files import save_arrays
from mnist_files import check_datasets, data_file, read_idx, read_pickle
from model_files import load_model, save_model
from shared_randomstreams import RandomStreams

EXAMPLES = int(os.environ.get('FUZZ_EXAMPLES', 200))

SETS = tuple((np.random.RandomState(k).randint(0, 256, (n, 4)).astype(np.float32) / 256, np.arange(n) % 10)
             for k, n in enumerate((4, 3, 2)))

PIECES = [b'\0', b'\xff' * 4, b'\x7f\xff\xff\xff', b'\xff\xff\xff\x7f', b'\xff' * 8, b'(', b')', b'.', b'\x85', b'R',
          b'b', b'cos\nsystem\n', b'c__builtin__\neval\n', b'\x8c\x02os\x8c\x06system\x93', b'\x82\x01', b'P1\n', b'Q',
          b'h\0', b'O', b'nan', b"'|O'", b'(2, 3)', b'(99999999999,)', b'1e999', b'PK\1\2', b'PK\5\6']


@st.composite
def damaged(draw, sources):
    """One of the sources with a few places of it written over, cut out or added to, and perhaps cut short."""
    content = draw(st.sampled_from(sources))
    for _ in range(draw(st.integers(0, 4))):
        k = draw(st.integers(0, len(content)))
        piece = draw(st.one_of(st.binary(max_size=9), st.sampled_from(PIECES)))
        content = content[:k] + piece + content[k + draw(st.integers(0, 12)):]
    return content[:draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


def fuzz(read, path, sources, zipped=False):
    """Give `read` many damaged files; it may return, or raise an error that names the file."""
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(sources))
    def run(content):
        path.write_bytes(gzip.compress(content, 1) if zipped else content)
        try:
            read(path)
        except (OSError, ValueError) as error:
            assert str(path) in str(error)

    for source in sources:
        path.write_bytes(gzip.compress(source) if zipped else source)
        read(path)
    run()


@pytest.mark.parametrize('damage', ['of the pickle', 'of the gzip'])
def test_pickles(tmp_path, damage):
    def read(path):
        for images, labels in check_datasets(read_pickle(path), path):
            assert images.dtype.kind == 'f' and images.min() >= 0 and images.max() <= 1
            assert labels.dtype == np.int64 and labels.shape == images.shape[:1] and set(labels) <= set(range(10))

    other = tuple((np.asfortranarray(images).astype('>f8'), labels.astype('i2')) for images, labels in SETS)
    sources = [pickle.dumps(sets, protocol) for sets in (SETS, other) for protocol in range(6)]
    if damage == 'of the gzip':
        fuzz(read, tmp_path / 'file', [gzip.compress(source) for source in sources])
    else:
        fuzz(read, tmp_path / 'file', sources, zipped=True)


def test_idx(tmp_path):
    def read(path):
        assert read_idx(path).dtype == np.uint8

    images = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    fuzz(read, tmp_path / 'file', [struct.pack('>4B3i', 0, 0, 8, 3, *images.shape) + images.tobytes()], zipped=True)


def test_models(tmp_path):
    def read(path):
        W, b = load_model(path)
        assert np.isfinite(W).all() and np.isfinite(b).all() and b.shape == W.shape[1:]

    save_model(tmp_path / 'file', np.arange(12.).reshape(4, 3), np.arange(3.))
    fuzz(read, tmp_path / 'file', [(tmp_path / 'file').read_bytes()])


def test_checkpoints(tmp_path):
    model = DenoisingAutoencoder(np.random.RandomState(1), RandomStreams(2), n_visible=4, n_hidden=2)
    model.get_cost_updates(0.3, 0.1)

    def read(path):
        costs, seconds = Checkpoint(path, {'seed': 1}).restore(model, 10)
        assert np.isfinite([*costs, seconds]).all() and len(costs) <= 10
        assert all(np.isfinite(values).all() for values in model.__getstate__())
        for rng, _ in model.theano_rng.state_updates:
            assert 0 <= rng.get_value().random() < 1

    parts = dict(zip(('W', 'b', 'b_prime'), model.__getstate__()), costs=np.ones(2), seconds=np.array(1.),
                 streams=np.zeros((1, 625), np.uint32))
    save_arrays(tmp_path / 'file', FORMAT, settings='{"seed": 1}',
                **{f'DenoisingAutoencoder.{name}': value for name, value in parts.items()})
    fuzz(read, tmp_path / 'file', [(tmp_path / 'file').read_bytes()])


@pytest.mark.parametrize('damage', ['record.json', 'test_image.png', 'SHA256SUMS'])
def test_the_original(tmp_path, monkeypatch, damage):
    numbers, pixels = original.record(), original.picture('test_image.png')
    for name in 'record.json', 'test_image.png', 'SHA256SUMS':
        shutil.copy(data_file(os.path.join('original', name)), tmp_path)
    monkeypatch.setattr(original, 'data_file', lambda name: str(tmp_path / os.path.basename(name)))

    def read(path):
        try:
            assert original.record() == numbers
            np.testing.assert_array_equal(original.picture('test_image.png'), pixels)
        except ValueError as error:
            # With other sums it is the file they are of that is named, and both are to be fetched.
            assert str(tmp_path) in str(error) and 'fetch both anew' in str(error)

    fuzz(read, tmp_path / damage, [(tmp_path / damage).read_bytes()])
