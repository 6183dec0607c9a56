"""The page's own cells: Python 2 on Theano's names, from files and in Jupyter. These were written for the tests."""
import base64
import contextlib
import html
import importlib
import io
import json
import pickle
import re
import sys
import types
from types import SimpleNamespace

import numpy as np
import pytensor
import pytest
from conftest import PROJECT, TESTS
from PIL import Image

from theano_tutorial.errors import InputError
from theano_tutorial.legacy import theano_names
from theano_tutorial.legacy.cells import run_page
from theano_tutorial.legacy.copies import read_cells
from theano_tutorial.legacy.python2 import BUILTINS, CHANGED, Python2

N_EXPRESSIONS = len(json.loads((TESTS / 'golden.json').read_text(encoding='utf-8'))['expressions'])


def run_copy(path, **constants):
    """Run a copy of the page. Returns the Run's variables and shown, and what was printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        run = run_page(path, path.parent / 'out', **constants)
    return SimpleNamespace(printed=printed.getvalue(), **run._asdict())


@pytest.fixture
def run_cells(tmp_path):
    """Run cells given as text, with a line before each as on the page."""
    def run(*cells, **constants):
        path = tmp_path / 'page.txt'
        path.write_text('FrontPage\n' + ''.join(f'\nsageへの入力:\n\n{cell}\n' for cell in cells), encoding='utf-8')
        return run_copy(path, **constants)
    return run


@pytest.mark.parametrize('source, printed', [
    ('print', '\n'), ('print ("a", 2)', "('a', 2)\n"), ('print "a",\nprint "b"', 'a b\n'),
    ('print "%d, %s" % (1, "日本")  # a comment, with a comma', '1, 日本\n'),
    ('print ("%d"  # a comment\n       % 3)', '3\n'), ('a = 1  # it\'s an open bracket: (\nprint a', '1\n'),
    ('print "\\d"', '\\d\n'), ('print u"a" r"\\n"', 'a\\n\n'), ('print """a\nprint 2\n"""', 'a\nprint 2\n\n'),
    ('print "a;b:c#d,", \\\n    1', 'a;b:c#d, 1\n'),
    ('if True: print 1; print [2,\n  3]\nelse: print 4', '1\n[2, 3]\n'),
    ('import sys\nprint >>sys.stdout, "a", 1', 'a 1\n'),
    ('printer = {"print": 1}; print printer', "{'print': 1}\n"),
    ('from __future__ import division, print_function\nprint("a", 1 / 2, sep="-")', 'a-0.5\n'),
    ('try:\n    int("x")\nexcept ValueError, e: print "caught", str(e)[:7]', 'caught invalid\n'),
    ('try:\n    {}[1]\nexcept (KeyError, ValueError), e:\n    print type(e).__name__', 'KeyError\n'),
    ('print [k for k in xrange(3)], range(2) + [5], zip("a", "b")[0], map(abs, [-1])[0], filter(None, [0, 2])[0]',
     "[0, 1, 2] [0, 1, 5] ('a', 'b') 1 2\n"),
    ('print reduce(max, [1, 3]), long(2), unicode(4)', '3 2 4\n'),
    ('print 7 / 2, -7 / 2, 7 / 2., 7. / 2, 6 / 3', '3 -4 3.5 3.5 2\n'),
    ('import numpy as np\nprint np.arange(4) / 2, np.int64(7) / 2, np.arange(2.) / 4', '[0 0 1 1] 3 [ 0.    0.25]\n'),
    ('import theano.tensor as T\nx = T.lscalar()\nprint (x / 2).eval({x: 7}), (x / 2.).eval({x: 7})', '3 3.5\n'),
    ('a = 7\na /= 2\nb = [9.]\nb[0] /= 2\nprint a, b', '3 [4.5]\n'),
    ('import numpy as np\na = b = np.ones(1)\na /= 2\nprint b', '[ 0.5]\n'),
    ('import time\nprint time.clock() <= time.process_time()', 'True\n'),
    ('import cPickle\nimport six.moves.cPickle as pickle\nprint cPickle.loads(pickle.dumps([1]))', '[1]\n'),
    ('import numpy as np\nprint np.float64(1) / 3, repr(np.ones(2))', '0.333333333333 array([ 1.,  1.])\n'),
    # Of 12 digits; the results are Python 2.7's.
    ('print 1 / 3., 1e22 / 3, 2e16, 1., str(2 / 3.), [1 / 3.]',
     '0.333333333333 3.33333333333e+21 2e+16 1.0 0.666666666667 [0.3333333333333333]\n'),
    ('print "%s %s %5.1f %d" % (1 / 3., "a", 2 / 3., 7.9), "%(x)s" % {"x": 1 / 3.}, "%s" % [1.5], 7 % 4, "%r" % .1',
     '0.333333333333 a   0.7 7 0.333333333333 [1.5] 3 0.1\n'),
    ('print "{} {:.2f} {x}".format(1 / 3., 2 / 3., x=1 / 7.), format(1 / 3.), format(.5, ".3f")',
     '0.333333333333 0.67 0.142857142857 0.333333333333 0.500\n'),
    ('import numpy as np\na = np.array(1 / 3.)\nprint a, "%s" % a, "{}".format(a), "{}".format(np.float32(.1))',
     '0.333333333333 0.333333333333 0.333333333333 0.10000000149\n'),
    ('import numpy as np\na = np.float32([.1, 1 / 3., 2e8])\nb = a[:2]\nprint a, b, [b], "%s" % b, "%s %d" % (b, 1)',
     '[  1.00000001e-01   3.33333343e-01   2.00000000e+08] [ 0.1         0.33333334] '
     '[array([ 0.1       ,  0.33333334], dtype=float32)] [ 0.1         0.33333334] [ 0.1         0.33333334] 1\n'),
    ('print round(2.5), round(-0.5), round(2.675, 2), round(0.125, 2), round(1234.5, -2), round(float("inf"))',
     '3.0 -1.0 2.67 0.13 1200.0 inf\n'),
    ('d = {"a": 1}\nprint d.keys()[0], d.values() + d.items(), d.has_key("a"), [v for k, v in d.iteritems()]',
     "a [1, ('a', 1)] True [1]\n"),
    ('print iter([1]).next(), cmp(1, 2), isinstance("a", str), str, int("3")', "1 -1 True <class 'str'> 3\n"),
    ('try:\n    raise ValueError, "a"\nexcept ValueError, e: print e', 'a\n'),
    ('import random\nr = random.Random(5)\na = range(10)\nr.shuffle(a)\n'
     'print a, r.randint(1, 100), r.choice("abcdefg"), r.sample(range(50), 3)',
     '[3, 2, 1, 0, 5, 4, 7, 8, 9, 6] 65 g [5, 23, 12]\n'),
    ('import itertools, string, sys, urllib\nprint list(itertools.izip("a", "b")), string.join(["a", "b"], "-"), '
     'string.upper("a"), string.letters[:3], sys.maxint > 9, urllib.quote("/ ")', "[('a', 'b')] a-b A abc True /%20\n"),
    ('import numpy as np\nprint np.float(1), np.zeros(1, np.int).dtype.kind, np.Inf', '1.0 i inf\n'),
    ('import cPickle, StringIO\nprint repr(cPickle.loads("S\'\\\\xe9\'\\np0\\n.".encode("ascii"))), '
     'StringIO.StringIO("a").read()', "'\xe9' a\n")])
def test_python2(run_cells, source, printed, uncompiled):
    assert run_cells(source).printed == printed


def test_other_text_stays():
    for path in PROJECT.glob('*/*.py'):
        # With Python 3's print nothing is left to translate.
        text = 'from __future__ import print_function\n' + path.read_text(encoding='utf-8')
        assert Python2({}).translate(text) == text


def test_what_holds_for_later_cells(run_cells):
    run = run_cells('epochs = 200; rate = 2; print 1 / 2', 'from __future__ import print_function, division',
                    'class A(object):\n    def f(self): return epochs * rate\nprint(A().f(), 1 / 2)', epochs=3)
    assert run.printed == '0\n6 0.5\n' and run.variables['epochs'] == 3
    run = run_cells('print 7 / 2\n\nThe line\n    from __future__ import division', 'print 7 / 2',
                    'from __future__ import (division,  # a comment\n    print_function)\nprint(7 / 2, 1)')
    assert run.printed == '3\n3\n3.5 1\n'


@pytest.mark.parametrize('cell, printed', [
    # What stands below the code: output, headings, prose, the name of a picture.
    ('x = [1, 2]\nx\n[1, 2]\n', '[1, 2]\n'), ('x = "a"\nx\n\'b\'', ''), ('2 ** 3\n9\n', '8\n'),
    ('import numpy as np\nnp.zeros(1)\narray([ 1.])', 'array([ 0.])\n'),
    ('from numpy import *\nzeros(1)\narray([ 1.])', 'array([ 0.])\n'),
    ('print "cost %d" % 1\ncost 2\ntime: 3s', 'cost 1\n'), ('print 1\ncost: high', '1\n'),
    ('print 1\n... loading\n\n結果の可視化', '1\n'), ('print 1\n\nAutoencoder / MNIST', '1\n'),
    ('class A(object):\n    pass\n\nオートエンコーダ (A)', ''),
    ('import numpy as np\nprint 1\n\nnp.ndarrayを使います。\nnp.zeros(2)も', '1\n'),
    ('print 1\nDenoising(雑音)', '1\n'),
    ('print 1\n\nfilters.png\n\n  • bullets\n\n    print 2', '1\n'),
    ('for k in [1]:\n    print [[k],\n           [k]]\n  • bullets', '[[1], [1]]\n'),
    ('cost = 1.25\nprint "cost = %.1f" % cost\n... loading\ncost = 1.3', 'cost = 1.2\n'),
    ('print "rate = 1"\nrate = 5;\nrate = e = 6\nprint rate', 'rate = 1\n6\n'),
    ('x = 1\n"""a comment"""\n\nx', '1\n'), ('print 1; 5', '1\n'),
    ('x = [k\n     for k in range(2)]\n\n[k + 1 for k in x]', '[1, 2]\n'),
    ('# only a comment\n\nProse follows.', '')])
def test_what_follows_the_code_is_left_out(run_cells, cell, printed):
    assert run_cells('from __future__ import division', cell).printed == printed


@pytest.mark.parametrize('cells, message', [
    (['a = 1', 'b = 2\nexec "3"\n1'], 'cell 2, line 2: exec "3": SyntaxError: Missing parentheses in call to \'exec\''),
    (['if True:\n    a = 1\n    print `a`\n\nprose'], 'cell 1, line 3: print `a`: SyntaxError: invalid syntax'),
    (['# text\na = 1 2\n結果'], 'cell 1, line 2: a = 1 2: SyntaxError: invalid syntax'),
    (['import math\nmath.exp(1 2)'], 'cell 1, line 2: math.exp(1 2): SyntaxError: invalid syntax. Perhaps you forgot'),
    (['$$ 1'], 'cell 1, line 1: $$ 1: SyntaxError: invalid syntax'),
    (['return 1'], "cell 1, line 1: return 1: SyntaxError: 'return' outside function"),
    (['a = 1\n\na.b'], "cell 1, line 3: a.b: AttributeError: 'int' object has no attribute 'b'"),
    (['def f():\n    print "日本", 1 / 0', 'f()'], 'cell 1, line 2: print "日本", 1 / 0: ZeroDivisionError: '),
    (['raise ValueError("two\\nlines")'], 'cell 1, line 1: raise ValueError("two\\nlines"): ValueError: two'),
    (['import sys\nsys.exit(3)'], 'cell 1, line 2: sys.exit(3): SystemExit: 3'),
    (['load_data("a")'], "cell 1, line 1: load_data(\"a\"): NameError: name 'load_data' is not defined"),
    # Code that would be left out, or output that would be run.
    (['a = 1\nload_data("a")'], "cell 1, line 2: load_data(\"a\"): NameError: name 'load_data' is not defined"),
    *[([f'def f(k): pass\nprint 1\n{output}\n\nmore\n{code}'], f'cell 1, line 6: {code.splitlines()[0]}: SyntaxError: '
       'this looks like code, but line 3 above it does not; remove what is not code')
      for output, code in (
          *((output, 'rate = 0.5') for output in ('[1, 2]', 'two words', 'x', '• 日本', 'time: 3')),
          *(('two words', code) for code in (
              'a.b[0] += 1', 'a, b = 1, 2', 'print "日本"', 'import math', 'from math import *', 'f(3)', '%%bash\nls',
              'for k in [1]:\n    pass', 'if a <> b\n    pass', 'exec "a"', 'raise E, "a"')))],
    (['class A:\n    def f(self):\n        x = 1\n        x <> 2 or self.g()\n        return x'],
     'cell 1, line 4: x <> 2 or self.g(): SyntaxError: '),
    (['!ls \\\n  -l\n1 / 0'], 'cell 1, line 3: 1 / 0: ZeroDivisionError'),
    (['a = 1\nb = !ls\n'], 'cell 1, line 2: b = !ls: SyntaxError: invalid syntax'),
    (['a = 1\n%%bash\nls\n'], 'cell 1, line 2: %%bash: SyntaxError: invalid syntax'),
    (['cost = 1.25\nprint "cost = %.1f" % cost\ncost = 1.3'],
     'cell 1, line 3: cost = 1.3: SyntaxError: code or output? remove it, or end it with a semicolon')])
def test_errors_are_one_line_with_the_cell_and_the_line(tmp_path, run_cells, cells, message):
    with pytest.raises(InputError) as caught:
        run_cells(*cells)
    assert str(caught.value).startswith(f'{tmp_path / "page.txt"}: {message}') and '\n' not in str(caught.value)
    assert 'theano' not in sys.modules


@pytest.mark.parametrize('cell', ['raise KeyboardInterrupt', 'try:\n    raise KeyboardInterrupt\nfinally:\n    1 / 0'])
def test_ctrl_c_is_no_error_of_the_cell(run_cells, cell):
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        run_cells(cell)


@pytest.mark.parametrize('cell, printed', [
    ('rate = 0.1\n%%time pass\nrate = 0.5', '0.5\n'), ('%matplotlib inline\nrate = 1\n\n%d words', '1\n'),
    ('%matplotlib inline\n\nWords follow.\n', '0\n'), ('rate = (10\n%3)', '1\n'),
    ('rate = """\n%time x\n!ls\n"""', '\n%time x\n!ls\n\n'), ('rate = 10 \\\n%3', '1\n'),
    ('%time rate = 7 / 2', '3\n'), ('if True:\n    %time rate = 5\n    !ls\nelse:\n    !ls', '5\n'),
    ('%prun -s time -l 5 rate = 7 / 2', '3\n'), ('%timeit -n 10 -r1 rate = 5; print 7 / 2', '3\n0\n'),
    ('\n%%time\nrate = 7 / 2\nrate', '3\n3\n'), ('%%capture out\n%%prun -q\nrate = 2', '2\n'),
    ('%%timeit -n 10 rate = 6\nrate = rate / 2\nprint rate', '3\n0\n'),
    ('!echo "(\n!ls \\\n  "rate = 3"\nrate = 2', '2\n'), ('rate = 2\nrate?\n??rate', '2\n'),
    *[(f'{command}\nrate = 3\nprint 4\n', '0\n') for command in ('%%bash', '%%writefile a.py', '%%html', '%%R -i x')]])
def test_commands_to_jupyter(tmp_path, run_cells, cell, printed):
    cells = 'rate = 0', cell, 'print rate'
    assert run_cells(*cells).printed == printed
    (tmp_path / 'copy').write_text(notebook(*cells))
    if 'ords' not in cell:
        assert run_copy(tmp_path / 'copy').printed == printed


def test_commands_that_are_not_run_are_named(run_cells, capsys):
    run_cells('# a\n%matplotlib inline\nif True:\n    !ls \\\n        -l\n\nwords follow\n%d', '%%bash\nls', '%time 1')
    assert capsys.readouterr().err.splitlines() == [
        '... cell 1, line 2: not run: %matplotlib inline', '... cell 1, line 4: not run: !ls \\', '        -l',
        '... cell 2, line 1: not run: %%bash']


def notebook(*sources, old=False):
    name = 'input' if old else 'source'
    cells = [{'cell_type': 'markdown', 'source': ['print 3']},
             *({'cell_type': 'code', name: source.splitlines(keepends=True)} for source in sources),
             {'cell_type': 'code', name: ''}]
    return json.dumps({'nbformat': 3, 'worksheets': [{'cells': cells}]} if old else {'nbformat': 4, 'cells': cells})


def text(*sources, prompt='sageへの入力:'):
    return 'print 3\n' + ''.join(f'\n{prompt}\n\n{source}\n出力\n' for source in sources)


def web_page(*sources, prompt='sageへの入力:'):
    cells = [f'<h2>実装</h2><p class="a">{prompt}</p><script>if (a <b) {{}}</script>'
             f'<pre><span>{html.escape(source)}</span></pre><pre>出力</pre>\n' for source in sources]
    return ('<!DOCTYPE html>\n<html><head><title>print 3</title></head><body>\n'
            + ''.join(cells) + '<!-- 2 > 1\nprint 4 --></body></html>')


CELLS = '# 日本\nprint "<&>",\n', 'print 1 < 2 and "日本"'
TEXT, WEB_PAGE, NOTEBOOK = text(*CELLS), web_page(*CELLS), notebook(*CELLS)


@pytest.mark.parametrize('content', [
    *[TEXT.encode(encoding) for encoding in ('utf-8', 'utf-16', 'euc_jp', 'cp932')],
    TEXT.replace('\n', '\r\n').encode(), TEXT.replace(' ', '\xa0').encode(), text(*CELLS, prompt='In [3]:').encode(),
    WEB_PAGE.encode(), WEB_PAGE.replace('\n', '\r\n').encode('euc_jp'),
    WEB_PAGE.replace(' ', '&nbsp;').replace('<p&nbsp;', '<p ').encode(),
    web_page(*CELLS, prompt='<div class="prompt">In&nbsp;[&nbsp;]:</div>').encode(),
    NOTEBOOK.encode(), NOTEBOOK.encode('utf-8-sig'), NOTEBOOK.replace('\\n', '\\r\\n').encode(),
    notebook(*CELLS, old=True).encode()])
def test_formats(tmp_path, content):
    path = tmp_path / 'copy'
    path.write_bytes(content)
    assert run_copy(path).printed == '<&> 日本\n'


def test_what_nbconvert_makes_of_a_notebook(tmp_path):
    nbconvert = pytest.importorskip('nbconvert')
    from nbformat import v4, write

    def code(source, *printed):
        return v4.new_code_cell(source, outputs=[v4.new_output('stream', text=text) for text in printed])

    cells = [
        v4.new_markdown_cell('# Title\n\n    x = 3\n\n```\nIn [1]:\nprint 3\n```\n\nx = 3\n\n<p>In [2]:</p>\nprint 3'),
        code('%matplotlib inline\nimport math\n!ls "\nx = 1 # In [1]:'),
        code('%%time\nx = 2\nprint x,', '2\nx = 9\nprint 9\n'),
        code('s = """\n%time x\n!ls\n\n# In[1]\n<p>&lt;\n"""\nprint repr(s), (10\n%3)',
             'In [3]:\nprint 9\n\n```python\nprint 9\n```\n'),
        code(''),
        code('%%bash\nx = 9\necho \'"'),
        code('%time print 7 / 2\nmath?\n!!ls'),
        code('%%html\n<pre>print 9</pre>'),
        code('%%timeit -n 10 x = 7\nprint x'),
        v4.new_markdown_cell('print 9'),
        code('def f():\n    # 日本\n\n    return u"a\xa0b", 1 < 2, "&lt;", \'\\n\'\n\nf()', 'x = 9\n'),
        code('%%writefile a.py\nx = 9'),
        code('x')]
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == 'code'), 1):
        cell.execution_count = count
    book = v4.new_notebook(cells=cells, metadata={'language_info': {'name': 'python', 'pygments_lexer': 'ipython2'}})
    write(book, tmp_path / 'a.ipynb')
    exporters = {f'{template}.html': nbconvert.HTMLExporter(template_name=template)
                 for template in ('lab', 'classic', 'basic')}
    exporters |= {'a.py': nbconvert.PythonExporter(), 'a.md': nbconvert.MarkdownExporter()}
    for name, exporter in exporters.items():
        (tmp_path / name).write_text(exporter.from_notebook_node(book)[0], encoding='utf-8')
    assert len(read_cells(tmp_path / 'a.ipynb')[0]) == 11
    for name in 'a.ipynb', *exporters:
        assert len(read_cells(tmp_path / name)[0]) == 11
        assert run_copy(tmp_path / name).printed == (
            "2 '\\n%time x\\n!ls\\n\\n# In[1]\\n<p>&lt;\\n' 1\n3\n7\n('a\\xa0b', True, '&lt;', '\\n')\n2\n"), name


