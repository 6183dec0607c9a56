"""Write the page for the browser to a folder that any static server can serve.

    python site/make_site.py output/site --models output/trained
    python -m http.server --directory output/site

--models names a folder with autoencoder.npz and dA.npz, which dA.py saves. The wheels of PyTensor and of what it needs
are downloaded, those that site/requirements.txt names by their SHA-256. See docs/browser.md.
"""
import argparse
import ast
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from theano_tutorial import reference

SITE = Path(__file__).resolve().parent
PROJECT = SITE.parent
sys.path.append(str(PROJECT / 'notebooks'))
make_notebooks = importlib.import_module('make_notebooks')
fetch_pyodide = importlib.import_module('fetch_pyodide')

SCRIPTS = ('dA.py', 'logistic_sgd.py', 'replay.py', 'utils.py')
PACKAGED = ('theano_tutorial', 'data', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE')
CLASSES = ('Autoencoder', 'DenoisingAutoencoder')
MODELS = ('autoencoder.npz', 'dA.npz')


def build(folder, models):
    """Write the page to the folder, which is replaced.

    models : folder with the models whose weights the page draws with

    Raises CalledProcessError if a wheel cannot be downloaded or has another SHA-256.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SITE / 'web', folder)
    shutil.copytree(PROJECT / 'data' / 'original', folder / 'original')
    for name in SCRIPTS:
        shutil.copy(PROJECT / name, folder)
    for name in make_notebooks.NAMES:
        (folder / f'{name}.html').write_text(make_notebooks.html(make_notebooks.read(name)), encoding='utf-8')
    (folder / 'classes.py').write_text(classes(), encoding='utf-8')
    (folder / 'weights.bin').write_bytes(b''.join(weights(models / name) for name in MODELS))

    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    subprocess.run([*pip, 'download', '--no-deps', '--only-binary=:all:', '--platform=any', '--python-version=3.12',
                    '--implementation=py', '--require-hashes', f'--requirement={SITE / "requirements.txt"}',
                    f'--dest={folder}'], check=True)
    # In a copy: setuptools leaves folders behind, and packs what it finds in them the next time.
    with tempfile.TemporaryDirectory() as copy:
        for name in PACKAGED:
            path = PROJECT / name
            (shutil.copytree if path.is_dir() else shutil.copy)(path, Path(copy) / name)
        subprocess.run([*pip, 'wheel', '--no-deps', f'--wheel-dir={folder}', copy], check=True)

    pyodide = fetch_pyodide.pinned()
    wheels = sorted(path.name for path in folder.glob('*.whl'))
    scripts = ['trainer.py', *SCRIPTS]
    for name in wheels + scripts:
        content = (folder / name).read_bytes()
        pyodide['files'].append(dict(name=name, url=name, bytes=len(content),
                                     integrity=fetch_pyodide.integrity(content)))
    (folder / 'site.json').write_text(json.dumps(dict(pyodide, wheels=wheels, scripts=scripts)), encoding='utf-8')


def classes():
    """The source of the classes that can be changed on the page."""
    text = (PROJECT / 'dA.py').read_text(encoding='utf-8')
    nodes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    return '\n\n\n'.join(ast.get_source_segment(text, nodes[name]) for name in CLASSES) + '\n'


def weights(path):
    """W, b and b_prime of a saved model, one after the other, as little-endian float64."""
    with np.load(path, allow_pickle=False) as arrays:
        return b''.join(arrays[name].astype('<f8').tobytes() for name in ('W', 'b', 'b_prime'))


def check_model(path):
    """Raise SystemExit if a saved model is not trained as the page's, whose weights the page says it draws with."""
    with np.load(path, allow_pickle=False) as arrays:
        settings = json.loads(str(arrays['settings']))
    page = reference.record()['settings']
    expected = dict(epochs=page['training_epochs'], seed=page['seed'], learning_rate=page['learning_rate'],
                    batch_size=page['batch_size'], corruption=page['corruption_level'] * (path.name == 'dA.npz'))
    if settings != expected:
        sys.exit(f'{path}: trained with {settings}; the page has {expected}')


def main():
    parser = argparse.ArgumentParser(description='Write the page for the browser to a folder.')
    parser.add_argument('folder', type=Path)
    parser.add_argument('--models', type=Path, required=True, metavar='DIR',
                        help='folder with the models that dA.py saved')
    options = parser.parse_args()
    if options.folder.exists() and not (options.folder / 'trainer.py').exists():
        sys.exit(f'{options.folder}: it would be replaced, but is not a folder that this script wrote')
    for name in MODELS:
        check_model(options.models / name)
    build(options.folder, options.models)
    size = sum(path.stat().st_size for path in options.folder.rglob('*') if path.is_file())
    print(f'saved {options.folder}, {size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
