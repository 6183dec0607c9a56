"""The options of a main(), and the scripts as a user runs them, from another folder."""
import argparse
import inspect
import os
import re
import signal
import sys

import numpy as np
import pytest
from conftest import PROJECT, posix

from theano_tutorial import command_line
from theano_tutorial.command_line import KINDS, OPTIONS
from theano_tutorial.reference import PICTURES, record


@pytest.mark.parametrize('name, values, wrong', [
    ('epochs', [1, 2 ** 31 - 1], ['0', '2.5', '', str(2 ** 31)]), ('batch_size', [1], ['0']), ('n_hidden', [1], ['0']),
    ('patience', [2, 2 ** 31 - 1], ['1', str(2 ** 31)]), ('learning_rate', [1e-38, 1e38], ['0', '1e39', 'nan']),
    ('corruption', [0, 1], ['-0.1', '1.5', 'nan']), ('seed', [0, 2 ** 32 - 1], ['-1', str(2 ** 32)]),
    ('image_shape', [(28, 10)], ['28', '0x3', '3x1000000']), ('dataset', ['a'], ['']),
    (int, [-3], ['2.5']), (float, [-2.5], ['nan', 'inf'])])
def test_values_of_options(name, values, wrong):
    convert = (OPTIONS | KINDS)[name]['type']
    assert [convert(str(value)) for value in values] == values
    for text in wrong:
        with pytest.raises(argparse.ArgumentTypeError, match=f'^{text!r} is not an? .*(integer|number|height|path)'):
            convert(text)


