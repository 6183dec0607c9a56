"""python -m theano_tutorial: notebooks with their stored output, scripts, and the modules beside them."""
import json
import os
import subprocess
import sys

import pytest
from conftest import PROJECT

from theano_tutorial.__main__ import main
from theano_tutorial.legacy import runner


@pytest.fixture
def command(monkeypatch, capsys, uncompiled):
    """Run the command. Returns its exit status, and the lines that it printed and wrote on the standard error."""
    monkeypatch.setattr('theano_tutorial.compute.backend.use_fastest', lambda: 'for a test')
    monkeypatch.delenv('MPLBACKEND', raising=False)

    def command(*arguments):
        try:
            status = main([*map(str, arguments)])
        except SystemExit as error:
            status = error.code
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()
    return command


def output(kind, text=None, **others):
    return {'output_type': kind, 'metadata': {}} | ({} if text is None else {'text': text}) | others


PRINTED = dict(name='stdout')
CELLS = [  # sources and stored outputs
    ('%matplotlib inline\nimport theano.tensor as T\nx = T.vector()', []),
    ('print "a", 1 / 3.\nprint "ran for 2.5s"', [output('stream', 'a 0.333333333333\nran for 77.25s\n', **PRINTED)]),
    ('(x > 1).eval({x: [1., 2.]})', [output('execute_result', data={'text/plain': ['array([0, 1], dtype=int8)']})]),
    ('object()', [output('execute_result', data={'text/plain': '<object object at 0x7f22>'})]),
    ('1 / 0', [output('stream', 'a warning', name='stderr'), output('error', ename='ZeroDivisionError')]),
    ('x', [output('execute_result', data={'text/plain': '<TensorType(float64, vector)>'})]),
    ('print 1\nprint unknown', [output('stream', ['1\n', '2\n'], **PRINTED)]),
    ('range(3);', [])]


def write_notebook(path, cells, version=None):
    metadata = {'language_info': {'name': 'python', 'version': version}} if version else {}
    path.write_text(json.dumps({'nbformat': 4, 'nbformat_minor': 0, 'metadata': metadata, 'cells': [
        {'cell_type': 'markdown', 'metadata': {}, 'source': '# Title'},
        *({'cell_type': 'code', 'metadata': {}, 'execution_count': 1, 'source': source.splitlines(keepends=True),
           'outputs': outputs} for source, outputs in cells)]}), encoding='utf-8')
    return path


def test_a_notebook(tmp_path, command):
    path = write_notebook(tmp_path / 'a.ipynb', CELLS)
    before = path.read_bytes()
    status, out, err = command('--save', tmp_path / 'new' / 'b.ipynb', path)
    assert status == 1 and out[:3] == ['a 0.333333333333', 'ran for 2.5s', 'array([0, 1], dtype=int8)']
    assert out[-3:] == [
        'cell 6: 0 of 1 lines as stored, the first difference: here <Vector(float64, shape=(?,))>, '
        'stored <TensorType(float64, vector)>',
        'cell 7: 1 of 2 lines as stored, the first difference: here (NameError), stored 2',
        '6 of 8 lines as stored, 2 of them except for times and addresses; 7 of 8 cells ran']
    assert '... cell 1, line 1: not run: %matplotlib inline' in err
    assert "... cell 7, line 2: print unknown: NameError: name 'unknown' is not defined" in err
    # Saved, it differs from the run by times and addresses at most; the file itself is as it was.
    assert path.read_bytes() == before
    status, out, _ = command(tmp_path / 'new' / 'b.ipynb')
    assert status == 0 and out[-1].startswith('8 of 8 lines as stored') and out[-1].endswith('; 8 of 8 cells ran')
    saved = json.loads((tmp_path / 'new' / 'b.ipynb').read_text(encoding='utf-8'))
    assert [cell['source'] for cell in saved['cells'][1:]] == [cell[0].splitlines(keepends=True) for cell in CELLS]
    assert os.getcwd() != str(tmp_path)


def test_status_0_needs_all_lines_and_all_cells(tmp_path, command):
    good = CELLS[:5] + CELLS[7:]
    assert command(write_notebook(tmp_path / 'a.ipynb', good))[::2] == (0, command(tmp_path / 'a.ipynb')[2])
    for bad in ('print 1', []), ('1', []), ('None.a', []), ('None', [output('stream', '1', **PRINTED)]):
        assert command(write_notebook(tmp_path / 'a.ipynb', [*good, bad]))[0] == 1
    assert command(write_notebook(tmp_path / 'a.ipynb', [('print 1', [])]))[:2] == (
        0, ['1', 'no output is stored; 1 of 1 cells ran'])


def test_pictures_are_saved(tmp_path, command):
    pytest.importorskip('matplotlib')
    source = 'import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure();'
    path = write_notebook(tmp_path / 'a.ipynb', [(source, [])])
    assert command('--save', tmp_path / 'b.ipynb', path)[0] == 0
    saved = json.loads((tmp_path / 'b.ipynb').read_text(encoding='utf-8'))['cells'][1]['outputs']
    assert [picture['data']['image/png'][:8] for picture in saved] == 2 * ['iVBORw0K']


def test_an_old_notebook(tmp_path, command):
    cells = [{'cell_type': 'heading', 'level': 2, 'source': 'Title'},
             {'cell_type': 'code', 'input': 'print 7 / 2\n3', 'prompt_number': 1, 'outputs': [
                 {'output_type': 'stream', 'stream': 'stdout', 'text': '3\n'}, {'output_type': 'pyout', 'text': '3'}]}]
    (tmp_path / 'a.ipynb').write_text(json.dumps({'nbformat': 3, 'worksheets': [{'cells': cells}]}))
    for name in 'a.ipynb', 'b.ipynb':
        status, out, _ = command('--save', tmp_path / f'b{name}', tmp_path / name) if name == 'a.ipynb' else command(
            tmp_path / 'ba.ipynb')
        assert (status, out) == (0, ['3', '3', '2 of 2 lines as stored; 1 of 1 cells ran'])


