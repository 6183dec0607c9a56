"""The code in docs/own_data.md and in the README's section on own images, run as printed."""
import os
import re

import numpy as np
from conftest import PROJECT
from PIL import Image
from pytensor import config

from theano_tutorial.backend import use_fastest


def blocks(text):
    return re.findall(r'(?s)```python\n(.*?)```', text)


def run_blocks(text):
    """Run the Python blocks in one namespace, which is returned."""
    namespace: dict = {}
    assert blocks(text)
    for block in blocks(text):
        exec(compile(block, 'block', 'exec'), namespace)
    return namespace


def test_own_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with config.change_flags(linker='auto', gcc__cxxflags=''):
        use_fastest()  # as the scripts do
        names = run_blocks((PROJECT / 'docs' / 'own_data.md').read_text(encoding='utf-8'))
    sets = names['load_data']('my_data.npz')
    assert (sets.image_shape, sets.n_classes) == ((12, 16), 3)
    errors = re.findall(r'epoch \d, validation error (.*) %', capsys.readouterr().out)
    assert len(errors) == 5 and float(errors[-1]) < min(30, float(errors[0]))


def test_use_your_own_images(tmp_path, monkeypatch, run):
    section = re.search('(?s)\n## Use your own images\n(.*?)\n## ',
                        (PROJECT / 'README.md').read_text(encoding='utf-8'))[1]
    (tmp_path / 'my_images').mkdir()
    for k in range(30):
        noise = np.random.RandomState(k).randint(0, 256, (40, 30)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / 'my_images' / f'{k}.png')
    for command in re.findall(r'^    \.venv/bin/python (.*)$', section, re.M):
        done = run(*command.split())
        assert (done.returncode, done.stderr) == (0, '')
    assert {'autoencoder.npz', 'dA.npz', 'reconstruction.png'} < set(os.listdir(tmp_path / 'mine'))
    monkeypatch.chdir(tmp_path)
    names = run_blocks(section)
    assert (names['y'].shape, names['z'].shape) == ((1, 100), (1, 784))
