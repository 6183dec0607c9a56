"""A training that was stopped, by whatever, ends as if it never had been."""
import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytensor
import pytest
from conftest import PROJECT

from checkpoints import FORMAT, Checkpoint, open_checkpoint
from dA import Autoencoder, DenoisingAutoencoder, train
from files import load_arrays, save_arrays
from shared_randomstreams import RandomStreams

KILLS = int(os.environ.get('KILLS', 6))  # make test-all sets it to 50
IMAGES = np.random.RandomState(4).uniform(size=(12, 9))


class Stop(Exception):
    """Ends a training after an epoch, in the middle of it all."""


class Stopping(Checkpoint):
    def save(self, autoencoder, costs, seconds):
        super().save(autoencoder, costs, seconds)
        if len(costs) == self.settings['stop']:
            raise Stop


def model_of(kind):
    rng = np.random.RandomState(1)
    theano_rng = RandomStreams(2)
    theano_rng.binomial(size=(3,), n=1, p=0.5)
    return kind(rng, theano_rng, n_visible=9, n_hidden=4)


def state_of(model):
    streams = [rng.get_value(borrow=True).bit_generator.state['state'] for rng, _ in model.theano_rng.state_updates]
    return [*model.__getstate__(), *[np.append(stream['key'], stream['pos']) for stream in streams]]


def run(model, checkpoint=None, epochs=6):
    train_set_x = pytensor.shared(IMAGES.astype(pytensor.config.floatX))
    costs, seconds = train(model, train_set_x, 0.3, 0.1, epochs, batch_size=4, print_every=1, checkpoint=checkpoint)
    return costs, seconds, state_of(model)


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
@pytest.mark.parametrize('kind', [Autoencoder, DenoisingAutoencoder])
def test_it_goes_on_to_the_last_bit(tmp_path, capsys, kind, floatX):
    with pytensor.config.change_flags(floatX=floatX):
        costs, _, state = run(model_of(kind))
        lines = costs_in(capsys.readouterr().out)
        assert len(lines) == 6
        for stop in 1, 4:
            path = tmp_path / f'{stop}.npz'
            with pytest.raises(Stop):
                run(model_of(kind), Stopping(path, {'stop': stop}))
            assert costs_in(capsys.readouterr().out) == lines[:stop]
            seconds_so_far = float(load_arrays(path, FORMAT)[f'{kind.__name__}.seconds'])
            again, seconds, state_again = run(model_of(kind), Checkpoint(path, {'stop': stop}))
            out, err = capsys.readouterr()
            assert costs_in(out) == lines[stop:]
            assert f'... {kind.__name__} goes on after {stop} epochs in {path}\n' in err
            assert again == costs and seconds > seconds_so_far > 0
            for values, expected in zip(state_again, state, strict=True):
                np.testing.assert_array_equal(values, expected, strict=True)
            # It has ended: a third start trains nothing, and has the same.
            assert run(model_of(kind), Checkpoint(path, {'stop': stop}))[0] == costs
            assert costs_in(capsys.readouterr().out) == []


def test_more_epochs_and_fewer(tmp_path):
    costs, _, _ = run(model_of(Autoencoder), epochs=5)
    run(model_of(Autoencoder), Checkpoint(tmp_path / 'file', {}), epochs=3)
    assert run(model_of(Autoencoder), Checkpoint(tmp_path / 'file', {}), epochs=5)[0] == costs
    content = (tmp_path / 'file').read_bytes()
    with pytest.raises(ValueError, match='file: it has 5 epochs already, and 4 are asked for; remove it'):
        run(model_of(Autoencoder), Checkpoint(tmp_path / 'file', {}), epochs=4)
    assert (tmp_path / 'file').read_bytes() == content


def test_two_models_in_one_file(tmp_path):
    plain, denoising = run(model_of(Autoencoder)), run(model_of(DenoisingAutoencoder))
    with open_checkpoint(tmp_path / 'file', IMAGES) as checkpoint:
        run(model_of(Autoencoder), checkpoint)
        run(model_of(DenoisingAutoencoder), checkpoint, epochs=2)
    with open_checkpoint(tmp_path / 'file', IMAGES) as checkpoint:
        assert run(model_of(Autoencoder), checkpoint)[0] == plain[0]
        assert run(model_of(DenoisingAutoencoder), checkpoint)[0] == denoising[0]


