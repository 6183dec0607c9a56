"""The commands of the README's section on own images and the code of docs/own_data.md, run as printed."""
import os
import re

import numpy as np
from conftest import PROJECT
from PIL import Image
from pytensor import config

from theano_tutorial.backend import use_fastest


def test_own_images_and_own_data(tmp_path, monkeypatch, capsys, run):
    (tmp_path / 'my_images').mkdir()
    for k in range(30):
        noise = np.random.RandomState(k).randint(0, 256, (40, 30)).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / 'my_images' / f'{k}.png')
    readme = (PROJECT / 'README.md').read_text(encoding='utf-8')
    section = re.search('(?s)\n## Use your own images\n(.*?)\n## ', readme)[1]
    for command in re.findall(r'^    \.venv/bin/python (.*)$', section, re.M):
        done = run(*command.split())
        assert (done.returncode, done.stderr) == (0, '')
    assert {'autoencoder.npz', 'dA.npz', 'reconstruction.png'} < set(os.listdir(tmp_path / 'mine'))

    monkeypatch.chdir(tmp_path)
    names: dict = {}
    with config.change_flags(linker='auto', gcc__cxxflags=''):
        use_fastest()  # as the scripts do
        for block in re.findall(r'(?s)```python\n(.*?)```', (PROJECT / 'docs' / 'own_data.md').read_text('utf-8')):
            exec(compile(block, 'block', 'exec'), names)
            if 'image' in names:
                assert (names['y'].shape, names['z'].shape) == ((1, 100), (1, 784))
                del names['image']
    sets = names['load_data']('my_data.npz')
    assert (sets.image_shape, sets.n_classes) == ((12, 16), 3)
    errors = re.findall(r'epoch \d, validation error (.*) %', capsys.readouterr().out)
    assert len(errors) == 5 and float(errors[-1]) < min(30, float(errors[0]))