def test_a_script_that_nbconvert_did_not_make(tmp_path):
    path = tmp_path / 'a.py'
    path.write_text("# a\nx = 1\n# In[ ]:\n\nget_ipython().magic(u'time print x')\nget_ipython().magic(f)\n")
    assert read_cells(path) == (['# a\nx = 1\n', '%time print x\nget_ipython().magic(f)\n'], False)


@pytest.mark.parametrize('content, message', [
    (bytes(range(256)), 'no cells; in text and HTML a line "sageへの入力:" should precede each'),
    (b'{}', "not a notebook .KeyError.'cells'"),
    (b'{"cells": [1]}', 'not a notebook .TypeError'),
    (b'{"cells"', 'not a notebook .JSONDecodeError'),
    (b'{"cells": []}', 'no cells')])
def test_files_without_cells(tmp_path, content, message):
    path = tmp_path / 'copy'
    path.write_bytes(content)
    with pytest.raises(InputError, match=f'copy: {message}'):
        run_page(path, tmp_path)


def test_an_error_that_names_no_line(tmp_path):
    (tmp_path / 'copy').write_text(notebook('"\x00"'))
    with pytest.raises(InputError, match='copy: cell 1, line 1: "\x00": SyntaxError: source code string'):
        run_copy(tmp_path / 'copy')


