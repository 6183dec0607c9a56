"""Run public tutorials of Theano's time, and write the table in docs/theano_tutorials.md.

    python -m experiments.theano_tutorials REPOSITORIES [WORD ...]

REPOSITORIES is a folder with the repositories in COMMITS, at these commits: REPOSITORIES/OWNER/NAME. Their files are
run AS CODE, with all of your permissions, each in a temporary copy of its folder. All take about two hours. With WORDs,
only files whose path contains one of them are run, and the table is not written.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

from theano_tutorial.files import datasets
from theano_tutorial.files.storage import atomic_write, data_file

PROJECT = pathlib.Path(__file__).resolve().parent.parent
TABLE = PROJECT / 'docs' / 'theano_tutorials.md'
COMMITS = {
    'take-pwave/notebook': 'ae0eca25c9358cf8ded2e4c1b810bdac6148b898',
    'craffel/theano-tutorial': 'aef1a37d70fb5c481cad9a8142beb662186a8f77',
    'mila-udem/summerschool2015': 'c96da4af353fc1b0c1a7e3a08863c6de89072b19',
    'lisa-lab/DeepLearningTutorials': '11c465105026cf87573937fc2d35ab7543678698',
    'Newmu/Theano-Tutorials': '49de4c52f45ab7b05cea3dbad039270f816be70c',
}
SAGE, CLASSES, GRAPHS = 'cells of Sage', 'names of classes', 'texts of graphs'
# Files of the repositories, and why lines differ.
NOTEBOOKS = {
    'take-pwave/notebook/DeepLearning/01-theano_tutorial.ipynb': f'{SAGE}, {CLASSES}, {GRAPHS}',
    'take-pwave/notebook/DeepLearning/02-theano_tutorial_logistic.ipynb': f'{SAGE}; 21 lines after a shuffle without '
                                                                          'a seed',
    'take-pwave/notebook/DeepLearning/03-theano_tutorial_mini_MNIST.ipynb': f'{CLASSES}; a colour map that Matplotlib '
                                                                            'has no more',
    'take-pwave/notebook/DeepLearning/04-theano_tutorial_mini_DenoisingAutoencoder.ipynb': '',
    'take-pwave/notebook/DeepLearning/05-theano_tutorial_mini_CNN.ipynb': '',
    'craffel/theano-tutorial/Theano Tutorial.ipynb': f'{CLASSES}, {GRAPHS}; `compute_test_value`, which PyTensor does '
                                                     'not have; an error of Theano in DebugMode',
    'mila-udem/summerschool2015/intro_theano/intro_theano.ipynb': f'{GRAPHS}; pictures of graphs, without pydot',
    'mila-udem/summerschool2015/scan_tutorial/scan_tutorial.ipynb': 'no output is stored; an exercise that is left to '
                                                                    'the reader',
}
# Scripts, and what is changed in them or in modules beside them, {file: {old: new}}: fewer epochs where they take
# hours, and the sizes and the place of MNIST.
MINI = {'load.py': {"'/media/datasets/'": "'.'", '60000': '5000', '10000': '500'}}
CODE = 'lisa-lab/DeepLearningTutorials/code/'
SCRIPTS = {
    **{f'{CODE}{name}.py': {f'{name}.py': {'batch_size=600': 'batch_size=60', 'batch_size = 600': 'batch_size = 60'}}
       for name in ('logistic_sgd', 'logistic_cg')},
    f'{CODE}mlp.py': {'mlp.py': {'n_epochs=1000': 'n_epochs=10'}},
    f'{CODE}convolutional_mlp.py': {'convolutional_mlp.py': {'n_epochs=200': 'n_epochs=2'}},
    f'{CODE}dA.py': {'dA.py': {'training_epochs=15': 'training_epochs=2'}},
    f'{CODE}cA.py': {'cA.py': {'training_epochs=20': 'training_epochs=2'}},
    f'{CODE}SdA.py': {'SdA.py': {'pretraining_epochs=15': 'pretraining_epochs=1', 'training_epochs=1000':
                                 'training_epochs=2', '[1000, 1000, 1000]': '[100, 100, 100]'}},
    f'{CODE}rbm.py': {'rbm.py': {'training_epochs=15': 'training_epochs=1', 'plot_every = 1000': 'plot_every = 10'}},
    f'{CODE}DBN.py': {'DBN.py': {'pretraining_epochs=100': 'pretraining_epochs=1', 'training_epochs=1000':
                                 'training_epochs=2', '[1000, 1000, 1000]': '[100, 100, 100]'}},
    'Newmu/Theano-Tutorials/3_net.py': MINI | {'3_net.py': {
        'range(100)': 'range(2)', 'from foxhound.utils.vis import grayscale_grid_vis, unit_scale': ''}},
    **{f'Newmu/Theano-Tutorials/{name}.py': MINI | {f'{name}.py': {'range(100)': 'range(2)'}} for name in (
        '0_multiply', '1_linear_regression', '2_logistic_regression', '4_modern_net', '5_convolutional_net')},
}


def save_mnist(folder):
    """Save mini MNIST where the scripts look for MNIST."""
    (folder / 'data').mkdir(exist_ok=True)
    shutil.copy(data_file('mini_mnist.pkl.gz'), folder / 'data' / 'mnist.pkl.gz')
    (folder / 'code' / 'mnist').mkdir(parents=True, exist_ok=True)
    for name, (images, labels) in zip(('train', 'valid', 't10k'), datasets.load('mini_mnist.pkl.gz')):
        for kind, header, values in (('images-idx3', 16, images * 256), ('labels-idx1', 8, labels)):
            content = bytes(header) + np.asarray(values, np.uint8).tobytes()
            (folder / 'code' / 'mnist' / f'{name}-{kind}-ubyte').write_bytes(content)


def run(path, changes):
    """Run a copy of a file and of its folder. Returns its output, the exit status and the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(path.parent, folder / 'code')
        save_mnist(folder)
        for name, texts in changes.items():
            source = (folder / 'code' / name).read_text(encoding='utf-8')
            for old, new in texts.items():
                source = source.replace(old, new)
            (folder / 'code' / name).write_text(source, encoding='utf-8')
        start = time.monotonic()
        done = subprocess.run([sys.executable, '-m', 'theano_tutorial', path.name], cwd=folder / 'code', text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=os.environ | {'PYTHONPATH': str(PROJECT), 'MPLBACKEND': 'agg'})
        return done.stdout, done.returncode, time.monotonic() - start