def test_other_settings(tmp_path):
    with open_checkpoint(tmp_path / 'file', IMAGES, seed=1, corruption=0.3) as checkpoint:
        run(model_of(Autoencoder), checkpoint, epochs=1)
    content = (tmp_path / 'file').read_bytes()
    other = IMAGES.copy()
    other[0, 0] += 1e-9
    for images, settings, difference in ((IMAGES, dict(seed=2, corruption=0.3), 'seed 1, not 2: '),
                                         (IMAGES, dict(seed=2, corruption=0), 'seed 1, not 2; corruption 0.3, not 0: '),
                                         (other, dict(seed=1, corruption=0.3), 'data of SHA-256 ')):
        with pytest.raises(ValueError, match=f'file: saved with {difference}'):
            open_checkpoint(tmp_path / 'file', images, **settings)
    with pytensor.config.change_flags(floatX='float32'), pytest.raises(ValueError, match='floatX float64, not float32'):
        open_checkpoint(tmp_path / 'file', IMAGES, seed=1, corruption=0.3)
    assert (tmp_path / 'file').read_bytes() == content and os.listdir(tmp_path) == ['file']


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp('saved') / 'file'
    run(model_of(DenoisingAutoencoder), Checkpoint(path, {}), epochs=2)
    return load_arrays(path, FORMAT)


STREAMS = np.zeros((2, 625), np.uint32)


@pytest.mark.parametrize('part, value, fault', [
    ('W', np.zeros((4, 9)), 'the state has shapes'), ('W', np.full((9, 4), np.nan), 'not all of its numbers'),
    ('W', np.zeros((9, 4), np.longdouble), 'not all of its numbers are float64'),
    ('b', np.zeros(4, int), 'not all of its numbers'), ('costs', np.array([np.inf]), 'not all of its numbers'),
    ('costs', np.zeros((2, 2)), 'its costs are no list'), ('seconds', np.zeros(1), 'its costs are no list'),
    ('streams', STREAMS[:1], 'its streams of noise'), ('streams', STREAMS.astype(int), 'its streams of noise'),
    ('streams', STREAMS + np.uint32(625), 'its streams of noise'), ('b_prime', None, 'it has no .*b_prime')])
def test_what_is_no_checkpoint(tmp_path, saved, part, value, fault):
    arrays = saved | {f'DenoisingAutoencoder.{part}': value}
    save_arrays(tmp_path / 'file', FORMAT, **{name: values for name, values in arrays.items() if values is not None})
    content = (tmp_path / 'file').read_bytes()
    model = model_of(DenoisingAutoencoder)
    model.get_cost_updates(0.3, 0.1)
    before = state_of(model)
    with pytest.raises(ValueError, match=f'file: {fault}'):
        Checkpoint(tmp_path / 'file', {}).restore(model, 10)
    for values, expected in zip(state_of(model), before, strict=True):
        np.testing.assert_array_equal(values, expected)
    assert (tmp_path / 'file').read_bytes() == content


def test_what_a_kill_left_is_removed(tmp_path):
    for name in '.file.abcdefgh.part', '.file.abcdefgh', '.other.abcdefgh.part':
        (tmp_path / name).touch()
    with open_checkpoint(tmp_path / 'file', IMAGES) as checkpoint:
        run(model_of(Autoencoder), checkpoint, epochs=1)
    assert sorted(os.listdir(tmp_path)) == ['.file.abcdefgh', '.other.abcdefgh.part', 'file']


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_outside_of_the_training(tmp_path, number):
    # It ends the program at once, as ever: the file is whole.
    program = f'''
import numpy as np, os, sys
from checkpoints import open_checkpoint
from command_line import run
sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})
import test_checkpoints as t
def main():
    with open_checkpoint('file', t.IMAGES) as checkpoint:
        t.run(t.model_of(t.Autoencoder), checkpoint, epochs=2)
        os.kill(os.getpid(), {int(number)})
        print('went on')
run(main)
'''
    done = subprocess.run([sys.executable, '-c', program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM), done.stderr
    assert 'went on' not in done.stdout
    assert len(Checkpoint(tmp_path / 'file', {}).arrays['Autoencoder.costs']) == 2


@pytest.mark.parametrize('settings', ['', '[]', '3', '{"a": 1}', 'null'])
def test_settings_that_are_damaged(tmp_path, settings):
    save_arrays(tmp_path / 'file', FORMAT, settings=settings)
    with pytest.raises(ValueError, match='file: its settings are damaged'):
        Checkpoint(tmp_path / 'file', {'seed': 1})


def test_damage(tmp_path, saved):
    path = tmp_path / 'file'
    save_arrays(path, FORMAT, **saved)
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match='file: no checkpoint, version 1 that this program saved'):
            Checkpoint(path, {})
    for k in range(0, len(data), 3):
        path.write_bytes(data[:k] + bytes([data[k] ^ 0x20]) + data[k + 1:])
        try:
            arrays = Checkpoint(path, {}).arrays
        except ValueError as error:
            assert str(path) in str(error)
        else:
            # Bits of the zip's own, such as a time stamp, do not matter.
            for name in arrays:
                np.testing.assert_array_equal(arrays[name], saved[name], strict=True)


