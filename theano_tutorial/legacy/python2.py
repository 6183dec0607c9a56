"""Python 2 on Python 3, by a few rules that suffice for cells like the page's.

`print` and `except X, e` are rewritten in the text, where every statement stays on its line; `/`, `time.clock` and the
names in CHANGED in the syntax tree. BUILTINS has what the result needs: what Python 3 lacks, and what it changed, under
the names in CHANGED and under names that can stay when cells are Python 3 again.
"""
import ast
import builtins
import functools
import importlib
import operator
import re

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


CHANGED = {function.__name__: lambda *arguments, function=function: list(function(*arguments))
           for function in (filter, map, range, zip)}
BUILTINS = {
    '__div__': _division(operator.floordiv, operator.truediv),
    '__idiv__': _division(operator.ifloordiv, operator.itruediv),
    'long': int, 'raw_input': input, 'reduce': functools.reduce, 'unicode': str, 'xrange': range,
} | CHANGED | {f'__{name}__': function for name, function in CHANGED.items()}


class Python2(ast.NodeTransformer):
    """Translate cells one after the other; what one imports from __future__ holds for the next ones, too.

    constants : values for variables, a dict; they replace what the cells assign
    """

    def __init__(self, constants):
        self.constants = constants
        self.futures = set()
        self.own = set()  # names in CHANGED to which the cells gave a meaning of their own
        self.end = 0  # the number of lines of the last cell down to the end of its code

    def parse(self, source, is_mixed=False, variables=()):
        """The translated syntax tree of a cell. Raises SyntaxError if it has no translation.

        is_mixed : whether output and prose can follow the code. A statement is taken for these if it is not Python, or
            an expression that begins with a name that is not defined, or with none; no code must follow it
        variables : the names that are defined so far
        """
        lines = source.split('\n')
        self.end, futures, reason = len(lines), self.futures, ''
        while True:
            self.futures = set(futures)
            try:
                tree = ast.parse(self.translate('\n'.join(lines[:self.end])))
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
        keyword = re.match(r'\s*(print|except)(?!\w)', text)
        if not keyword or keyword[1] == 'print' and 'print_function' in self.futures:
            return text
        parts = [part for part, _ in split(text[keyword.end():], ',')]
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
        if isinstance(node, ast.mod):
            self.own |= CHANGED.keys() & _bound_in(node)
        new = self.generic_visit(node)
        match node:
            case ast.BinOp(left, ast.Div(), right) if 'division' not in self.futures:
                new = ast.Call(ast.Name('__div__', ast.Load()), [left, right], [])
            case ast.AugAssign(target, ast.Div(), value) if 'division' not in self.futures:
                old = ast.parse(ast.unparse(target), mode='eval').body
                new = ast.Assign([target], ast.Call(ast.Name('__idiv__', ast.Load()), [old, value], []))
            case ast.Assign([ast.Name(name)]) if name in self.constants:
                node.value = ast.Constant(self.constants[name])
            case ast.Name(name, ast.Load()) if name in CHANGED and name not in self.own:
                node.id = f'__{name}__'
            case ast.Attribute(ast.Name('time'), 'clock'):
                node.attr = 'process_time'
        return ast.copy_location(new, node)


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