def test_the_version_of_python(tmp_path, command):
    source = 'print(7 / 2)'
    for version, printed in ('2.7.13', '3'), (None, '3'), ('3.5.2', '3.5'):
        assert command(write_notebook(tmp_path / 'a.ipynb', [(source, [])], version))[1][0] == printed
    assert command('--python', 3, write_notebook(tmp_path / 'a.ipynb', [(source, [])]))[1][0] == '3.5'
    for printed in '[1. 2.]', '[ 1.  2.]':  # by numpy 1.14 or later, and before
        cells = [('import numpy as np\nprint(np.array([1., 2.]))', [output('stream', printed, **PRINTED)])]
        assert command(write_notebook(tmp_path / 'a.ipynb', cells, '3.6'))[:2] == (
            0, [printed, '1 of 1 lines as stored; 1 of 1 cells ran'])
    for hint in ('f"{1}"', 'print(1, 2)', 'print(1, end="")', 'import aesara', 'from aesara import tensor',
                 'x: int = 1', 'def f(*, a): pass', 'def f(a: int): pass', 'def f():\n    yield from []'):
        assert runner._is_python3(f'{source}\n{hint}')
    for hint in 'print 1', 'from __future__ import print_function\nprint(1, 2)', 'super(A, self).f()', '%%time\n1':
        assert not runner._is_python3(f'{hint}\n{source}')


def test_a_script_and_the_modules_beside_it(tmp_path, command):
    (tmp_path / 'helper.py').write_text('import cPickle\nprint "helper"\ndef half(a): return a / 2\n')
    (tmp_path / 'new.py').write_text('def half(a): return f"{a / 2}"\n')
    (tmp_path / 'package' / 'inner').mkdir(parents=True)
    (tmp_path / 'package' / '__init__.py').write_text('from module import value\n')
    (tmp_path / 'package' / 'module.py').write_text('import helper, sibling\nvalue = sibling.value / 2\n')
    (tmp_path / 'package' / 'sibling.py').write_text('import sys\nfrom inner import *\n')
    (tmp_path / 'package' / 'inner' / '__init__.py').write_text('value = 7\n')
    script = tmp_path / 'script.py'
    script.write_text('''# -*- coding: utf-8 -*-
import sys
import helper, new, package
import cPickle as pickle
class A(object): pass
if __name__ == '__main__':
    print helper.half(7), new.half(7), package.value, sys.argv[1:], type(pickle.loads(pickle.dumps(A()))).__name__
    sys.exit(len(sys.argv))
''', encoding='utf-8')
    assert command(script, '--epochs', 3) == (3, ['helper', "3 3.5 3 ['--epochs', '3'] A"], [
        '... computing for a test', f'... running {script} as Python 2'])
    assert {path.suffix for path in tmp_path.rglob('*.*')} == {'.py'}  # no translated .pyc
    assert not {'helper', 'new', 'package', 'package.module'} & sys.modules.keys()

    (tmp_path / 'helper.py').write_text('def half(a):\n    return a / 0\n')
    status, _, err = command(script)
    assert status == 2 and err[-1].endswith(
        f'{tmp_path / "helper.py"}, line 2: return a / 0: ZeroDivisionError: integer division or modulo by zero')
    for source, message in (('x = 1\nexec "1"', 'line 2: exec "1": SyntaxError: Missing parentheses'),
                            ('import helper\nsys', "line 2: sys: NameError: name 'sys' is not defined")):
        script.write_text(source)
        status, _, err = command(script)
        assert status == 2 and message in err[-1]


def test_what_is_refused(tmp_path, command):
    notebook, script = write_notebook(tmp_path / 'a.ipynb', CELLS), tmp_path / 'a.py'
    script.write_text('print 1')
    (tmp_path / 'bad.ipynb').write_text('{}')
    for arguments, message in (
            ((tmp_path / 'none.py',), 'none.py: No such file or directory'),
            ((tmp_path / 'bad.ipynb',), 'bad.ipynb: not a notebook'),
            (('--save', tmp_path / 'b.ipynb', script), 'a.py: --save is for notebooks'),
            (('--save', notebook, notebook), 'a.ipynb: --save would replace the outputs that are compared'),
            ((notebook, 'x'), 'a.ipynb: only a script has arguments, not x')):
        status, out, err = command(*arguments)
        assert (status, out) == (2, []) and message in err[-1]


def test_the_flags_of_theano(tmp_path, command, monkeypatch):
    from pytensor import config
    script = tmp_path / 'a.py'
    script.write_text('import os\nos.environ["THEANO_FLAGS"] = "floatX=float32, device=gpu0"\nimport theano\n'
                      'print theano.config.floatX, theano.tensor.matrix().dtype\n')
    monkeypatch.setenv('THEANO_FLAGS', '')
    with config.change_flags(floatX='float64'):
        status, out, err = command(script)
    assert (status, out) == (0, ['float32 float32'])
    assert err[-1] == "... theano.config.device = 'gpu0' has no effect"


def test_help_begins_with_the_warning(tmp_path):
    for arguments in ['--help'], ['--help', tmp_path / 'a.py']:
        done = subprocess.run([sys.executable, '-m', 'theano_tutorial', *arguments], cwd=PROJECT, capture_output=True,
                              text=True, check=True)
        assert done.stdout.startswith('FILE IS RUN AS CODE, with all of your permissions.')
