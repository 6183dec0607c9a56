"""The commands of the README's section on own images and the code in docs/, run as printed."""
import os
import re

import numpy as np
import pytest
from conftest import PROJECT
from PIL import Image
from pytensor import config

from dA import load
from theano_tutorial.compute.backend import use_fastest
from theano_tutorial.errors import InputError


@pytest.fixture
def run_blocks(tmp_path, monkeypatch):
    """Run the Python blocks of a file in docs/ in one namespace, in an empty folder. Returns the namespace."""
    monkeypatch.chdir(tmp_path)

    def run_blocks(name):
        namespace: dict = {}
        for block in re.findall(r'(?s)```python\n(.*?)```', (PROJECT / 'docs' / name).read_text(encoding='utf-8')):
            exec(compile(block, name, 'exec'), namespace)
        return namespace

    with config.change_flags(linker='auto', gcc__cxxflags=''):
        use_fastest()  # as the scripts do
        yield run_blocks


def test_own_images_and_own_data(tmp_path, capsys, run, run_blocks):
    (tmp_path / 'my_images').mkdir()
    for k in range(24):
        noise = np.random.RandomState(k).randint(0, 256, (40, 30)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / 'my_images' / f'{k}.png')
    readme = (PROJECT / 'README.md').read_text(encoding='utf-8')
    section = re.search('(?s)\n## Use your own images\n(.*?)\n## ', readme)[1]
    for command in re.findall(r'^    \.venv/bin/python (.*)$', section, re.M):
        done = run(*command.split())
        assert (done.returncode, done.stderr) == (0, '')
    assert {'autoencoder.npz', 'dA.npz', 'reconstruction.png'} < set(os.listdir(tmp_path / 'mine'))

    names = run_blocks('own_data.md')
    assert (names['hidden_values'].shape, names['reconstruction'].shape) == ((1, 100), (1, 784))
    assert (tmp_path / 'reconstructed.png').exists()
    sets = names['load_data']('my_data.npz')
    assert (sets.image_shape, sets.n_classes) == ((12, 16), 3)
    errors = re.findall(r'epoch \d, validation error (.*) %', capsys.readouterr().out)
    assert len(errors) == 5 and float(errors[-1]) < min(30, float(errors[0]))


def test_scripts_from_python(run_blocks):
    names = run_blocks('scripts.md')
    assert load().n_hidden == 200 and load().settings['epochs'] == 2
    with pytest.raises(InputError, match='training_200.npz has 2 epochs already; train for as many'):
        names['main'](epochs=1, **names['settings'],
                      checkpoint=names['Checkpoint']('training_200.npz', names['settings']))
    again = names['Checkpoint']('my_training.npz', {'batch_size': 50})
    model = names['DenoisingAutoencoder'](np.random.RandomState(5), n_hidden=100)
    assert again.restore(model, names['train_set_x']) == names['costs'] and len(names['costs']) == 3


def test_a_changed_training_that_is_resumed(tmp_path, run):
    diff = re.search(r'(?s)```diff\n(.*?)```', (PROJECT / 'docs' / 'scripts.md').read_text(encoding='utf-8'))[1]
    before, after = (''.join(line[1:] + '\n' for line in diff.splitlines() if line[0] in marks)
                     for marks in (' ', ' +'))
    source = (PROJECT / 'dA.py').read_text(encoding='utf-8')
    assert source.count(before) == 1
    (tmp_path / 'changed.py').write_text(source.replace(before, after), encoding='utf-8')

    def costs(name, *epochs):
        for n in epochs:
            done = run(tmp_path / 'changed.py', '--only', 'plain', '--epochs', n, '--checkpoint', name, '--n-hidden', 9)
            assert (done.returncode, done.stderr) == (0, '')
        with np.load(tmp_path / name) as state:
            return state['Autoencoder.costs'].tolist()

    whole = costs('whole', 30)
    assert 3 < len(whole) < 30 and whole[-1] > 0.99 * whole[-2]
    # Interrupted twice, and once more after it has stopped.
    assert costs('resumed', 1, 3, 30, 30) == whole


def test_random_streams(run_blocks, capsys):
    with pytest.warns(DeprecationWarning, match='Scan return signature'):
        run_blocks('random_streams.md')
    assert str(np.random.RandomState(5).normal(size=(2, 3))) in capsys.readouterr().out