def test_names_of_theano(run_cells, uncompiled):
    run = run_cells('''
import theano
import theano.tensor as T
import theano.tensor.shared_randomstreams
from theano import tensor
from theano.tensor.nnet import sigmoid
from theano.tensor.shared_randomstreams import RandomStreams

assert theano.tensor is T is tensor and T.nnet.sigmoid is sigmoid
draw = RandomStreams(1).uniform((2,))
state = theano.shared(1, name='state', borrow=True)
f = theano.function([], draw, updates=[(state, state + 1)])
print theano.config.floatX, (f() != f()).all(), state.get_value()
''', '''
x, y, t = T.matrix(), T.ivector(), T.vector()
p = T.exp(x) / T.sum(T.exp(x), axis=1, keepdims=True)
cost = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
errors = T.mean(T.neq(T.argmax(p, axis=1), T.cast(t, 'int32')))
values = {x: [[0, 0], [2, 2]], y: [0, 1]}
print "%.6f" % cost.eval(values), errors.eval({x: values[x], t: [0, 1]})
print T.grad(cost, x).eval(values)
k, A = T.lscalar(), T.dmatrix()
print T.dot(A, A)[k].eval({k: 1, A: [[1, 2], [3, 4]]})
''')
    assert run.printed == 'float64 True 3\n0.693147 0.5\n[[-0.25  0.25]\n [ 0.25 -0.25]]\n[ 15.  22.]\n'