QUICK = ('--epochs', '25', '--n-hidden', '15', '--batch-size', '250', '--print-every', '1')


def start(folder, script='dA.py', options=(*QUICK, '--checkpoint', 'file')):
    return subprocess.Popen([sys.executable, '-u', '-W', 'error', os.path.join(PROJECT, script), *options], cwd=folder,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def costs_in(text):
    return re.findall(r'^Training epoch \d+, cost .*\n', text, re.M)


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    """What is printed when nothing interrupts, and the seconds that it takes."""
    for _ in range(2):  # the first may have to compile
        start_time = time.monotonic()
        with start(tmp_path_factory.mktemp('straight'), options=QUICK) as process:
            out, _ = process.communicate()
        assert process.returncode == 0
    return costs_in(out), time.monotonic() - start_time


@pytest.mark.parametrize('number, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_first(tmp_path, straight, number, status):
    with start(tmp_path) as process:
        seen = ''
        while not seen.endswith('\n') or 'epoch 3,' not in seen:
            seen += process.stdout.read(1)
        process.send_signal(number)
        out, err = process.communicate()
    first = costs_in(seen + out)
    assert process.returncode == status and first == straight[0][:len(first)]
    assert err == '... compiling Autoencoder\n... saved in file; the same command goes on from there\n' + (
        'interrupted\n' if number == signal.SIGINT else '')
    with start(tmp_path) as process:
        out, err = process.communicate()
    assert process.returncode == 0 and first + costs_in(out) == straight[0]
    assert f'... Autoencoder goes on after {len(first)} epochs in file\n' in err


def test_killed_at_any_moment(tmp_path, straight):
    expected, seconds = straight
    moments = random.Random(5)
    kills = resumed = 0
    while kills < KILLS:
        with start(tmp_path) as process:
            try:
                out, err = process.communicate(timeout=moments.uniform(seconds / 3, seconds))  # at first come imports
                assert process.returncode == 0, err
                os.unlink(tmp_path / 'file')
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                kills += process.returncode == -signal.SIGKILL
        assert 'rror' not in err
        resumed += 'goes on after' in err
        # What was printed is a stretch of what the straight run printed.
        assert ''.join(costs_in(out)) in ''.join(expected)
    with start(tmp_path) as process:
        out, err = process.communicate()
    assert process.returncode == 0 and ''.join(expected).endswith(''.join(costs_in(out)))
    assert resumed or KILLS < 6
    print(f'{kills} kills, {resumed} starts resumed')


def test_an_interrupted_replay_goes_on(tmp_path):
    checkpoint = tmp_path / 'output' / 'replay_checkpoint.npz'
    for _ in range(2):
        with start(tmp_path, 'replay.py', ['--epochs', '12']) as process:
            for line in process.stdout:
                if line.startswith('Training epoch 0'):
                    break
            process.send_signal(signal.SIGTERM)
            process.communicate()
        if process.returncode != 143:
            break
        assert checkpoint.exists()
    with start(tmp_path, 'replay.py', ['--epochs', '12']) as process:
        out, err = process.communicate()
    assert process.returncode == 0 and 'Autoencoder goes on after' in err
    assert re.findall(r'^.*autoencoder +2 of +2 costs as printed', out, re.M) and out.endswith('Everything matches.\n')
    assert not checkpoint.exists()
