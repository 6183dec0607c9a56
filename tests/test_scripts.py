"""The scripts as a user meets them: from another folder, with bad options and bad files, interrupted, piped."""
import gzip
import os
import pickle
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT
from PIL import Image

from mnist_files import find
from original import record

QUICK = ('--epochs', 1, '--n-hidden', 15, '--batch-size', 500)


def assert_one_line_error(run, *words):
    assert run.returncode == 2
    assert run.stderr.count('\n') == 1 and ': error: ' in run.stderr
    for word in words:
        assert str(word) in run.stderr
    assert 'Training' not in run.stdout


def test_dA(run_script, tmp_path):
    run = run_script('dA.py', *QUICK, '--corruption', 0.5, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert re.fullmatch(r'\.\.\. computing (in C with OpenBLAS|with Numba|as PYTENSOR_FLAGS ask)', lines[0])
    assert lines[1] == '... loading data'
    assert [re.sub('[0-9.]+s?$', '', line) for line in lines[2:]] == [
        'Training epoch 0, cost ', 'time: ', 'saved output/filters_no_corruption.png',
        'Training epoch 0, cost ', 'time: ', 'saved output/filters_corruption_50.png']
    # Nothing of the progress bar where there is no terminal.
    assert run.stderr == '... compiling Autoencoder\n... compiling DenoisingAutoencoder\n'
    for name in os.listdir(tmp_path / 'output'):
        with Image.open(tmp_path / 'output' / name) as image:
            assert image.size == (289, 57) and np.asarray(image).max() == 254
    assert sorted(os.listdir(tmp_path / 'output')) == ['filters_corruption_50.png', 'filters_no_corruption.png']


def test_options_are_used(run_script, tmp_path):
    def printed(*options):
        run = run_script('dA.py', *QUICK, *options, cwd=tmp_path)
        return [line for line in run.stdout.splitlines() if line.startswith('Training')]

    plain, denoising = printed()
    assert printed() == [plain, denoising]
    for option in (('--seed', 5), ('--learning-rate', 0.2), ('--n-hidden', 16), ('--batch-size', 250)):
        assert not {plain, denoising} & set(printed(*option))
    assert printed('--corruption', 0.6)[0] == plain
    assert printed('--corruption', 0)[1] == plain
    assert len(printed('--epochs', 5, '--print-every', 2)) == 6


def test_logistic_sgd(run_script, tmp_path):
    run = run_script('logistic_sgd.py', cwd=tmp_path)
    assert run.returncode == 0 and run.stderr == ''
    page = record()['logistic_mini']
    lines = run.stdout.splitlines()
    assert lines[4:34] == page['log'] and lines[35:60] == page['predictions_first_25_test']
    with Image.open(tmp_path / 'output' / 'logistic_weights.png') as image:
        assert image.size == (289, 28) and np.asarray(image).max() == 254
    with Image.open(tmp_path / 'output' / 'logistic_predictions.png') as image:
        assert image.size == (320, 390)
        # Five captioned digits in each of five rows, none of them blank.
        blocks = np.asarray(image).reshape(5, 78, 5, 64).swapaxes(1, 2)
        assert (blocks[:, :, :58].max(axis=(2, 3)) > 200).all() and (blocks[:, :, 58:].max(axis=(2, 3)) > 100).all()
    assert sorted(os.listdir(tmp_path / 'output')) == [
        'best_model.npz', 'logistic_predictions.png', 'logistic_weights.png']


def test_bad_input_of_logistic_sgd(run_script, tmp_path):
    assert_one_line_error(run_script('logistic_sgd.py', '--patience', 0, cwd=tmp_path), '--patience', "'0'")
    assert_one_line_error(run_script('logistic_sgd.py', '--patience', 1, cwd=tmp_path), 'patience is 1')
    assert_one_line_error(run_script('logistic_sgd.py', '--batch-size', 501, cwd=tmp_path), 'a batch of 501')
    assert_one_line_error(run_script('logistic_sgd.py', '--dataset', 'no.gz', cwd=tmp_path), 'no.gz: no such file')
    assert_one_line_error(run_script('logistic_sgd.py', '--model', '/proc/model.npz', cwd=tmp_path), '/proc')


@pytest.mark.parametrize('script, epochs', [('dA.py', 200), ('logistic_sgd.py', 100), ('replay.py', 200)])
def test_help(run_script, tmp_path, script, epochs):
    run = run_script(script, '--help', cwd=tmp_path)
    assert run.returncode == 0 and f'default: {epochs}' in run.stdout and 'default: output' in run.stdout


@pytest.mark.parametrize('option, value, expected', [
    ('--epochs', '0', 'a whole number from 1'), ('--epochs', '2.5', 'a whole number from 1'),
    ('--batch-size', '-3', 'a whole number from 1'), ('--n-hidden', 'many', 'a whole number from 1'),
    ('--print-every', '0', 'a whole number from 1'), ('--learning-rate', '0', 'a number above 0'),
    ('--learning-rate', '1e38', 'a number above 0'), ('--learning-rate', 'nan', 'a number above 0'),
    ('--corruption', '1.5', 'a number from 0 to 1'), ('--corruption', 'nan', 'a number from 0 to 1'),
    ('--seed', '-1', 'a whole number from 0'), ('--seed', str(2 ** 32), 'a whole number from 0'),
    ('--n-hid', '3', 'unrecognized arguments')])
def test_bad_options(run_script, tmp_path, option, value, expected):
    run = run_script('dA.py', f'{option}={value}', cwd=tmp_path)
    assert_one_line_error(run, 'dA.py', option, value, expected)
    assert os.listdir(tmp_path) == []


def test_bad_options_of_replay(run_script, tmp_path):
    assert_one_line_error(run_script('replay.py', '--epochs', 'x', cwd=tmp_path), '--epochs', "'x'")


def test_more_than_the_machine_has(run_script, tmp_path):
    assert_one_line_error(run_script('dA.py', '--n-hidden', 2 ** 62, cwd=tmp_path), '--n-hidden')
    run = run_script('dA.py', '--n-hidden', 2 ** 31 - 1, cwd=tmp_path)
    assert run.returncode == 2 and run.stderr == 'error: not enough memory\n'


def test_missing_and_damaged_data(run_script, tmp_path):
    assert_one_line_error(run_script('dA.py', '--dataset', 'nowhere.gz', cwd=tmp_path), 'nowhere.gz', 'no such file')
    with open(find('mini_mnist.pkl.gz'), 'rb') as file:
        (tmp_path / 'cut.pkl.gz').write_bytes(file.read()[:100000])
    assert_one_line_error(run_script('dA.py', '--dataset', 'cut.pkl.gz', cwd=tmp_path), 'cut.pkl.gz', 'cut short')
    assert_one_line_error(run_script('dA.py', '--dataset', '.', cwd=tmp_path), 'Is a directory')


def test_what_is_no_file(run_script, tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'loop').symlink_to('loop')
    for name, fault in ('pipe', 'not a regular file'), ('loop', 'symbolic links'), ('/dev/zero', 'not a regular file'):
        assert_one_line_error(run_script('dA.py', '--dataset', name, cwd=tmp_path), name, fault)
        assert_one_line_error(run_script('dA.py', '--checkpoint', name, cwd=tmp_path), name, fault)
        assert_one_line_error(run_script('logistic_sgd.py', '--dataset', name, cwd=tmp_path), name, fault)


def test_checkpoints_that_can_not_be_used(run_script, tmp_path):
    checkpoint = '--checkpoint', 'file'
    run = run_script('dA.py', *QUICK, *checkpoint, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    content = (tmp_path / 'file').read_bytes()
    for option, value, saved in (('--seed', 5, 'seed 123'), ('--learning-rate', 0.2, 'learning_rate 0.1'),
                                 ('--n-hidden', 16, 'n_hidden 15'), ('--batch-size', 250, 'batch_size 500'),
                                 ('--corruption', 0.2, 'corruption 0.3')):
        run = run_script('dA.py', *QUICK, *checkpoint, option, value, cwd=tmp_path)
        assert_one_line_error(run, f'file: saved with {saved}, not {value}')
    assert (tmp_path / 'file').read_bytes() == content
    (tmp_path / 'file').write_bytes(content[:-9])
    assert_one_line_error(run_script('dA.py', *QUICK, *checkpoint, cwd=tmp_path), 'file: no checkpoint, version 1 that')
    assert_one_line_error(run_script('dA.py', *QUICK, '--checkpoint', '/proc/file', cwd=tmp_path), '/proc')


@pytest.mark.parametrize('backend', ['', ',linker=numba'])
def test_a_training_that_diverges(run_script, tmp_path, backend):
    run = run_script('dA.py', *QUICK, '--learning-rate', 1e37, cwd=tmp_path,
                     env=os.environ | {'PYTENSOR_FLAGS': f'floatX=float32{backend}'})
    assert run.returncode == 2 and run.stderr.splitlines()[1:] == [
        'dA.py: error: epoch 0 gave numbers that are not finite; try a smaller learning rate']


def test_a_damaged_original(tmp_path):
    shutil.copytree(PROJECT, tmp_path / 'project', ignore=shutil.ignore_patterns('.*', 'tests', 'benchmarks', 'output'))
    for name in 'record.json', 'dAed_image.png':
        path = tmp_path / 'project' / 'data' / 'original' / name
        content = path.read_bytes()
        path.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
        run = subprocess.run([sys.executable, str(tmp_path / 'project' / 'replay.py')], cwd=tmp_path, text=True,
                             capture_output=True)
        assert_one_line_error(run, f'{name}: damaged, since it has not the sum in SHA256SUMS')
        path.write_bytes(content)


def test_data_that_does_not_fit(run_script, tmp_path):
    assert_one_line_error(run_script('dA.py', '--batch-size', 5001, cwd=tmp_path), '--batch-size 5001', '5000')
    with gzip.open(tmp_path / 'wide.pkl.gz', 'wb') as file:
        pickle.dump(((np.zeros((2, 12)), np.zeros(2, int)),) * 3, file)
    run = run_script('dA.py', '--dataset', 'wide.pkl.gz', '--batch-size', 1, cwd=tmp_path)
    assert_one_line_error(run, 'wide.pkl.gz', '12 pixels are not square')


@pytest.mark.parametrize('script', ['dA.py', 'replay.py'])
def test_output_folder_that_is_none(run_script, tmp_path, script):
    (tmp_path / 'file').touch()
    run = run_script(script, '--epochs', 1, '--output-dir', 'file', cwd=tmp_path)
    assert_one_line_error(run, script, "'file'")
    run = run_script(script, '--epochs', 1, '--output-dir', '/proc/here', cwd=tmp_path)
    assert_one_line_error(run, script, '/proc/here')


def test_a_picture_that_can_not_be_written(run_script, tmp_path):
    # Its name is taken by a folder, which can not be replaced.
    (tmp_path / 'output' / 'filters_no_corruption.png').mkdir(parents=True)
    run = run_script('dA.py', *QUICK, cwd=tmp_path)
    assert run.returncode == 2
    picture = tmp_path / 'output' / 'filters_no_corruption.png'
    assert run.stderr.splitlines()[-1] == f'dA.py: error: {picture}: not a regular file'
    assert os.listdir(tmp_path / 'output') == ['filters_no_corruption.png']


def test_ctrl_c(tmp_path):
    with subprocess.Popen([sys.executable, os.path.join(PROJECT, 'dA.py')], cwd=tmp_path, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1) as process:
        for line in process.stdout:
            if line.startswith('Training epoch 0'):
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == '... compiling Autoencoder\ninterrupted\n'
    assert process.returncode == 130
    assert os.listdir(tmp_path / 'output') == []


@pytest.mark.parametrize('script', ['dA.py', 'logistic_sgd.py', 'replay.py'])
def test_ctrl_c_while_the_libraries_are_imported(tmp_path, script):
    for delay in 0, 0.2, 0.5:
        with subprocess.Popen([sys.executable, os.path.join(PROJECT, script)], cwd=tmp_path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while 'numpy' not in Path(f'/proc/{process.pid}/maps').read_text():
                time.sleep(0.01)
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            assert process.stderr.read().replace('... compiling Autoencoder\n', '') == 'interrupted\n'
        assert process.returncode == 130


def test_a_reader_that_leaves(tmp_path):
    with subprocess.Popen([sys.executable, os.path.join(PROJECT, 'dA.py'), *map(str, QUICK)], cwd=tmp_path,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert 'Traceback' not in process.stderr.read()


@pytest.mark.parametrize('script', ['dA.py', 'logistic_sgd.py', 'replay.py'])
def test_output_on_a_full_disk(tmp_path, script):
    with open('/dev/full', 'w') as full:
        run = subprocess.run([sys.executable, os.path.join(PROJECT, script), '--epochs', '1'], cwd=tmp_path,
                             stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].endswith('No space left on device') and 'Traceback' not in run.stderr


def test_progress_on_a_terminal(tmp_path):
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    with subprocess.Popen([sys.executable, os.path.join(PROJECT, 'dA.py'), '--epochs', '3', '--n-hidden', '15'],
                          cwd=tmp_path, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        seen = b''
        try:
            while part := os.read(reader, 4096):
                seen += part
        except OSError:  # how a terminal ends on Linux
            pass
        out = process.stdout.read()
    os.close(reader)
    assert b'/3 [' in seen and b'epoch' in seen
    assert b'/3 [' not in out and out.count(b'Training epoch') == 2
