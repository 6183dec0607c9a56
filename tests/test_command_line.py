"""The scripts as a user runs them, from another folder."""
import argparse
import os
import re
import signal
import sys

import numpy as np
import pytest
from conftest import PROJECT, posix

from theano_tutorial import command_line
from theano_tutorial.command_line import OPTIONS
from theano_tutorial.reference import PICTURES, record

ONES = np.ones(2)


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
    settings = {'learning_rate': 0.001, 'momentum': 0.9, 'nesterov': False, 'floatX': 'float64'}
    assert done.stdout.splitlines()[1:] == [f"none 7 0.001 0.9 False ('file', {settings})"]


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


@pytest.mark.parametrize('default, given, value', [
    (3, '-5', -5), (0.5, '2', 2.), ('a', '7', '7'), (np.int64(3), '4', 4), (np.float32(0.5), '0.1', 0.1),
    ((100, 50), '28 10', (28, 10)), ((100, 50), '28', (28,)), ([0.5, np.float64(1)], '1 2e-3', [1., 0.002]),
    (('a', 'b'), 'c d e', ('c', 'd', 'e'))])
def test_values_are_of_the_type_of_the_default(call, default, given, value):
    def main(added=default):
        print(repr(added))

    assert call(main) == (0, f'{default!r}\n', '')
    assert call(main, '--added', *given.split()) == (0, f'{value!r}\n', '')


@pytest.mark.parametrize('default', [True, np.False_])
def test_booleans(call, default):
    def main(added=default):
        print(added)

    for given, value in ([], default), (['--added'], True), (['--no-added'], False):
        assert call(main, *given) == (0, f'{value}\n', '')


@pytest.mark.parametrize('default, text, expected', [
    (3, '2.5', 'an integer, as the default is'), (np.int64(3), '2.5', 'an integer, as the default is'),
    ((100, 50), '2.5', 'an integer, as the default is'), (0.5, 'nan', 'a finite number'),
    (0.5, '1e999', 'a finite number')])
def test_values_of_another_type(call, default, text, expected):
    assert call(lambda added=default: None, '--added', text) == (
        2, '', f'script.py: error: argument --added: {text!r} is not {expected}\n')


@pytest.mark.parametrize('default', [
    None, {}, print, (), (1, 0.5), (True, False), ((1, 2), (3, 4)), b'1', 1j, ONES])
def test_defaults_without_a_type(call, default):
    def main(added=default):
        print(repr(added))

    assert call(main) == (0, f'{default!r}\n', '')
    assert call(main, '--added', '1') == (
        2, '', "script.py: error: argument --added: '1' is not possible here; the argument needs a default that is a "
               'number, a text, True, False, or a tuple or list of integers, of floats or of texts\n')
    assert '--added' not in call(main, '--help')[1]


# An option of the table is not taken for an argument that has only its name.
@pytest.mark.parametrize('main, given, value', [
    (lambda seed=(1, 2, 3): print(seed), '--seed 4 -5', (4, -5)),
    (lambda corruption=[0.1]: print(corruption), '--corruption 0.2 0.3', [0.2, 0.3]),  # noqa: B006
    (lambda epochs=2.5: print(epochs), '--epochs 3.5', 3.5),
    (lambda checkpoint=2: print(checkpoint), '--checkpoint 3', 3),
    (lambda page=True: print(page), '--no-page', False),
    (lambda learning_rate=1: print(learning_rate), '--learning-rate 0.5', 0.5),
    (lambda image_shape=None: print(image_shape), '--image-shape 20x30', (20, 30)),
    (lambda image_shape=(28, 28): print(image_shape), '--image-shape 20x30', (20, 30))])
def test_other_defaults_for_known_names(call, main, given, value):
    assert call(main, *given.split()) == (0, f'{value}\n', '')


def test_an_array_for_a_known_name(call):
    assert call(lambda dataset=ONES: print(dataset)) == (0, f'{ONES}\n', '')


def test_arguments_of_all_kinds(call):
    def main(dataset, added=1, /, more=2, *arguments, last=3, **options):
        print(dataset, added, more, arguments, last, options)

    assert call(main, '--dataset', 'x', '--added', 4, '--last', 5) == (0, 'x 4 2 () 5 {}\n', '')
    for given, message in [
            ([], 'the following arguments are required: --dataset'),
            (['--dataset', ''], "argument --dataset: '' is not a path"),
            (['--dataset', 'x', '--options', 3, 'a\nb'],
             'unrecognized arguments: --options 3 a b; see script.py --help')]:
        assert call(main, *given) == (2, '', f'script.py: error: {message}\n')
    for wrong in lambda help=1: None, lambda x=True, no_x=1: None:
        status, out, err = call(wrong)
        assert (status, out) == (2, '') and re.fullmatch('script.py: error: argument --.*: conflicting .*\n', err)


