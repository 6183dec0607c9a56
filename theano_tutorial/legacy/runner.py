"""Run a notebook, a copy of cells, or a script of Theano's time as code, and the modules beside it."""
import ast
import base64
import contextlib
import functools
import importlib.machinery
import io
import linecache
import os
import re
import sys
import threading
import tokenize
import traceback
import types
import warnings

import numpy as np
from tqdm import tqdm

from theano_tutorial.command_line import is_interrupt
from theano_tutorial.errors import InputError
from theano_tutorial.legacy import theano_names
from theano_tutorial.legacy.cells import Html, describe, first_line, run_cell
from theano_tutorial.legacy.commands import without_commands
from theano_tutorial.legacy.copies import read_cells
from theano_tutorial.legacy.python2 import BUILTINS, COMPARISONS, Python2, shown
from theano_tutorial.legacy.stored import Notebook, Output, compare


def run(path, arguments=(), save=None, version=None):
    """Run a file as code. Returns the exit status: 0 if all of it ran and, of a notebook, printed what is stored in it.

    path : a notebook, a copy of cells (see copies.read_cells), or a script in a file .py
    arguments : those of the script, sys.argv[1:]
    save : the notebook with its new outputs is written to this file
    version : 2 or 3, the version of Python in which the file is written; found out if None

    Raises OSError and InputError (a ValueError), for an error in a script with its line.
    """
    with open(path, 'rb') as file:
        content = file.read()
    is_script = path.endswith('.py') and not re.search(rb'^# In\[[\d ]*\]:\r?$', content, re.M)
    notebook = Notebook(path) if path.endswith('.ipynb') else None
    if save and not notebook:
        raise InputError(f'{path}: --save is for notebooks, files .ipynb')
    if save and os.path.exists(save) and os.path.samefile(path, save):
        raise InputError(f'{save}: --save would replace the outputs that are compared; choose another file')
    if arguments and not is_script:
        raise InputError(f'{path}: only a script has arguments, not {" ".join(arguments)}')
    if is_script:
        return _run_script(path, arguments, version)

    sources, is_mixed = read_cells(path)
    version = version or notebook and notebook.version or (3 if any(map(_is_python3, sources)) else 2)
    save, outputs = save and os.path.abspath(save), []
    os.environ.setdefault('MPLBACKEND', 'agg')
    numpy = notebook.numpy if notebook else '1.13'
    with _program(path, (), version, numpy) as (python2, variables), contextlib.chdir(os.path.dirname(path) or '.'):
        if not notebook:
            variables |= {'DATA': os.path.join(os.getcwd(), ''), 'html': Html(print)}
        try:
            for output in _run_cells(sources, is_mixed, python2, variables, numpy):
                outputs.append(output)
        finally:
            if notebook and save:
                notebook.save(save, outputs)
    stored = notebook.outputs if notebook else [Output()] * len(sources)
    ran = sum(output.error in ('', old.error) for output, old in zip(outputs, stored))
    is_equal = notebook is None or compare(outputs, stored)
    print(f'{ran} of {len(sources)} cells ran')
    return 0 if is_equal and ran == len(sources) else 1


def _run_script(path, arguments, version):
    source = _read_source(path)
    version = version or (3 if _is_python3(source) else 2)
    with _program(path, arguments, version) as (python2, variables):
        try:
            exec(compile(python2.parse(source, filename=path), path, 'exec'), variables)
        except SystemExit as error:
            if isinstance(error.code, str):
                raise InputError(error.code) from error
            return int(error.code or 0)
        except Exception as error:
            if is_interrupt(error):
                raise
            raise InputError(_describe(error, path)) from error
    return 0


def _run_cells(sources, is_mixed, python2, variables, numpy):
    """Yield the Output of each cell; a cell that fails does not stop the others. Prints what they print."""
    for number, source in enumerate(sources, 1):
        value = error = message = ''
        with _Tee(f'cell {number} of {len(sources)}') as tee:
            try:
                result = run_cell(source, number, is_mixed, python2, variables)
                if result is not None and not source.rstrip().endswith(';'):
                    value = repr(shown(result) if numpy == '1.13' else result)
            except (Exception, SystemExit) as caught:
                if is_interrupt(caught):
                    raise
                error, message = type(caught).__name__, describe(caught, number, sources)
        if value:
            print(value)
        if message:
            print(f'... {message}', file=sys.stderr)
        yield Output(tee.getvalue(), value, error, message, tuple(_figures()))


def _figures():
    """The figures that a cell drew with pyplot, as PNG in Base64; they are closed."""
    if plt := sys.modules.get('matplotlib.pyplot'):
        for number in getattr(plt, 'get_fignums', list)():  # see theano_names.EMPTY
            plt.figure(number).savefig(content := io.BytesIO(), format='png')
            yield base64.b64encode(content.getvalue()).decode()
            plt.close(number)


