"""A training that is interrupted, in any way, and resumed ends as one that is not."""
import os
import random
import re

import numpy as np
import pytensor
import pytest
from programs.train_with_checkpoint import SETTINGS, build, train_with

from dA import Autoencoder, DenoisingAutoencoder
from theano_tutorial.errors import InputError
from theano_tutorial.files.checkpoint import FORMAT, Checkpoint
from theano_tutorial.files.storage import load_arrays, save_arrays


def assert_equal(one, other):
    for values, expected in zip(one, other, strict=True):
        np.testing.assert_array_equal(values, expected, strict=True)


@pytest.mark.parametrize('floatX, mode', [
    ('float64', 'FAST_COMPILE'), ('float32', 'FAST_COMPILE'), pytest.param('float64', 'Mode', marks=pytest.mark.slow)])
def test_resumed_to_the_last_bit(tmp_path, capsys, floatX, mode):
    path = tmp_path / 'folder' / 'file'
    models = Autoencoder, DenoisingAutoencoder
    with pytensor.config.change_flags(floatX=floatX, mode=mode):
        expected = [train_with(build(model)) for model in models]
        printed = re.findall('^Training.*', capsys.readouterr().out, re.M)
        for model, whole in zip(models, expected):
            autoencoder = build(model)
            for epochs in 1, 4:  # the second training has streams of its own
                train_with(autoencoder, Checkpoint(path, SETTINGS), epochs)
            assert_equal(train_with(build(model), Checkpoint(path, SETTINGS)), whole)
            assert f'... resuming {model.__name__} after epoch 3 from {path}\n' in capsys.readouterr().out
        # Both models are in the file now, and nothing is trained again.
        checkpoint = Checkpoint(path, SETTINGS)
        for model, whole in zip(models, expected):
            assert_equal(train_with(build(model), checkpoint), whole)
        assert re.findall('^Training.*', capsys.readouterr().out, re.M) == printed


@pytest.mark.parametrize('kills', [3, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_any_moment(tmp_path, run, kills):
    # The program kills itself at the nth function call that Python makes while it resumes and saves. That is as abrupt
    # as a kill from outside, but the moments do not depend on the speed of the machine.
    def run_to(call):
        done = run('train_with_checkpoint.py', call, flags='mode=FAST_COMPILE')
        assert done.stderr == ''
        return done.returncode, *done.stdout.splitlines()[-2:]

    _, calls, whole = run_to(0)
    moments = random.Random(5)
    while kills:
        status, *_, result = run_to(moments.randrange(1, int(calls)))
        if status:
            kills -= 1
        else:  # It was resumed so late that it ended before that call.
            assert result == whole
            os.unlink(tmp_path / 'file')
    assert run_to(0)[2] == whole


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """The arrays of a checkpoint file."""
    path = tmp_path_factory.mktemp('saved') / 'file'
    with pytensor.config.change_flags(mode='FAST_COMPILE'):
        train_with(build(DenoisingAutoencoder), Checkpoint(path, SETTINGS), epochs=2)
    return load_arrays(path, FORMAT)


def refuse(path, arrays, message, settings=SETTINGS):
    """Check that a file of these arrays is refused with this message, and that file and model stay as they were."""
    save_arrays(path, FORMAT, **arrays)
    content = path.read_bytes()
    autoencoder = build(DenoisingAutoencoder)
    before = autoencoder.__getstate__()
    with pytest.raises(InputError) as caught:
        train_with(autoencoder, Checkpoint(path, settings))
    assert str(caught.value).startswith(f'{path}: {message}')
    assert_equal(autoencoder.__getstate__(), before)
    assert path.read_bytes() == content and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize('settings, floatX, message', [
    (SETTINGS, 'float32', 'floatX float64, now float32'), ({'rate': 0.1}, 'float64', 'seed 1, now not set'),
    ({'seed': 2, 'rate': 0.2}, 'float64', 'seed 1, now 2; rate 0.1, now 0.2'),
    (SETTINGS | {'other': 3}, 'float64', 'other not set, now 3')])
def test_other_settings(tmp_path, saved, settings, floatX, message):
    with pytensor.config.change_flags(floatX=floatX):
        refuse(tmp_path / 'file', saved, f'saved with {message}; use the same settings or another file', settings)


def test_another_model_of_the_same_class_is_refused(tmp_path, uncompiled):
    checkpoint = Checkpoint(tmp_path / 'file', SETTINGS)
    train_with(build(DenoisingAutoencoder), checkpoint, epochs=1)
    content = (tmp_path / 'file').read_bytes()
    with pytest.raises(InputError, match='file: it belongs to another DenoisingAutoencoder; use another file'):
        train_with(build(DenoisingAutoencoder), checkpoint)
    assert (tmp_path / 'file').read_bytes() == content


@pytest.mark.parametrize('name, change, message', [
    *[('settings', lambda _, text=text: text, 'not a valid checkpoint file') for text in ('', '[]', '3', '[' * 9999)],
    ('data', lambda data: str(data)[::-1], 'saved with other training images; use the same data set or another file'),
    *[(name, change, 'not a valid checkpoint of this DenoisingAutoencoder') for name, change in (
        ('W', np.transpose), ('b', lambda b: b.astype(int)), ('b_prime', None),
        ('costs', lambda costs: costs[None]), ('costs', lambda costs: costs.astype(str)),
        ('rng_states', lambda states: states[:, 1:]), ('rng_states', lambda states: states[0]),
        ('rng_states', lambda states: states + 625), ('rng_states', lambda states: states.astype(str)))]],
    ids=range(14))
def test_invalid_arrays(tmp_path, saved, name, change, message):
    name = name if name == 'settings' else f'DenoisingAutoencoder.{name}'
    others = {other: values for other, values in saved.items() if other != name}
    refuse(tmp_path / 'file', others | {name: change(saved[name])} if change else others, message)