def test_each_function_has_its_own_options(call):
    def main(size=1, corruption=0.3):
        """Train."""
        print('main', repr(size), corruption)

    def other(reconstruct, size=0.5, corruption=None):
        """Do something else."""
        print('other', reconstruct, repr(size), corruption)

    assert call(main, '--size', 2, reconstruct=other) == (0, 'main 2 0.3\n', '')
    assert call(main, '--size', 2, '--reconstruct=x', reconstruct=other) == (0, "other ['x'] 2.0 None\n", '')
    for given in ['--help'], ['--reconstruct', 'x', '--help']:
        words = ' '.join(call(main, *given, reconstruct=other)[1].split())
        assert words == (
            'usage: script.py [-h] [--size N] [--corruption P] Train. options: -h, --help show this help message and '
            'exit --size N (default: 1) --corruption P probability that a pixel is set to 0 (default: 0.3) '
            'usage: script.py [-h] --reconstruct IMAGE [IMAGE ...] [--size X] [--corruption P] Do something else. '
            'options: -h, --help show this help message and exit --reconstruct IMAGE [IMAGE ...] image files, which '
            'are scaled to the size of the training images --size X (default: 0.5) --corruption P probability that a '
            'pixel is set to 0')


def test_help_is_that_of_the_docstring(call):
    def main(dataset='100%s', epochs=5, corruption=0.3, size=(28, 10), patience=None):
        """Train with 5% of the images,
        twice.

        dataset : anything, to
            100%
        epochs, size : what main does with it

        Returns nothing.
        """

    words = ' '.join(call(main, '--help')[1].split())
    assert ('Train with 5% of the images, twice. options: -h, --help show this help message and exit '
            '--dataset PATH anything, to 100% (default: 100%s) --epochs N what main does with it (default: 5) '
            '--corruption P probability that a pixel is set to 0 (default: 0.3) '
            '--size N [N ...] what main does with it (default: (28, 10)) '
            '--patience N minimum number of minibatches before stopping') in words and 'Returns' not in words


@pytest.mark.parametrize('default, saved', [
    (np.int64(3), 3), ((np.float32(0.5), 2), [0.5, 2]), ({'a': None}, {'a': None}), (print, None), (float('nan'), None),
    ({(1, 2): 3}, None), ([ONES], None)])
def test_settings_of_a_checkpoint(tmp_path, call, default, saved):
    def main(added=default, checkpoint=None, only=print):
        print(checkpoint.settings)

    refused = f'script.py: error: --checkpoint cannot save the setting added: {default!r}\n'
    assert call(main, '--checkpoint', tmp_path / 'file') == (
        (0, f'{dict(added=saved, floatX="float64")}\n', '') if saved else (2, '', refused))


@pytest.mark.parametrize('result, status', [(None, 0), (3, 3), ([1.5], 0), ('a text', 0), (True, 0)])
def test_status(call, result, status):
    assert call(lambda: result) == (status, '', '')


@pytest.mark.parametrize('arguments, message', [
    (['--epochs', 0], "argument --epochs: '0' is not an integer from 1 to 2147483647"),
    (['--epoch', 3], 'unrecognized arguments: --epoch 3; see dA.py --help'),
    (['--dataset', 'README.md'],
     "README.md: not a pickle of arrays, an .npz or .csv file or a folder of images"),
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
    assert (done.returncode, done.stderr) == (2, f'dA.py: error: {message}\n') and '.npz' not in done.stdout
    assert (tmp_path / 'README.md').read_text() == '# A README\n'


def test_a_floatX_that_is_not_supported(run):
    done = run('dA.py', flags='floatX=float16')
    assert (done.returncode, done.stderr) == (2, 'dA.py: error: floatX is float16; expected float32 or float64\n')


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
    assert os.listdir(tmp_path / 'output') == ['test_image.png']  # saved before the training


@pytest.mark.parametrize('script, epochs', [('dA.py', 200), ('logistic_sgd.py', 100), ('replay.py', 200)])
def test_help(run, script, epochs):
    done = run(script, '--help')
    text = ' '.join(done.stdout.split())
    assert (done.returncode, done.stderr) == (0, '')
    assert f'(default: {epochs})' in text and '--output-dir DIR folder to save to (default: output)' in text
    assert ('--checkpoint FILE' in text) == (script != 'logistic_sgd.py') and 'default: None' not in text
    others = {'dA.py', 'logistic_sgd.py', 'replay.py'} - {script}
    assert [name for name in others if name in text] == (['dA.py'] if script == 'replay.py' else [])
    training, *reconstruction = text.split(' usage: ')
    assert len(reconstruction) == (script == 'dA.py')
    for part in reconstruction:
        assert part.startswith('dA.py [-h] --reconstruct IMAGE [IMAGE ...] [--model FILE] [--corruption P] ')
        assert 'default: 0.3' in training and 'default: 0.3' not in part


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
