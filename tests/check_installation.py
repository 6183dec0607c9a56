"""Check an installation that holds nothing but this package and what it requires: no pytest, no checkout.

    python tests/check_installation.py [VERSION ...]

VERSION is NAME==VERSION, a package that must be installed in this version. tox runs this with the oldest and the newest
Python, with the extra `fast` and without. The scripts run from a copy in a folder with a space, a quote and Japanese.
"""
import importlib.metadata
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent


def run(folder, *arguments):
    """Run Python in `folder`, every warning an error. Returns what was printed."""
    done = subprocess.run([sys.executable, '-X', 'utf8', '-W', 'error', *arguments], cwd=folder, capture_output=True,
                          encoding='utf-8')
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    # What PyTensor says when it is imported on a machine without a compiler.
    errors = done.stderr.replace('g++ not available, if using conda: `conda install gxx`\n', '')
    assert errors == '', (arguments, errors)
    return done.stdout


def main():
    for name in 'pytest', 'hypothesis', 'tox', 'playwright', 'jupyterlab':
        assert importlib.util.find_spec(name) is None, f'{name} is installed, which users do not have'
    for requirement in sys.argv[1:]:
        name, version = requirement.split('==')
        assert importlib.metadata.version(name) == version, f'{name} is {importlib.metadata.version(name)}'

    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder, "it's my project 日本")
        project.mkdir()
        for name in 'dA.py', 'logistic_sgd.py', 'utils.py', 'replay.py', 'tests/programs/saturated.py':
            shutil.copy(PROJECT / name, project)

        # Compares the first digits of both models, the logistic regression, the noise and the data with the page.
        replayed = run(project, 'replay.py', '--epochs', '1')
        assert replayed.endswith('\nEverything matches.\n'), replayed
        # Saves a model, and loads it to predict.
        assert '(7, 0.988)' in run(project, 'logistic_sgd.py', '--output-dir', '出力')
        assert {path.name for path in (project / '出力').iterdir()} == {'best_model.npz', 'logistic_weights.png'}
        # PyTensor before 3.3 matches no pattern, without a word, where `packaging` is missing.
        upstream = (PROJECT / 'docs' / 'upstream.md').read_text(encoding='utf-8')
        assert run(project, '-c', re.search('(?s)```python\n(.*?)```', upstream)[1]) == 'x\n', 'packaging is missing'
        # With allow_pickle=False, np.savez of numpy 2.0 and 2.1 saves an array of that name.
        run(project, '-c', 'from theano_tutorial.files.storage import *; save_arrays("a.npz", "test", a=1); '
                           'assert load_arrays("a.npz", "test").keys() == {"a"}')
        assert run(project, 'saturated.py').endswith('float64: finite\nfloat32: finite\n')
    print(f'Python {sys.version.split()[0]}, PyTensor {importlib.metadata.version("pytensor")}:',
          replayed.splitlines()[0], 'and everything matches')


if __name__ == '__main__':
    main()
