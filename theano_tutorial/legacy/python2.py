"""Python 2 on Python 3, by a few rules that suffice for cells like the page's.

`print` and `except X, e` are rewritten in the text, where every statement stays on its line; `/` and `time.clock` in
the syntax tree. BUILTINS has what the result needs, and functions that Python 3 lacks or changed.
"""
import ast
import builtins
import functools
import importlib
import keyword
import operator
import re

TOKEN = re.compile(r'''
    [bBrRuU]{0,2}(?: '{3}(?:\\.|[^\\])*?'{3} | "{3}(?:\\.|[^\\])*?"{3} | '(?:\\.|[^\\'\n])*' | "(?:\\.|[^\\"\n])*" )
    | \#[^\n]* | \\\n | \w+ | .''', re.DOTALL | re.VERBOSE)


def _division(floor, true):
    """Python 2's `/`, which rounds down if both are integers: numbers, arrays or symbolic."""
    def is_integer(value):
        return isinstance(value, int) or str(getattr(value, 'dtype', '')).startswith(('int', 'uint'))
    return lambda a, b: (floor if is_integer(a) and is_integer(b) else true)(a, b)


BUILTINS = {
    '__div__': _division(operator.floordiv, operator.truediv),
    '__idiv__': _division(operator.ifloordiv, operator.itruediv),
    'long': int, 'raw_input': input, 'reduce': functools.reduce, 'unicode': str, 'xrange': range,
} | {function.__name__: lambda *arguments, function=function: list(function(*arguments))
     for function in (filter, map, range, zip)}


class Python2(ast.NodeTransformer):
    """Translate cells one after the other; what one imports from __future__ holds for the next ones, too.

    constants : values for variables, a dict; they replace what the cells assign
    """

    def __init__(self, constants):
        self.constants = constants
        self.futures = set()

    def parse(self, source, is_mixed=False, variables=()):
        """The translated syntax tree of a cell. Raises SyntaxError if it has no translation.

        is_mixed : whether output and prose can follow the code. A statement is taken for these if it is not Python, or
            an expression that begins with a name that is not defined, or with none
        variables : the names that are defined so far
        """
        lines = source.split('\n')
        end = len(lines)
        while True:
            try:
                tree = ast.parse(self.translate('\n'.join(lines[:end])))
                break
            except SyntaxError as error:
                if not is_mixed:
                    raise
                reason, end = error.msg, end - 1
        defined = {*dir(builtins), *variables}
        for k, statement in enumerate(tree.body if is_mixed else ()):
            defined |= _defined_by(statement)
            if k and _is_output(statement, defined):
                del tree.body[k:]
                break
        else:
            rest = next((line for line in lines[end:] if line.strip()), '')
            word, sign = re.findall(r'^\s*(\w*) *(=(?!=)|[.([]|)', rest)[0]
            if (word in {*keyword.kwlist, 'exec', 'print'} or word and sign == '='
                    or word in defined and sign and rest.isascii() or rest and not any(lines[:end])):
                raise SyntaxError(reason, (None, 1 + lines.index(rest, end), None, None))
        return ast.fix_missing_locations(self.visit(tree))

    def translate(self, source):
        """The text of a cell with Python 3's print and except."""
        for names in re.findall(r'^[ \t]*from __future__ import (.+)', source, re.M):
            self.futures.update(re.findall(r'\w+', names))
        return ''.join(self._statement(text) + end for text, end in _split(source, '\n;:#'))

    def _statement(self, text):
        keyword = re.match(r'\s*(print|except)(?!\w)', text)
        if not keyword or keyword[1] == 'print' and 'print_function' in self.futures:
            return text
        parts = [part for part, _ in _split(text[keyword.end():], ',')]
        if keyword[1] == 'except':
            return f'{keyword[0]}{parts[0]} as{parts[1]}' if len(parts) == 2 else text
        options = []
        if parts[0].lstrip().startswith('>>'):
            options.append('file=' + parts.pop(0).strip()[2:])
        if len(parts) > 1 and not parts[-1].strip():
            parts[-1:], options = [], [*options, "end=' '"]
        return f'{keyword[0]}({", ".join(part.strip(" ") for part in parts + options)})'

    def visit(self, node):
        """The node, with its children translated, or another one in its place."""
        new = self.generic_visit(node)
        match node:
            case ast.BinOp(left, ast.Div(), right) if 'division' not in self.futures:
                new = ast.Call(ast.Name('__div__', ast.Load()), [left, right], [])
            case ast.AugAssign(target, ast.Div(), value) if 'division' not in self.futures:
                old = ast.parse(ast.unparse(target), mode='eval').body
                new = ast.Assign([target], ast.Call(ast.Name('__idiv__', ast.Load()), [old, value], []))
            case ast.Assign([ast.Name(name)]) if name in self.constants:
                node.value = ast.Constant(self.constants[name])
            case ast.Attribute(ast.Name('time'), 'clock'):
                node.attr = 'process_time'
        return ast.copy_location(new, node)


def _defined_by(statement):
    nodes = list(ast.walk(statement))
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == '*':
        return set(vars(importlib.import_module(statement.module)))
    return ({node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            | {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            | {(node.asname or node.name).split('.')[0] for node in nodes if isinstance(node, ast.alias)})


def _is_output(statement, defined):
    if not isinstance(statement, ast.Expr):
        return isinstance(statement, ast.AnnAssign)  # as `time: 873` would be
    if isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str):
        return False  # a comment
    names = [(node.lineno, node.col_offset, node.id) for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return not names or min(names)[2] not in defined - {'array'}  # the first word of what numpy prints


def _split(text, separators):
    """Pairs (part, separator), divided where no bracket is open; a comment is one separator, '#...'."""
    depth = begin = 0
    for token in TOKEN.finditer(text):
        depth = max(0, depth + (token[0] in '([{') - (token[0] in ')]}'))
        if depth == 0 and token[0][0] in separators:
            yield text[begin:token.start()], token[0]
            begin = token.end()
    yield text[begin:], ''