@pytest.fixture
def call(monkeypatch, capsys, uncompiled):
    """Run a main() with arguments of the command line. Returns the exit status and what it printed and complained."""
    def call(main, *arguments, **others):
        monkeypatch.setattr(sys, 'argv', ['script.py', *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            command_line.run(main, **others)
        out, err = capsys.readouterr()
        return exited.value.code, re.sub('^... computing .*\n', '', out), err
    return call


def test_options_are_the_arguments_of_main(call, tmp_path):
    def main(dataset='none', epochs=2, learning_rate=0.5, momentum=0., checkpoint=None, output_dir=tmp_path / 'a'):
        print(dataset, epochs, learning_rate, momentum, checkpoint and (checkpoint.path, checkpoint.settings))

    assert call(main) == (0, 'none 2 0.5 0.0 None\n', '')
    file, settings = str(tmp_path / 'b'), dict(learning_rate=0.001, momentum=0.9, floatX='float64')
    assert call(main, '--epochs', 7, '--learning-rate', '1e-3', '--momentum', 0.9, '--checkpoint', file) == (
        0, f'none 7 0.001 0.9 {file, settings}\n', '')
    assert os.listdir(tmp_path) == ['a']


def main_with(name, default):
    """A main() with one argument, which it prints."""
    def main(**options):
        print(repr(options[name]))

    main.__signature__ = inspect.Signature([inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)])
    return main


@pytest.mark.parametrize('name, default, given, value', [
    ('added', 'a', '--added 7', '7'), ('added', np.int64(3), '--added -4', -4),
    ('added', (100, 50), '--added 28', (28,)), ('added', [0.5, np.float64(1)], '--added 1 2e-3', [1., 0.002]),
    ('added', True, '--no-added', False), ('added', np.False_, '--added', True),
    # An option of the table, but not for an argument that has only its name.
    ('learning_rate', 1, '--learning-rate 0.5', 0.5), ('image_shape', None, '--image-shape 20x30', (20, 30)),
    ('image_shape', (28, 28), '--image-shape 20x30', (20, 30)),
    ('seed', (1, 2, 3), '--seed 4 -5', (4, -5)), ('epochs', 2.5, '--epochs 3.5', 3.5)])
def test_values_are_of_the_type_of_the_default(call, name, default, given, value):
    main = main_with(name, default)
    assert call(main) == (0, f'{default!r}\n', '')
    assert call(main, *given.split()) == (0, f'{value!r}\n', '')


@pytest.mark.parametrize('name, default', [
    ('added', None), ('added', ()), ('added', (1, 0.5)), ('added', (True, False)), ('dataset', np.ones(2))])
def test_defaults_without_a_type(call, name, default):
    main = main_with(name, default)
    assert call(main) == (0, f'{default!r}\n', '')
    assert call(main, f'--{name}', '1') == (
        2, '', f"script.py: error: argument --{name}: '1' is not possible here; the argument needs a default that is a "
               'number, a string, True, False, or a tuple or list of integers, floats or strings\n')
    assert f'--{name}' not in call(main, '--help')[1]


def test_arguments_of_all_kinds(call):
    def main(dataset, added=1, /, *arguments, last=3, **options):
        print(dataset, added, arguments, last, options)

    assert call(main, '--dataset', 'x', '--added', 4, '--last', 5) == (0, 'x 4 () 5 {}\n', '')
    assert call(main) == (2, '', 'script.py: error: the following arguments are required: --dataset\n')
    assert call(main, '--dataset', 'x', '--las', 3, 'a\nb') == (
        2, '', 'script.py: error: unrecognized arguments: --las 3 a b; see script.py --help\n')
    status, out, err = call(lambda help=1: None)
    assert (status, out) == (2, '') and re.fullmatch('script.py: error: argument --help: conflicting .*\n', err)


def test_each_function_has_its_own_options(call):
    def main(size=1, corruption=0.3, epochs=2):
        """Train."""
        print('main', repr(size), corruption)

    def other(reconstruct, size=0.5, corruption=None, model=''):
        """Do something else."""
        print('other', reconstruct, repr(size), corruption)

    assert call(main, '--size', 2, reconstruct=other) == (0, 'main 2 0.3\n', '')
    assert call(main, '--size', 2, '--reconstruct=x', reconstruct=other) == (0, "other ['x'] 2.0 None\n", '')
    for given, message in ((['--model=x'], '--model needs --reconstruct'),
                           (['--reconstruct', 'x', '--epochs', 3], '--epochs cannot be combined with --reconstruct')):
        assert call(main, *given, reconstruct=other) == (2, '', f'script.py: error: {message}\n')
    for given in ['--help'], ['--reconstruct', 'x', '--help']:
        _, first, second = call(main, *given, reconstruct=other)[1].split('usage: ')
        assert 'Train.' in first and '--size N ' in first and '(default: 0.3)' in first
        assert 'Do something else.' in second and '--size X ' in second and '(default: None)' not in second


def test_help_is_that_of_the_docstring(call):
    def main(dataset='100%s', epochs=5, patience=None):
        """Train.

        dataset, epochs : what main
            does with it

        Returns nothing.
        """

    assert ' '.join(call(main, '--help')[1].split()).endswith(
        '--dataset PATH what main does with it (default: 100%s) --epochs N what main does with it (default: 5) '
        '--patience N minimum number of minibatches before stopping')


@pytest.mark.parametrize('default, saved', [
    ((np.float32(0.5), 2), [0.5, 2]), ({'a': None}, {'a': None}), (float('nan'), None), ([np.ones(2)], None)])
def test_settings_of_a_checkpoint(tmp_path, call, default, saved):
    def main(added=default, checkpoint=None):
        print(checkpoint.settings)

    refused = f'script.py: error: --checkpoint cannot save the setting added: {default!r}\n'
    assert call(main, '--checkpoint', tmp_path / 'file') == (
        (0, f'{dict(added=saved, floatX="float64")}\n', '') if saved else (2, '', refused))


UNDER_NUMBA = SystemError()
UNDER_NUMBA.__cause__ = KeyboardInterrupt()


@pytest.mark.parametrize('outcome, status, err', [
    (None, 0, ''), (3, 3, ''), ([1.5], 0, ''), (True, 0, ''), (SystemExit(4), 4, ''),
    (OSError('two\nlines'), 2, 'script.py: error: two lines\n'),
    (MemoryError(), 2, 'script.py: error: not enough memory\n'),
    (KeyboardInterrupt(), 130, 'interrupted\n'), (UNDER_NUMBA, 130, 'interrupted\n')])
def test_how_a_script_ends(call, outcome, status, err):
    def main():
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    assert call(main) == (status, '', err)


def test_a_mistake_in_a_script_has_a_traceback(call):
    with pytest.raises(ValueError, match='invalid literal'):
        call(lambda: int('x'))


@pytest.mark.parametrize('arguments, flags, message', [
    (['--dataset', 'README.md'], '',
     "README.md: not a pickle of arrays, an .npz or .csv file or a folder of images"),
    (['--reconstruct', 'README.md'], '', 'output/dA.npz: no such model; dA.py saves it after training'),
    (['--output-dir', 'README.md'], '', f'README.md: File {"already " if os.name == "nt" else ""}exists'),
    (['--learning-rate', 1e37], 'floatX=float32',
     'non-finite cost or parameter in epoch 0; try a smaller learning rate'),
    ([], 'floatX=float16', 'floatX is float16; expected float32 or float64')])
def test_one_line_errors(tmp_path, run, arguments, flags, message):
    (tmp_path / 'README.md').write_text('# A README\n')
    done = run('dA.py', *arguments, flags=flags)
    assert (done.returncode, done.stderr) == (2, f'dA.py: error: {message}\n') and '.npz' not in done.stdout
    assert (tmp_path / 'README.md').read_text() == '# A README\n'


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
    assert os.listdir(tmp_path / 'output') == ['test_image.png']  # saved before the training


@pytest.mark.parametrize('script, epochs', [('dA.py', 200), ('logistic_sgd.py', 100), ('replay.py', 200)])
def test_help(run, script, epochs):
    done = run(script, '--help')
    assert (done.returncode, done.stderr) == (0, '') and f'(default: {epochs})' in done.stdout
    assert done.stdout.count('usage: ') == (2 if script == 'dA.py' else 1)  # the second to reconstruct


def test_dA(tmp_path, run, monkeypatch):
    monkeypatch.setenv('PYTHONIOENCODING', 'cp1252')  # lacks the letters of the folder
    done = run('dA.py', '--epochs', 1, '--output-dir', '出力')
    assert (done.returncode, done.stderr) == (0, '') and '\\u51fa\\u529b' in done.stdout
    for model in 'autoencoder', 'denoising_autoencoder':
        assert '\nTraining epoch 0, cost %s\ntime: ' % record()[model]['costs'][0][1] in done.stdout
    assert {*os.listdir(tmp_path / '出力')} == {*PICTURES, 'autoencoder.npz', 'dA.npz'}
