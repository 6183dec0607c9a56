import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import PROJECT

from model_files import FORMAT, load_model, save_model

W, B = np.random.RandomState(0).normal(size=(6, 3)), np.arange(3.)


def test_saved_and_loaded(tmp_path):
    save_model(tmp_path / 'model', W, B)
    for values, expected in zip(load_model(tmp_path / 'model'), (W, B), strict=True):
        np.testing.assert_array_equal(values, expected, strict=True)
    assert os.listdir(tmp_path) == ['model']


@pytest.mark.parametrize('arrays, fault', [
    (dict(W=W, b=B), 'no logistic regression'), (dict(format=FORMAT, W=W), 'it has W, where a model has W, b'),
    (dict(format='logistic regression, version 2', W=W, b=B), "its format is 'logistic regression, version 2'"),
    (dict(format=FORMAT, W=W, b=B[:2]), 'W of shape'), (dict(format=FORMAT, W=W[0], b=B), 'W of shape'),
    (dict(format=FORMAT, W=W > 0, b=B), 'W of shape'), (dict(format=FORMAT, W=W * np.inf, b=B), 'not all .* finite'),
    (dict(format=FORMAT, W=np.array([None, print]), b=B), 'dtype object'),
], ids=range(8))
def test_what_is_no_model(tmp_path, arrays, fault):
    with open(tmp_path / 'model', 'wb') as file:
        np.savez(file, **arrays)
    with pytest.raises(ValueError, match=f'model: .*{fault}'):
        load_model(tmp_path / 'model')


def test_damage(tmp_path):
    save_model(tmp_path / 'model', W, B)
    data = (tmp_path / 'model').read_bytes()
    for length in range(len(data)):
        (tmp_path / 'model').write_bytes(data[:length])
        with pytest.raises(ValueError, match='model: no logistic regression'):
            load_model(tmp_path / 'model')
    for k in range(len(data)):
        (tmp_path / 'model').write_bytes(data[:k] + bytes([data[k] ^ 0x10]) + data[k + 1:])
        try:
            values = load_model(tmp_path / 'model')
        except ValueError as error:
            assert 'model: ' in str(error)
        else:
            # Bits of the zip's own, such as a time stamp, do not matter.
            np.testing.assert_array_equal(values[0], W)
            np.testing.assert_array_equal(values[1], B)


def test_numbers_that_are_not_finite_do_not_replace_a_model(tmp_path):
    save_model(tmp_path / 'model', W, B)
    with pytest.raises(ValueError, match='model: not saved, since not all numbers are finite'):
        save_model(tmp_path / 'model', W, B + np.nan)
    np.testing.assert_array_equal(load_model(tmp_path / 'model')[1], B)


def test_only_a_file_is_replaced(tmp_path):
    (tmp_path / 'link').symlink_to('model')
    save_model(tmp_path / 'link', W, B)
    assert (tmp_path / 'link').is_symlink() and load_model(tmp_path / 'model')[1].tolist() == B.tolist()
    with pytest.raises(OSError, match='/dev/null: not a regular file'):
        save_model('/dev/null', W, B)


def test_missing_model(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.npz'):
        load_model(tmp_path / 'nowhere.npz')


def test_a_kill_leaves_the_old_or_the_new(tmp_path):
    program = '''
import itertools, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from model_files import save_model
for k in itertools.count():
    save_model('model', np.full((200, 200), float(k)), np.full(200, float(k)))
    if k == 0:
        print('saved', flush=True)
'''
    seen = set()
    for delay in np.random.RandomState(1).uniform(0, 0.1, 12):
        command = [sys.executable, '-c', program, PROJECT]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        W, b = load_model(tmp_path / 'model')
        assert (W[0, 0] == W).all() and (b == W[0, 0]).all()
        seen.add(W[0, 0])
    assert len(seen) > 1