def evaluated(expression, names):
    """The value of an expression that is translated as cells are."""
    tree = Python2().parse(f'result = {expression}')
    exec(compile(tree, 'expression', 'exec'), names)
    return names['result']


@pytest.mark.parametrize('k', range(1, N_EXPRESSIONS))
def test_names_mean_what_they_meant(golden, uncompiled, k):
    # Values and gradients that Theano 0.8.2 computed.
    theano_was = golden['expressions'][k]
    with theano_names.provide():
        import theano
        import theano.tensor as T
        x, y, m, k, n = variables = T.vector('x'), T.vector('y'), T.matrix('m'), T.lvector('k'), T.bvector('n')
        values = [np.array(golden['expressions'][0]['values'][variable.name], variable.dtype) for variable in variables]
        names = BUILTINS | dict(theano=theano, T=T, x=x, y=y, m=m, k=k, n=n, s=T.scalar('s'), t=T.scalar('t'),
                                u=T.scalar('u'))
        result, gradient = evaluated(theano_was['expression'], names), None
        if isinstance(result, pytensor.graph.Variable):
            if theano_was['gradient']:
                gradient = T.grad(result.sum(), x, disconnected_inputs='ignore')
            outputs = [result] + [gradient] * (gradient is not None)
            result, *gradient = theano.function(variables, outputs, on_unused_input='ignore')(*values)
        result = np.asarray(result)
    # 1e-7 of a float32: Theano 0.8.2 computed ultra_fast_sigmoid of int8 in it.
    rtol = 1e-12 if theano_was['dtype'] == 'float64' else 3e-7
    np.testing.assert_allclose(result, np.array(theano_was['value'], theano_was['dtype']), rtol, 1e-15, strict=True)
    if theano_was['gradient']:
        np.testing.assert_allclose(gradient[0], theano_was['gradient'], rtol, 1e-15)


