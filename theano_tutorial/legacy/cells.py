"""Run the original page's own cells, which are Python 2 written for Theano, on Python 3 and PyTensor.

run_page runs a copy of the page; after `%load_ext theano_tutorial` cells run when they are pasted in Jupyter. Both run
them as code, which may do whatever its reader may.
"""
import ast
import base64
import codecs
import contextlib
import html
import io
import json
import os
import re
import sys
import traceback
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image

from theano_tutorial.command_line import is_interrupt
from theano_tutorial.compute import backend
from theano_tutorial.errors import InputError
from theano_tutorial.files.storage import atomic_write, make_folder
from theano_tutorial.legacy import theano_names
from theano_tutorial.legacy.python2 import BUILTINS, Python2


class Run(NamedTuple):
    """What a run of the page left."""

    printed: str
    variables: dict
    saved: set  # names of the files that the cells wrote in the output folder
    shown: list  # names of the files of the images that they showed, in order


def run_page(path, output_dir, **constants):
    """Run the cells of a copy of the page as code; show what they print, and the values of their last lines.

    path : see read_cells
    output_dir : the folder that the cells know as DATA. Images that are the value of a cell are saved there, and
        index.html with these and with what the cells pass to html() and html.table()
    constants : values that replace those which the cells assign to these variables

    Returns a Run. Raises OSError and InputError (a ValueError), for an error in a cell with its number and line.
    """
    sources, is_mixed = read_cells(path)
    python2, printed = Python2(constants), _Tee(sys.stdout)
    page: list[str] = []
    shown: list[str] = []
    variables = {'__name__': '__main__', 'DATA': os.path.join(output_dir, ''), 'html': Html(page.append)} | BUILTINS

    def show(value):
        if isinstance(value, Image.Image):
            shown.append(f'shown_{len(shown) + 1}.png')
            value.save(os.path.join(output_dir, shown[-1]))
            page.append(f'<p><img src="{shown[-1]}"></p>')
        elif value is not None:
            print(repr(value))

    make_folder(output_dir)
    times = _times(output_dir)
    try:
        # As numpy printed arrays in 2016.
        with theano_names.provide(), np.printoptions(legacy='1.13'), contextlib.redirect_stdout(printed):
            for number, source in enumerate(sources, 1):
                try:
                    body, value = _compile(source, is_mixed, python2, variables, f'<cell {number}>')
                    exec(body, variables)
                    show(eval(value, variables))
                except (Exception, SystemExit) as error:
                    if is_interrupt(error):
                        raise
                    raise InputError(f'{path}: {_describe(error, number, sources)}') from error
    finally:
        if page:
            with atomic_write(os.path.join(output_dir, 'index.html')) as file:
                file.write('\n'.join(['<!DOCTYPE html>', '<meta charset="utf-8">', *page, '']).encode())
    saved = {name for name, time in _times(output_dir).items() if time != times.get(name)} - {'index.html'}
    return Run(printed.getvalue(), variables, saved, shown)


def _times(folder):
    return {file.name: file.stat().st_mtime_ns for file in os.scandir(folder)}


class _Tee(io.StringIO):
    """Keeps what is written, and writes it to another stream."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream

    def write(self, text):
        self.stream.write(text)
        return super().write(text)


class Html:
    """Sage's `html`: html(text) and html.table(rows, header) call show() with a piece of HTML."""

    def __init__(self, show):
        self.show = show

    def __call__(self, text):
        self.show(str(text))

    def table(self, rows, header=()):
        lines = [('th', header)] * bool(header) + [('td', row) for row in rows]
        self.show('<table>' + '\n'.join(
            f'<tr>{"".join(f"<{tag}>{cell}</{tag}>" for cell in cells)}</tr>' for tag, cells in lines) + '</table>')