def main(repositories, *words):
    rows = []
    for name in (*NOTEBOOKS, *SCRIPTS):
        if words and not any(word in name for word in words):
            continue
        output, status, seconds = run(pathlib.Path(repositories) / name, SCRIPTS.get(name, {}))
        last_line = output.splitlines()[-1]
        print(f'{name}: status {status}, {seconds:.0f} s: {last_line}', flush=True)
        if words:
            print(output)
        if name in NOTEBOOKS:
            lines, _, cells = last_line.rpartition('; ')
            rows.append(f'| {name} | {cells.removesuffix(" cells ran")} | {lines.replace(" lines as stored", "")} | '
                        f'{NOTEBOOKS[name]} |')
        else:
            source = (pathlib.Path(repositories) / name).read_text(encoding='utf-8')
            changed = ', '.join(f'`{new}`' if new else f'without `{old}`' for old, new in SCRIPTS[name].get(
                pathlib.Path(name).name, {}).items() if old in source)
            rows.append(f'| {name} | {"to its end" if status == 0 else last_line} | {changed} |')
    if not words:
        text = TABLE.read_text(encoding='utf-8')
        for header, found in (('cells that ran', rows[:len(NOTEBOOKS)]), ('ran', rows[len(NOTEBOOKS):])):
            table = rf'(\| [a-z]+ \| {header} \|.*\n\|.*\n)(?:\|.*\n)*'
            text = re.sub(table, lambda match, found=found: match[1] + '\n'.join(found) + '\n', text)
        with atomic_write(TABLE) as file:
            file.write(text.encode())


if __name__ == '__main__':
    main(*sys.argv[1:])