def test_r_operator(run_cells, uncompiled):
    # From Theano's documentation. The result does not depend on W, which is an input all the same.
    assert run_cells("""
import theano, theano.tensor as T
W, V, x = T.dmatrix(), T.dmatrix(), T.dvector()
print theano.function([W, V, x], T.Rop(T.dot(x, W), W, V))([[1, 1], [1, 1]], [[2, 2], [2, 2]], [0, 1])
""").printed == '[ 2.  2.]\n'


def test_comparisons(run_cells, uncompiled, capsys):
    run = run_cells("""
import theano.tensor as T
x = T.vector()
f = lambda y: y.eval({x: [1., 2., 3.]})
print f(x[x > 1])
try:
    if x > 1: print 'never'
except TypeError, error:
    print error
""")
    assert run.printed == ('[ 1.  2.  2.]\n'
                           'a comparison of symbolic variables is neither true nor false; use T.switch\n')
    assert capsys.readouterr().err.startswith('... x[comparison] selects elements 0 and 1, as in Theano before 1.0; ')


@pytest.mark.parametrize('name, advice', [
    ('theano.sandbox.cuda', 'use device=cpu: there are no GPUs here'),
    ('theano.tensor.nothing', 'PyTensor has nothing under this name'),
    ('aesara.tensor.nothing', 'PyTensor has nothing under this name')])
