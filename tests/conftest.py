import json
import os
import subprocess
import sys

import pytest

TESTS = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(TESTS)


@pytest.fixture(scope='session')
def golden():
    """The numbers that genuine Theano gave, see theano_oracle.py."""
    with open(os.path.join(TESTS, 'golden.json'), encoding='utf-8') as file:
        return json.load(file)


@pytest.fixture(scope='session')
def run_script():
    """Run a script of the project as a user does, its output captured; `cwd` is a folder that is not the project's."""
    def run(name, *arguments, cwd, **options):
        command = [sys.executable, '-W', 'error', os.path.join(PROJECT, name), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=1200, **options)
    return run
