"""Python 2 on Python 3, by a few rules that suffice for cells like the page's.

`print`, `except X, e` and `raise X, e` are rewritten in the text, where every statement stays on its line; operators,
methods and the names in CHANGED in the syntax tree. BUILTINS has what the result needs: what Python 3 lacks, and what
it changed, under the names in CHANGED and under names that can stay when cells are Python 3 again.
"""
import ast
import builtins
import decimal
import functools
import importlib
import math
import operator
import os
import re
from collections.abc import Callable, ItemsView, KeysView, ValuesView

import numpy as np

from theano_tutorial.legacy.tensor import as_int8

TOKEN = re.compile(r'''
    [bBrRuU]{0,2}(?: '{3}(?:\\.|[^\\])*?'{3} | "{3}(?:\\.|[^\\])*?"{3} | '(?:\\.|[^\\'\n])*' | "(?:\\.|[^\\"\n])*" )
    | \#[^\n]* | \\\n | \w+ | .''', re.DOTALL | re.VERBOSE)
# The first line of a statement, or of a call if the name is that of a function. In Python 2 names are ASCII.
CODE = re.compile(r'''
    ^(?: (?:assert|del|exec|global|import|print|raise|return)\b | from\b.*\bimport\b | %%\w
       | (?:class|def|elif|else|except|finally|for|if|try|while|with)\b.*(?: : | \n[ \t]+\S )
       | (?P<target>[A-Za-z_][A-Za-z0-9_.]* (?:\[.*\])? [ ]* (?:,[^=\n]*)? [-+*/%&|^]{0,2}=)(?!=)
       | (?P<name>[A-Za-z_]\w*)(?:\.\w+)*[(\[].* )''', re.MULTILINE | re.VERBOSE)


def _division(floor, true):
    """Python 2's `/`, which rounds down if both are integers: numbers, arrays or symbolic."""
    def is_integer(value):
        return isinstance(value, int) or str(getattr(value, 'dtype', '')).startswith(('int', 'uint'))
    return lambda a, b: (floor if is_integer(a) and is_integer(b) else true)(a, b)


class _Float(float):
    """A float whose str() has 12 digits."""

    def __str__(self):
        text = f'{float(self):.12g}'
        return text if re.search('[.en]', text) else f'{text}.0'


class _Float32:
    """An array of float32, printed as numpy did in 2016: rounded to 8 digits, not to those that tell it from others."""

    def __init__(self, array):
        self.array = array.astype(float)

    def __str__(self):
        return str(self.array)

    def __repr__(self):
        return f'{repr(self.array)[:-1]}, dtype=float32)'


def shown(value):
    """What has the str() and repr() that a value had in 2016: arrays of float32, also in lists and tuples."""
    if isinstance(value, np.ndarray) and value.ndim and value.dtype == np.float32:
        return _Float32(value)
    return type(value)(map(shown, value)) if type(value) in (list, tuple) else value


def _as_float(value, kinds=float):
    """A float, or array of one float without dimensions, as a _Float; anything else as it is."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind == 'f':
        return _Float(value)
    return _Float(value) if isinstance(value, kinds) and not (kinds is float and type(value) is not float) else value


def _str(*value):
    return str(*(_as_float(shown(part)) for part in value))


def _print(*values, **options):
    print(*map(_str, values), **options)


def _percent(a, b):
    """a % b, where a float in a text has 12 digits."""
    if isinstance(a, str) and '%r' not in a:
        b = shown(b)
        return a % (tuple(map(_as_float, b)) if isinstance(b, tuple) else
                    {key: _as_float(value) for key, value in b.items()} if isinstance(b, dict) else _as_float(b))
    return a % b


def _formatting(method):
    """str.format, with 12 digits of floats that have no format."""
    return lambda *values, **named: method(*(_as_float(value, (float, np.floating)) for value in values), **{
        name: _as_float(value, (float, np.floating)) for name, value in named.items()})


def _round(number, ndigits=0):
    """Python 2's round(), a float: halves away from zero."""
    number = float(number)
    if not math.isfinite(number):
        return number
    step = decimal.Decimal(1).scaleb(-ndigits)
    return float(decimal.Decimal(number).quantize(step, decimal.ROUND_HALF_UP, decimal.Context(prec=800)))


def _listed(values):
    return list(values) if isinstance(values, KeysView | ValuesView | ItemsView) else values


CHANGED: dict[str, Callable] = {function.__name__: lambda *arguments, function=function: list(function(*arguments))
           for function in (filter, map, range, zip)}
CHANGED |= {'format': lambda value, spec='': format(_as_float(value, (float, np.floating)), spec), 'print': _print,
            'input': lambda *prompt: eval(input(*prompt)), 'round': _round}