def test_names_that_do_not_work(name, advice):
    advice = f'{name} does not work here: {advice}'
    parent, _, child = name.rpartition('.')
    with theano_names.provide():
        for code in f'import {parent}\n{name}', f'import {parent} as parent\nparent.{child}':
            with pytest.raises(AttributeError, match=f'^{re.escape(advice)}$'):
                exec(code, {})
        for code in f'from {parent} import {child}', f'import {name}', f'from {name} import x':
            with pytest.raises(ImportError, match=f'^{re.escape(advice)}$'):
                exec(code, {})


def test_names_elsewhere(run_cells, uncompiled):
    run_cells("""
import pytensor
import pytensor.tensor as pt
import theano
import theano.gof
import theano.tensor as T
from theano import *
from theano.compat.python2x import OrderedDict
from theano.compile.nanguardmode import NanGuardMode
from theano.compile.ops import as_op
from theano.gof import Apply, Op
from theano.ifelse import ifelse
from theano.printing import debugprint, pp
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.basic import maximum
from theano.tensor.nnet import conv
from theano.tensor.nnet.nnet import relu
from theano.tensor.signal.downsample import max_pool_2d
from theano.tensor.signal.pool import pool_2d
import aesara
import aesara.tensor as at

assert T.tanh is at.tanh is pt.tanh and maximum is T.maximum is not at.maximum is pt.maximum
assert theano.shared is aesara.shared is shared is pytensor.shared and T.TensorType is pt.TensorType
assert theano.function is function is not aesara.function is pytensor.function
assert theano.ifelse.ifelse is ifelse and conv.conv2d is T.nnet.conv2d
assert at.nnet.relu is T.nnet.relu and at.nnet.softmax(at.vector()).ndim == 1 and T.nnet.softmax(T.vector()).ndim == 2
assert theano.gof.Op is Op is pytensor.graph.Op and max_pool_2d is pool_2d
from theano.tensor import *
assert abs(-1) == 1 and tanh is pt.tanh
""")


