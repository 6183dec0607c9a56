"""What `make replay` installs, and what it leaves behind where Python has no venv, as Debian's without python3-venv."""
import os
import shutil
import subprocess

import pytest
from conftest import PROJECT, posix

pytestmark = [posix, pytest.mark.skipif(not shutil.which('make'), reason='no make here')]


def make(folder, script, **variables):
    shutil.copy(PROJECT / 'Makefile', folder)
    for name in 'setup.py', 'pyproject.toml':
        (folder / name).touch()
    (folder / 'python').write_text(f'#!/bin/sh\n{script}\n')
    (folder / 'python').chmod(0o755)
    # Not with the options of a `make test` that runs this.
    environment = {name: value for name, value in os.environ.items() if not name.startswith('MAKE')} | variables
    return subprocess.run(['make', 'replay', f'PYTHON={folder / "python"}'], cwd=folder, env=environment,
                          capture_output=True, text=True)


def test_a_failed_venv_leaves_nothing_behind(tmp_path):
    done = make(tmp_path, 'mkdir -p .venv/bin && touch .venv/bin/python && exit 1')
    assert done.returncode and 'apt install python3-venv' in done.stderr and not (tmp_path / '.venv').exists()


def test_a_folder_of_the_users_is_left_alone(tmp_path):
    (tmp_path / '.venv').mkdir()
    (tmp_path / '.venv' / 'mine').touch()
    done = make(tmp_path, 'exit 1')
    assert done.returncode and '.venv has no bin/python' in done.stderr and (tmp_path / '.venv' / 'mine').exists()


@pytest.mark.parametrize('dont_write_bytecode, of_pip, of_uv', [('', ' --no-compile', ''),
                                                                ('1', '', ' --compile-bytecode')])
@pytest.mark.parametrize('fails', ['', 'pip', 'uv'])
def test_what_replaying_installs(tmp_path, fails, dont_write_bytecode, of_pip, of_uv):
    calls = tmp_path / 'calls'
    (tmp_path / 'tool').write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> "{calls}"\ntest "${{0##*/}}" != "{fails}"\n')
    (tmp_path / 'tool').chmod(0o755)
    done = make(tmp_path, f'echo "outside $*" >> "{calls}"; mkdir -p .venv/bin; cp tool .venv/bin/python; '
                          f'cp tool .venv/bin/uv; test "$2" != "{fails}"', PYTHONDONTWRITEBYTECODE=dont_write_bytecode)
    pip = f'-m pip install --quiet --disable-pip-version-check{of_pip}'
    package = '--no-build-isolation --editable .[fast]'
    assert not done.returncode and calls.read_text().splitlines() == [
        'outside -m venv --without-pip .venv',
        f'outside {pip.replace("pip", "pip --python .venv/bin/python", 1)} --upgrade pip setuptools uv',
        *(['python -m ensurepip', f'python {pip} --upgrade setuptools'] if fails == 'pip' else []),
        f'uv pip install --quiet{of_uv} --python .venv/bin/python {package}',
        *([f'python {pip} {package}'] if fails == 'uv' else []),
        'python replay.py']
