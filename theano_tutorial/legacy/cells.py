"""Run the original page's own cells, which are Python 2 written for Theano, on Python 3 and PyTensor.

run_page runs a copy of the page; after `%load_ext theano_tutorial` cells run when they are pasted in Jupyter. Both run
them as code, which may do whatever its reader may.
"""
import ast
import base64
import contextlib
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
from theano_tutorial.legacy.commands import without_commands
from theano_tutorial.legacy.copies import read_cells
from theano_tutorial.legacy.python2 import BUILTINS, CHANGED, Python2


class Run(NamedTuple):
    """What a run of the page left."""

    variables: dict
    shown: list  # names of the files of the images that the cells showed, in order


def run_page(path, output_dir, **constants):
    """Run the cells of a copy of the page as code; print what they print, and the values of their last lines.

    path : see copies.read_cells
    output_dir : the folder that the cells know as DATA. Images that are the value of a cell are saved there, and
        index.html with these and with what the cells pass to html() and html.table()
    constants : values that replace those which the cells assign to these variables

    Returns a Run; prints on stderr which commands to Jupyter are not run. Raises OSError and InputError (a ValueError),
    for an error in a cell with its number and line.
    """
    sources, is_mixed = read_cells(path)
    python2 = Python2(constants)
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
    try:
        # As numpy printed arrays in 2016.
        with theano_names.provide(), np.printoptions(legacy='1.13'):
            for number, source in enumerate(sources, 1):
                try:
                    show(run_cell(source, number, is_mixed, python2, variables))
                except (Exception, SystemExit) as error:
                    if is_interrupt(error):
                        raise
                    raise InputError(f'{path}: {describe(error, number, sources)}') from error
    finally:
        if page:
            with atomic_write(os.path.join(output_dir, 'index.html')) as file:
                file.write('\n'.join(['<!DOCTYPE html>', '<meta charset="utf-8">', *page, '']).encode())
    return Run(variables, shown)


def run_cell(source, number, is_mixed, python2, variables):
    """Run a cell. Returns the value of its last line, or None; prints on stderr which commands are not run."""
    python, left_out, is_timed = without_commands(source)
    body, value = _compile(python, is_mixed, python2, variables, f'<cell {number}>')
    for line, command in left_out:
        if line <= python2.end:
            print(f'... cell {number}, line {line}: not run: {command}', file=sys.stderr)
    scope = dict(variables) if is_timed else variables
    exec(body, scope)
    return eval(value, scope)


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


def _compile(source, is_mixed, python2, variables, filename):
    """The code of a cell, and of the value to show: that of its last statement, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of '\d', which stands for itself in Python 2
        tree = python2.parse(source, is_mixed, variables)
        value = ast.Constant(None, lineno=1, col_offset=0)
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not (
                is_mixed and isinstance(tree.body[-1].value, ast.Constant)):  # a comment
            value = tree.body.pop().value
        return compile(tree, filename, 'exec'), compile(ast.Expression(value), filename, 'eval')


def describe(error, number, sources):
    """An error in one line: the cell, the line, and what is wrong."""
    lines = sources[number - 1].split('\n')
    line = getattr(error, 'lineno', None) or len(lines)
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        if match := re.fullmatch(r'<cell (\d+)>', frame.f_code.co_filename):
            number, line = int(match[1]), lineno
            lines = sources[number - 1].split('\n')
    text = lines[line - 1].strip()
    return f'cell {number}, line {line}: {text}: {first_line(error)}'


def first_line(error):
    """The name of an exception, and the first line of its message."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f'{type(error).__name__}: {(message.splitlines() or [""])[0]}'


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
    project = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))  # with logistic_sgd.py and utils.py
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
        # Functions of Python 2 cells still need the others, and Python 3 has none of these.
        shell.drop_by_id({name: BUILTINS[name] for name in CHANGED})


def unload():
    """Undo load()."""
    _loaded.close()