def test_names_are_gone_afterwards(monkeypatch, tmp_path, capsys):
    import six  # adds a finder of its own
    finders = list(sys.meta_path)
    with theano_names.provide():
        import six.moves.cPickle as inside
        import theano.tensor
    assert six.moves.cPickle is pickle is not inside
    assert not [name for name in sys.modules if re.match('(theano|cPickle)(\\.|$)', name)] and sys.meta_path == finders
    assert capsys.readouterr().out == ''

    # Theano itself, installed and imported.
    (tmp_path / 'theano.py').touch()
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    genuine = {name: types.ModuleType(name) for name in ('theano', 'theano.gof')}
    for name, module in genuine.items():
        monkeypatch.setitem(sys.modules, name, module)
    with theano_names.provide():
        import theano
        assert theano.shared is pytensor.shared and 'theano.gof' not in sys.modules
    assert genuine.items() <= sys.modules.items()
    assert capsys.readouterr().out == '... Theano is installed, but not used: its names lead to PyTensor\n'


def test_pylab_can_be_imported_without_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if re.match('(matplotlib|pylab)(\\.|$)', name)]:
        monkeypatch.delitem(sys.modules, name)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None if name == 'pylab' else find_spec(name))
    with theano_names.provide():
        import matplotlib.pyplot as plt
        import pylab
        for module in plt, pylab:
            with pytest.raises(AttributeError, match='plot'):
                module.plot  # noqa: B018