class _Tee(io.StringIO):
    """What is printed while this is a context manager. It is printed as usual, by lines above a clock on a terminal."""

    def __init__(self, description):
        super().__init__()
        self.clock = tqdm(bar_format=description + ' [{elapsed}]', leave=False, disable=None)
        self.is_done = threading.Event()
        self.line = ''

    def __enter__(self):
        self.stdout, sys.stdout = sys.stdout, self
        if not self.clock.disable:
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.is_done.set()
        self.flush()
        self.clock.close()
        sys.stdout = self.stdout

    def _tick(self):
        while not self.is_done.wait(1):
            self.clock.refresh()

    def write(self, text):
        self.line += text
        if '\n' in text:
            self.flush()
        return super().write(text)

    def flush(self):
        with tqdm.external_write_mode(sys.stderr):  # the clock is there
            self.stdout.write(self.line)
            self.stdout.flush()
        self.line = ''


@contextlib.contextmanager
def _program(path, arguments, version, numpy='1.13'):
    """What runs the code of a file: its Python2, and the variables of a new module __main__.

    numpy : arrays are printed as by this version

    In the block, imports find the modules beside the file first, and translate them.
    """
    folder = os.path.dirname(os.path.abspath(path))
    main = types.ModuleType('__main__')
    vars(main).update(_names(version), __file__=path)
    finder = _ModulesBeside(folder, version)
    argv, path_before, modules = sys.argv, sys.path[:], dict(sys.modules)
    print(f'... running {path} as Python {version}', file=sys.stderr)
    with theano_names.provide(), np.printoptions(legacy=numpy):
        sys.argv, sys.modules['__main__'] = [path, *arguments], main
        sys.path.insert(0, folder)
        sys.meta_path.insert(0, finder)
        try:
            yield Python2(is_python2=version == 2), vars(main)
        finally:
            sys.meta_path.remove(finder)
            sys.argv, sys.path[:], sys.modules['__main__'] = argv, path_before, modules['__main__']
            for name in sys.modules.keys() - modules.keys():
                if isinstance(getattr(sys.modules[name], '__loader__', None), _Loader):
                    del sys.modules[name]


class _ModulesBeside:
    """Finds the modules in a folder and in the packages there, except those with the name of one built into Python."""

    def __init__(self, folder, version):
        self.folder, self.version = folder, version

    def find_spec(self, name, path=None, target=None):
        for folder in path or [self.folder]:
            if name not in sys.builtin_module_names and f'{folder}{os.sep}'.startswith(f'{self.folder}{os.sep}'):
                loader = functools.partial(_Loader, version=self.version)
                spec = importlib.machinery.FileFinder(folder, (loader, ['.py'])).find_spec(name)
                if spec and spec.loader:  # none for a folder without __init__.py
                    return spec
        return None


class _Loader(importlib.machinery.SourceFileLoader):
    """Imports a module that may be in Python 2. Its compiled code is not kept in a file."""

    def __init__(self, name, path, version):
        super().__init__(name, path)
        source = _read_source(path)
        is_python2 = not _is_python3(source) and (version == 2 or not _is_python3(source, unsure=True))
        siblings = os.path.dirname(path) if '.' in name or self.is_package(name) else None
        self.code = compile(Python2(is_python2=is_python2, folder=siblings).parse(source, filename=path), path, 'exec')
        self.version = 2 if is_python2 else 3

    def get_code(self, fullname):
        return self.code

    def exec_module(self, module):
        vars(module).update(_names(self.version))
        super().exec_module(module)


def _names(version):
    return BUILTINS if version == 2 else COMPARISONS


def _read_source(path):
    """The text of a file of Python. Raises InputError (a ValueError) if it is none."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise InputError(f'{path}: {error}') from error


def _is_python3(source, unsure=False):
    """Whether a text can only be Python 3, as far as one can see: it has its syntax, or prints as one does there.

    unsure : the answer if it can be both
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            tree = ast.parse(without_commands(source)[0])
    except (SyntaxError, ValueError):
        return False
    nodes = list(ast.walk(tree))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    for node in nodes:
        match node:
            case (ast.JoinedStr() | ast.AnnAssign() | ast.Nonlocal() | ast.YieldFrom() | ast.AsyncFunctionDef()
                  | ast.NamedExpr() | ast.MatMult() | ast.arg(annotation=ast.expr())
                  | ast.Call(func=ast.Name('super'), args=[]) | ast.alias('aesara' | 'aesara.tensor')
                  | ast.ImportFrom(module='aesara' | 'aesara.tensor') | ast.arguments(kwonlyargs=[_, *_])):
                return True
            case (ast.Call(func=ast.Name('print'), args=[_, _, *_])
                  | ast.Call(func=ast.Name('print'), keywords=[_, *_])) if 'print_function' not in imported:
                return True
    return unsure


def _describe(error, path):
    """An error in one line: the innermost line of the program or of a module beside it, and what is wrong."""
    folder = os.path.dirname(os.path.abspath(path))
    file, line = (error.filename, error.lineno) if isinstance(error, SyntaxError) else (path, None)
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == path or frame.f_code.co_filename.startswith(folder + os.sep):
            file, line = frame.f_code.co_filename, lineno
    linecache.checkcache(file)
    text = linecache.getline(file, line).strip() if line else ''
    return f'{file}, line {line}: {text}: {first_line(error)}'
