"""The scripts as a user runs them, from another folder."""
import argparse
import os
import re
import signal

import pytest
from conftest import PROJECT, posix

from theano_tutorial.command_line import OPTIONS
from theano_tutorial.reference import PICTURES, record


@pytest.mark.parametrize('name, values, wrong', [
    ('epochs', [1, 2 ** 31 - 1], ['0', '-3', '2.5', 'many', '', str(2 ** 31)]),
    ('batch_size', [1], ['0']), ('n_hidden', [1], ['0']), ('patience', [2, 2 ** 31 - 1], ['1', str(2 ** 31)]),
    ('learning_rate', [1e-38, 0.1, 1e38], ['0', '-1', '1e39', 'nan', 'inf', 'x']),
    ('corruption', [0, 0.3, 1], ['-0.1', '1.5', 'nan']), ('seed', [0, 2 ** 32 - 1], ['-1', str(2 ** 32)])])
def test_values_of_options(name, values, wrong):
    convert = OPTIONS[name]['type']
    assert [convert(str(value)) for value in values] == values
    for text in wrong:
        with pytest.raises(argparse.ArgumentTypeError, match=f'^{text!r} is not an? (integer|number) '):
            convert(text)


def test_options_are_the_arguments_of_main(run):
    assert run('changed_script.py').stdout.splitlines()[1:] == ['none 2 0.5 0.0 True None']
    done = run('changed_script.py', '--epochs', 7, '--learning-rate', '1e-3', '--momentum', 0.9, '--no-nesterov',
               '--checkpoint', 'file')
    settings = {'dataset': 'none', 'learning_rate': 0.001, 'momentum': 0.9, 'nesterov': False, 'floatX': 'float64'}
    assert done.stdout.splitlines()[1:] == [f"none 7 0.001 0.9 False ('file', {settings})"]


@pytest.mark.parametrize('arguments, message', [
    (['--epochs', 0], "argument --epochs: '0' is not an integer from 1 to 2147483647"),
    (['--epoch', 3], 'unrecognized arguments: --epoch 3'),
    (['--dataset', 'README.md'],
     "README.md: not a pickle of arrays, an .npz or .csv file or a folder of images (KeyError: 35)"),
    (['--batch-size', 5001], 'batch size 5001 is not from 1 to 5000, the number of training images'),
    (['--image-shape', '28'], "argument --image-shape: '28' is not a height and a width, as in 28x28"),
    (['--model', 'README.md'], '--model needs --reconstruct'),
    (['--reconstruct', 'README.md', '--epochs', 3], '--epochs cannot be combined with --reconstruct'),
    (['--reconstruct', 'README.md'], 'output/dA.npz: no such model; dA.py saves it after training'),
    (['--output-dir', 'README.md'], f'README.md: File {"already " if os.name == "nt" else ""}exists'),
    (['--learning-rate', 1e37], 'non-finite cost or parameter in epoch 0; try a smaller learning rate')])
def test_one_line_errors(tmp_path, run, arguments, message):
    (tmp_path / 'README.md').write_text('# A README\n')
    done = run('dA.py', *arguments, flags='floatX=float32' if 1e37 in arguments else '')
    assert (done.returncode, done.stderr) == (2, f'dA.py: error: {message}\n') and 'saved' not in done.stdout
    assert (tmp_path / 'README.md').read_text() == '# A README\n'


@pytest.mark.parametrize('error, status, stderr', [
    ('OSError("two\\nlines")', 2, 'changed_script.py: error: two lines\n'),
    ('FloatingPointError("a")', 2, 'changed_script.py: error: a\n'),
    ('MemoryError()', 2, 'changed_script.py: error: not enough memory\n'),
    ('ValueError("a mistake")', 1, 'Traceback .*\nValueError: a mistake\n'),  # of the program
    ('SystemExit(3)', 3, ''),
    ('KeyboardInterrupt()', 130, 'interrupted\n'),
    ('interrupted inside', 130, 'interrupted\n')])
def test_exceptions(run, error, status, stderr):
    done = run('changed_script.py', '--dataset', error)
    assert done.returncode == status and re.fullmatch(stderr, done.stderr, re.S)


@posix
@pytest.mark.parametrize('flags', ['', pytest.param('linker=numba', marks=pytest.mark.slow)])
def test_ctrl_c(tmp_path, start, flags):
    with start('restore_ctrl_c.py', PROJECT / 'dA.py', flags=flags) as process:
        for line in process.stdout:
            if line.startswith('Training epoch 0'):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, 'interrupted\n')
    assert os.listdir(tmp_path / 'output') == []


@pytest.mark.parametrize('script, epochs', [('dA.py', 200), ('logistic_sgd.py', 100), ('replay.py', 200)])
def test_help(run, script, epochs):
    done = run(script, '--help')
    text = ' '.join(done.stdout.split())
    assert (done.returncode, done.stderr) == (0, '')
    assert f'(default: {epochs})' in text
    assert '--output-dir DIR folder for the images and models (default: output)' in text
    assert ('--checkpoint FILE' in text) == (script != 'logistic_sgd.py') and 'default: None' not in text


def test_dA(tmp_path, run):
    done = run('dA.py', '--epochs', 1)
    assert (done.returncode, done.stderr) == (0, '')
    for model in 'autoencoder', 'denoising_autoencoder':
        assert '\nTraining epoch 0, cost %s\n' % record()[model]['costs'][0][1] in done.stdout
    assert {*os.listdir(tmp_path / 'output')} == {*PICTURES, 'autoencoder.npz', 'dA.npz'}
    done = run('dA.py', '--reconstruct', 'nowhere.png')
    assert (done.returncode, done.stderr) == (2, 'dA.py: error: nowhere.png: No such file or directory\n')


def test_letters_that_the_code_page_lacks(run, tmp_path, monkeypatch):
    monkeypatch.setenv('PYTHONIOENCODING', 'cp1252')
    done = run('dA.py', '--epochs', 1, '--n-hidden', 3, '--batch-size', 500, '--output-dir', '出力')
    assert done.returncode == 0 and '\\u51fa\\u529b' in done.stdout, done.stderr
    assert {path.suffix for path in (tmp_path / '出力').iterdir()} == {'.npz', '.png'}