def read_cells(path):
    """The cells of a copy of the page, a list of str, and whether output and prose can follow the code in them.

    path : file with text or HTML, in UTF-8, UTF-16, EUC-JP or Shift JIS, or with a notebook

    Raises OSError if it cannot be read, InputError (a ValueError) if it has no cells.
    """
    def plain(text):
        return text.replace('\r\n', '\n').replace('\xa0', ' ')

    with open(path, 'rb') as file:
        content = file.read()
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in 'utf-16' if is_utf16 else 'utf-8-sig', 'euc_jp', 'cp932', 'latin-1':
        with contextlib.suppress(UnicodeDecodeError):
            text = plain(content.decode(encoding)).lstrip()
            break
    if text.startswith('{'):
        try:
            notebook = json.loads(text)
            cells = [cell for sheet in notebook.get('worksheets', [notebook]) for cell in sheet['cells']]
            sources = [''.join(cell.get('source', cell.get('input'))) for cell in cells if cell['cell_type'] == 'code']
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(f'{path}: not a notebook ({error!r:.80})') from error
        # Without commands to Jupyter, such as %matplotlib inline.
        return [re.sub(r'^(%{1,2}\w|!).*', '', plain(source), flags=re.M) for source in sources], False
    if text.startswith('<'):
        text = re.sub(r'(?is)<(script|style)\b.*?</\1>', '', text)
        text = re.sub(r'(?i)</?(br|div|dd|dt|h\d|hr|li|p|pre|table|td|tr|ul)\b[^>]*>', '\n', text)
        text = plain(html.unescape(re.sub(r'<[^>]*>', '', text)))
    # The line before a cell, on the page and in a notebook saved as HTML, with the empty lines below it.
    sources = re.split(r'(?m)^ *(?:sageへの入力[:：]|In *\[[\d *]*\]:) *$(?:\s*\n)?', text)[1:]
    if not sources:
        raise InputError(f'{path}: no cells; in text and HTML a line "sageへの入力:" should precede each')
    return sources, True


def _compile(source, is_mixed, python2, variables, filename):
    """The code of a cell, and of the value to show: that of its last statement, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of '\d', which stands for itself in Python 2
        tree = python2.parse(source, is_mixed, variables)
        value = ast.Constant(None, lineno=1, col_offset=0)
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not isinstance(tree.body[-1].value, ast.Constant):
            value = tree.body.pop().value
        return compile(tree, filename, 'exec'), compile(ast.Expression(value), filename, 'eval')


def _describe(error, number, sources):
    """An error in one line: the cell, the line, and what is wrong."""
    lines = sources[number - 1].split('\n')
    line = getattr(error, 'lineno', len(lines))
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        if match := re.fullmatch(r'<cell (\d+)>', frame.f_code.co_filename):
            number, line = int(match[1]), lineno
            lines = sources[number - 1].split('\n')
    text = lines[line - 1].strip()
    message = (str(error).splitlines() or [''])[0]
    return f'cell {number}, line {line}: {text}: {type(error).__name__}: {message}'


_loaded = contextlib.ExitStack()  # what %unload_ext undoes


def load(shell):
    """Let an IPython shell run Python 2 cells on Theano's names. Raises OSError if no folder `output` can be made."""
    from IPython.display import HTML, display

    def show(text):
        display(HTML(re.sub(r'''(?<=src=)(["'])(.+?)\1''', embed, text)))

    def embed(match):
        path = os.path.join(shell.user_ns.get('DATA', ''), match[2])
        if not os.path.isfile(path):
            return match[0]
        with open(path, 'rb') as file:
            return f'"data:image/png;base64,{base64.b64encode(file.read()).decode()}"'

    def translate(lines):
        return python2.translate(''.join(lines)).splitlines(keepends=True)

    make_folder('output')
    backend.use_fastest()
    python2 = Python2({})
    variables = {'DATA': os.path.join('output', ''), 'html': Html(show)} | BUILTINS
    project = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # with logistic_sgd.py and utils.py
    _loaded.enter_context(theano_names.provide())
    shell.input_transformers_post.append(translate)
    shell.ast_transformers.append(python2)
    shell.push(variables, interactive=False)
    if project not in sys.path:
        sys.path.append(project)

    @_loaded.callback
    def undo():
        shell.input_transformers_post.remove(translate)
        shell.ast_transformers.remove(python2)
        shell.drop_by_id(variables)


def unload():
    """Undo load()."""
    _loaded.close()