# Symbolic comparisons as in Theano: also in Python 3.
COMPARISONS = {'__Lt__': as_int8(operator.lt), '__LtE__': as_int8(operator.le), '__Gt__': as_int8(operator.gt),
               '__GtE__': as_int8(operator.ge)}
BUILTINS = {
    '__div__': _division(operator.floordiv, operator.truediv),
    '__idiv__': _division(operator.ifloordiv, operator.itruediv),
    '__formatting__': _formatting, '__listed__': _listed, '__percent__': _percent, '__text__': _str,
    'cmp': lambda a, b: (a > b) - (a < b), 'long': int, 'raw_input': input, 'reduce': functools.reduce, 'unicode': str,
    'xrange': range,
} | CHANGED | {f'__{name}__': function for name, function in CHANGED.items()} | COMPARISONS


class Python2(ast.NodeTransformer):
    """Translate cells one after the other; what one imports from __future__ holds for the next ones, too.

    constants : values for variables, a dict; they replace what the cells assign
    is_python2 : whether they are Python 2; of Python 3, only comparisons are translated
    folder : of a module in a package, the folder whose modules it imports first, as in Python 2
    """

    def __init__(self, constants=(), is_python2=True, folder=None):
        self.constants = constants
        self.is_python2 = is_python2
        self.folder = folder
        self.futures = set() if is_python2 else {'division', 'print_function'}
        self.own = set()  # names in CHANGED to which the cells gave a meaning of their own
        self.end = 0  # the number of lines of the last cell down to the end of its code

    def parse(self, source, is_mixed=False, variables=(), filename='<cell>'):
        """The translated syntax tree of a cell. Raises SyntaxError if it has no translation.

        is_mixed : whether output and prose can follow the code. A statement is taken for these if it is not Python, or
            an expression that begins with a name that is not defined, or with none; no code must follow it
        variables : the names that are defined so far
        filename : of the source, for errors
        """
        lines = source.split('\n')
        self.end, futures, reason = len(lines), self.futures, ''
        while True:
            self.futures = set(futures)
            try:
                tree = ast.parse(self.translate('\n'.join(lines[:self.end])), filename)
                break
            except SyntaxError as error:
                if not is_mixed:
                    raise
                reason, self.end = error.msg, min(self.end, error.lineno or self.end) - 1
        if is_mixed:
            self._cut(tree, lines, reason, {*dir(builtins), *variables})
        return ast.fix_missing_locations(self.visit(tree))

    def _cut(self, tree, lines, reason, defined):
        """Cut what is output from the tree. Raises SyntaxError if code follows, or what can be both."""
        strings = ''
        for k, statement in enumerate(tree.body):
            defined |= _defined_by(statement)
            line = lines[statement.lineno - 1]
            number = re.fullmatch(r'(\w+ *=) *[-+]?[.\d][-+.\deE]* *', line)
            is_either = number and number[1] in strings  # as `cost = 70.1` below `print "cost = %f" % cost`
            if k and statement.col_offset == 0 and (is_either or _is_output(statement, line, defined)):
                self.end, reason = statement.lineno - 1, 'code or output? remove it, or end it with a semicolon'
                del tree.body[k:]
                break
            strings += ''.join(node.value for node in ast.walk(statement)
                               if isinstance(node, ast.Constant) and isinstance(node.value, str))
        below = '\n'.join(lines[self.end:]).lstrip()
        first = len(lines) - below.count('\n')
        indent = len(lines[first - 1]) - len(lines[first - 1].lstrip())
        blocks = {node.col_offset for last in tree.body[-1:] for node in ast.walk(last) if isinstance(node, ast.stmt)}
        is_code = indent and indent in blocks or not any(lines[:self.end])  # in a block, or the first line
        for match in re.finditer('^.', below) if is_code else CODE.finditer(below):
            name, target = (match.groupdict().get(group) for group in ('name', 'target'))
            if name and not (name in defined - {'array'} and match[0].isascii()):
                continue
            if match.start():
                if target and target in strings:
                    continue
                reason = f'this looks like code, but line {first} above it does not; remove what is not code'
            raise SyntaxError(reason, (None, first + below.count('\n', 0, match.start()), None, None))

    def translate(self, source):
        """The text of a cell with Python 3's print and except."""
        for names in re.findall(r'^[ \t]*from __future__ import[ \t]*(\([^)]*|.+)', source, re.M):
            self.futures.update(re.findall(r'\w+', names))
        return ''.join(self._statement(text) + end for text, end in split(source, '\n;:#'))

    def _statement(self, text):
        keyword = re.match(r'\s*(print|except|raise)(?!\w)', text)
        if not keyword or keyword[1] == 'print' and 'print_function' in self.futures:
            return text
        parts = [part for part, _ in split(text[keyword.end():], ',')]
        if keyword[1] == 'except':
            return f'{keyword[0]}{parts[0]} as{parts[1]}' if len(parts) == 2 else text
        if keyword[1] == 'raise':
            return f'{keyword[0]}{parts[0]}({parts[1].strip()})' if len(parts) == 2 else text
        options = []
        if parts[0].lstrip().startswith('>>'):
            options.append('file=' + parts.pop(0).strip()[2:])
        if len(parts) > 1 and not parts[-1].strip():
            parts[-1:], options = [], [*options, "end=' '"]
        return f'{keyword[0]}({", ".join(part.strip(" ") for part in parts + options)})'

    def visit(self, node):
        """The node, with its children translated, or another one in its place."""
        if isinstance(node, ast.mod):
            self.own |= {*CHANGED, 'str'} & _bound_in(node)
        new = self.generic_visit(node)
        match node:
            case ast.Compare(left, [ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() as sign], [right]):
                new = _call(f'__{type(sign).__name__}__', left, right)
            case ast.Assign([ast.Name(name)]) if name in self.constants:
                node.value = ast.Constant(self.constants[name])
            case _ if self.is_python2:
                new = self._of_python2(node)
        for statement in new if isinstance(new, list) else [new]:
            ast.copy_location(statement, node)
        return new

    def _of_python2(self, node):
        match node:
            case ast.BinOp(left, ast.Div(), right) if 'division' not in self.futures:
                return _call('__div__', left, right)
            case ast.AugAssign(target, ast.Div(), value) if 'division' not in self.futures:
                old = ast.parse(ast.unparse(target), mode='eval').body
                return ast.Assign([target], _call('__idiv__', old, value))
            case ast.BinOp(left, ast.Mod(), right):
                return _call('__percent__', left, right)
            case ast.ImportFrom(str(name), level=0) if self._is_beside(name):
                node.level = 1
            case ast.Import(names) if self.folder:
                return [ast.ImportFrom(None, [alias], 1) if self._is_beside(alias.name) else ast.Import([alias])
                        for alias in names]
            case ast.Name(name, ast.Load()) if name in CHANGED and name not in self.own:
                node.id = f'__{name}__'
            case ast.Call(ast.Name('str') as function) if 'str' not in self.own:
                function.id = '__text__'
            case ast.Call(ast.Attribute(_, 'format')):
                node.func = _call('__formatting__', node.func)
            case ast.Call(ast.Attribute(_, 'keys' | 'values' | 'items'), []):
                return _call('__listed__', node)
            case ast.Call(ast.Attribute(_, 'iteritems' | 'iterkeys' | 'itervalues') as method, []):
                method.attr = method.attr.removeprefix('iter')
            case ast.Call(ast.Attribute(value, 'has_key'), [key]):
                return ast.Compare(key, [ast.In()], [value])
            case ast.Call(ast.Attribute(value, 'next'), []):
                return _call('next', value)
        return node


    def _is_beside(self, name):
        path = self.folder and 'absolute_import' not in self.futures and os.path.join(self.folder, name.split('.')[0])
        return bool(path) and (os.path.isfile(f'{path}.py') or os.path.isfile(os.path.join(path, '__init__.py')))


