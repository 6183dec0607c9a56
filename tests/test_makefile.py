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
@pytest.mark.parametrize('has_pip', [True, False])
def test_replaying_installs_pip_setuptools_and_the_extra_fast(tmp_path, has_pip, dont_write_bytecode, option):
    calls = tmp_path / 'calls'
    inside = f'printf "#!/bin/sh\necho inside \\$* >> \'{calls}\'" > .venv/bin/python'
    done = make(tmp_path, f'echo $* >> "{calls}"; mkdir -p .venv/bin; {inside}; chmod +x .venv/bin/python; '
                          f'test "$2" = venv -o {int(has_pip)} = 1', PYTHONDONTWRITEBYTECODE=dont_write_bytecode)
    install = f'install --quiet --disable-pip-version-check {option}'.strip()
    assert not done.returncode and calls.read_text().splitlines() == [
        '-m venv --without-pip .venv',
        f'-m pip --python .venv/bin/python {install} --upgrade pip setuptools',
        *([] if has_pip else ['inside -m ensurepip', f'inside -m pip {install} --upgrade setuptools']),
        f'inside -m pip {install} --no-build-isolation --editable .[fast]',
        'inside replay.py']
