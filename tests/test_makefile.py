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


@pytest.mark.parametrize('dont_write_bytecode, option', [('', '--no-compile'), ('1', '')])
def test_replaying_installs_the_extra_fast_only(tmp_path, dont_write_bytecode, option):
    done = make(tmp_path, r'mkdir -p .venv/bin; cd .venv/bin; printf "#!/bin/sh\necho \$*" > python; chmod +x python',
                PYTHONDONTWRITEBYTECODE=dont_write_bytecode)
    lines = [line.split() for line in done.stdout.splitlines() if not line.startswith('.venv')]
    assert lines[-3:] == [f'-m pip install --quiet {option} --editable .[fast]'.split(),
                          ['touch', '.venv/installed-fast'], ['replay.py']]