def _call(name, *arguments):
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _defined_by(statement):
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == '*':
        return set(vars(importlib.import_module(statement.module)))
    return _bound_in(statement)


def _bound_in(tree):
    nodes = list(ast.walk(tree))
    return ({node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            | {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            | {node.arg for node in nodes if isinstance(node, ast.arg)}
            | {(node.asname or node.name).split('.')[0] for node in nodes if isinstance(node, ast.alias)})


def _is_output(statement, line, defined):
    if not isinstance(statement, ast.Expr):
        return isinstance(statement, ast.AnnAssign)  # as `time: 873` would be
    if isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str):
        return False  # a comment
    if re.match(r'(?!(?:array|dtype|matrix)\()[A-Za-z_][A-Za-z0-9_.]*\(', line) and line.isascii():
        return False  # a call, and an error if there is no such function
    names = [(node.lineno, node.col_offset, node.id) for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return not names or min(names)[2] not in defined - {'array'}  # the first word of what numpy prints


def split(text, separators):
    """Pairs (part, separator), divided where no bracket is open; a comment is one separator, '#...'."""
    depth = begin = 0
    for token in TOKEN.finditer(text):
        depth = max(0, depth + (token[0] in '([{') - (token[0] in ')]}'))
        if depth == 0 and token[0][0] in separators:
            yield text[begin:token.start()], token[0]
            begin = token.end()
    yield text[begin:], ''