def test_html_and_shown_images(tmp_path, run_cells):
    run = run_cells(
        'from PIL import Image\nImage.new("L", (2, 2)).save(DATA + "saved.png")\nhtml("<img src=\'saved.png\'>")',
        'html.table([["<img src=\'saved.png\'>", 1], [2, 3]], ["日本", "b"])\nhtml.table([[4]])',
        'Image.new("L", (3, 1), 255)')
    assert run.shown == ['shown_1.png'] and run.printed == ''
    assert (tmp_path / 'out' / 'index.html').read_text(encoding='utf-8').splitlines() == [
        '<!DOCTYPE html>', '<meta charset="utf-8">', "<img src='saved.png'>",
        '<table><tr><th>日本</th><th>b</th></tr>', "<tr><td><img src='saved.png'></td><td>1</td></tr>",
        '<tr><td>2</td><td>3</td></tr></table>', '<table><tr><td>4</td></tr></table>', '<p><img src="shown_1.png"></p>']
    with Image.open(tmp_path / 'out' / 'shown_1.png') as image:
        assert np.asarray(image).tolist() == [[255] * 3]


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An IPython shell in an empty folder, with the extension loaded."""
    interactiveshell = pytest.importorskip('IPython.core.interactiveshell')
    from traitlets.config import Config
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
    used = []
    monkeypatch.setattr('theano_tutorial.compute.backend.use_fastest', lambda: used.append('fastest'))
    shell = interactiveshell.InteractiveShell.instance(config=Config({'HistoryManager': {'enabled': False}}))
    monkeypatch.setattr(sys, 'path', [path for path in sys.path if path != str(PROJECT)])
    before = list(shell.input_transformers_post), list(shell.ast_transformers)
    shell.run_line_magic('load_ext', 'theano_tutorial')
    assert used == ['fastest'] and sys.path[-1] == str(PROJECT)  # for `from utils import ...`
    yield shell
    shell.run_line_magic('unload_ext', 'theano_tutorial')
    assert (shell.input_transformers_post, shell.ast_transformers) == before
    assert 'theano' not in sys.modules and not CHANGED.items() & shell.user_ns.items()
    interactiveshell.InteractiveShell.clear_instance()


def test_jupyter(shell, capsys):
    for cell, printed in (
            ('import theano\nimport theano.tensor as T\nx = T.matrix()\n'
             'f = theano.function([x], T.nnet.sigmoid(x))\nprint "%.1f" % f([[0]])[0, 0],\nprint 7 / 2', '0.5 3\n'),
            ('from __future__ import division', ''),
            ('print 7 / 2', '3.5\n'),
            ('%reload_ext theano_tutorial', ''),
            ('print 7 / 2', '3\n')):
        assert shell.run_cell(cell).success
        assert capsys.readouterr().out == printed
    shell.run_line_magic('unload_ext', 'theano_tutorial')
    assert isinstance(shell.run_cell('print 1').error_before_exec, SyntaxError)
    assert shell.run_cell('(7 / 2, range(2))').result == (3.5, range(2))
    shell.run_line_magic('load_ext', 'theano_tutorial')


def test_jupyter_functions_outlive_the_extension(shell, capsys):
    assert shell.run_cell('''
def f(a, zip=3):
    a /= 2
    print a, [k / 2 for k in xrange(4)], map(abs, range(2)) + [zip], filter(None, [long(0)]), DATA
''').success
    printed = f'3 [0, 0, 1, 1] [0, 1, 3] [] {shell.user_ns["DATA"]}\n'
    shell.run_cell('f(7)')
    shell.run_line_magic('unload_ext', 'theano_tutorial')
    shell.run_cell('f(7)')
    assert capsys.readouterr().out == 2 * printed
    shell.run_line_magic('load_ext', 'theano_tutorial')
    # Names to which a cell has given a meaning of its own keep it.
    assert shell.run_cell('def map(*a): return "own"\nprint map(abs, [1])\n').success
    shell.run_cell('print map(abs, [1])')
    assert capsys.readouterr().out == 2 * 'own\n'


def test_jupyter_errors_point_to_the_line(shell, capsys):
    error = shell.run_cell('print "a"\nif True:\n    print "%d" % 1, 1 / 0').error_in_exec
    while error.__traceback__.tb_next and 'ipython-input' not in error.__traceback__.tb_frame.f_code.co_filename:
        error.__traceback__ = error.__traceback__.tb_next
    assert isinstance(error, ZeroDivisionError) and error.__traceback__.tb_lineno == 3
    error = shell.run_cell('print "a"\n\nexec "1"').error_before_exec
    assert isinstance(error, SyntaxError) and error.lineno == 3
    assert 'use device=cpu' in str(shell.run_cell('import theano\ntheano.sandbox.cuda').error_in_exec)


def test_jupyter_shows_html(shell, tmp_path):
    from IPython.utils.capture import capture_output
    with capture_output() as captured:
        assert shell.run_cell('''
from PIL import Image
Image.new("L", (2, 1), 255).save(DATA + "a.png")
html.table([["<img src='a.png'/>", "<img src='b.png'/>"]], ["日本", "2"])
html("<b>1</b>")
''').success
    table, bold = (output.data['text/html'] for output in captured.outputs)
    encoded = re.fullmatch('<table><tr><th>日本</th><th>2</th></tr>\n<tr><td><img src="data:image/png;base64,(.*)"/>'
                           "</td><td><img src='b.png'/></td></tr></table>", table)[1]
    assert base64.b64decode(encoded) == (tmp_path / 'output' / 'a.png').read_bytes() and bold == '<b>1</b>'
    shell.user_ns['DATA'] = ''  # which the reader may choose
    Image.new('L', (1, 1)).save('b.png')
    with capture_output() as captured:
        shell.user_ns['html']('<img src="b.png">')
    assert captured.outputs[0].data['text/html'].startswith('<img src="data:image/png')
