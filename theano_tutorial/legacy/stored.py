"""What a notebook has stored of its cells' outputs, and the comparison with it."""
import difflib
import itertools
import json
import re
from typing import NamedTuple

from theano_tutorial.errors import InputError
from theano_tutorial.files.storage import atomic_write

# What differs from run to run: addresses, and numbers with a unit of time.
MASKED = re.compile(r'''
    \b0x[0-9A-Fa-f]+ | \b\d+:\d\d(?::\d\d)?(?:\.\d+)?\b | \b\d+\.\d+m\b
    | \b\d[\d.]*(?:e[-+]?\d+)?(?=[ ]?(?:[nuµm]?s|secs?|seconds?|mins?|minutes?|hours?|epochs/sec)\b)''', re.VERBOSE)


class Output(NamedTuple):
    """What a cell printed and left."""

    printed: str = ''
    value: str = ''  # the text of its last line's value
    error: str = ''  # the name of the exception
    message: str = ''  # the exception in a line, with its place
    images: tuple = ()  # in Base64

    def lines(self):
        """What is compared: the printed lines, the value in one line, and the name of the exception."""
        lines = [*self.printed.split('\n'), self.value.replace('\n', ' '), f'({self.error})' if self.error else '']
        return [' '.join(line.split()) for line in lines if line.strip()]


class Notebook:
    """A notebook file.

    outputs : an Output for each cell of code
    version : 2 or 3, that of its Python, or None if the file does not say it
    numpy : the version of numpy that printed arrays as the one did with which it was stored

    Raises OSError if it cannot be read, InputError (a ValueError) if it is no notebook.
    """

    def __init__(self, path):
        with open(path, encoding='utf-8-sig') as file:
            text = file.read()
        try:
            self.content = json.loads(text)
            cells = [cell for sheet in self.content.get('worksheets', [self.content]) for cell in sheet['cells']]
            self.outputs = [_read(cell) for cell in cells if cell['cell_type'] == 'code']
            metadata = self.content.get('metadata', {})
            version = (metadata.get('language_info', {}).get('version', '')
                       or metadata.get('kernelspec', {}).get('name', '').removeprefix('python'))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(f'{path}: not a notebook ({error!r:.80})') from error
        text = ' '.join(output.printed + output.value for output in self.outputs)
        # Since 1.14 numpy prints [1. 2.] for what was [ 1.  2.].
        self.numpy = '1.21' if re.search(r'\[\d+\.\d*[] ]', text) else '1.13'
        self.version = int(version[0]) if version[:1] in ('2', '3') else None
        self.cells = cells

    def save(self, path, outputs):
        """Write the notebook, in format 4, with these outputs; cells that were not run have none."""
        outputs = iter(outputs)
        cells = []
        for cell in self.cells:
            new = {'cell_type': cell['cell_type'], 'metadata': cell.get('metadata', {}),
                   'source': cell.get('source', cell.get('input', ''))}
            if cell['cell_type'] == 'heading':
                new |= {'cell_type': 'markdown', 'source': '#' * cell.get('level', 1) + ' ' + ''.join(cell['source'])}
            if cell['cell_type'] == 'code':
                new |= {'execution_count': None, 'outputs': _to_json(next(outputs, Output()))}
            cells.append(new)
        metadata = {name: value for name, value in self.content.get('metadata', {}).items() if name != 'name'}
        content = {'cells': cells, 'metadata': metadata, 'nbformat': 4, 'nbformat_minor': 0}
        with atomic_write(path) as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=1).encode() + b'\n')


def _read(cell):
    printed = value = error = ''
    for output in cell.get('outputs', []):
        match output:
            case {'output_type': 'stream', 'text': text}:
                if output.get('name', output.get('stream', 'stdout')) == 'stdout':
                    printed += ''.join(text)
            case ({'output_type': 'execute_result', 'data': {'text/plain': text}}
                  | {'output_type': 'pyout', 'text': text}):
                value = ''.join(text)
            case {'output_type': 'error' | 'pyerr', 'ename': error}:
                pass
    return Output(printed, value, error)


def _to_json(output):
    result = [{'output_type': 'stream', 'name': 'stdout', 'text': output.printed}] if output.printed else []
    result += [{'output_type': 'display_data', 'metadata': {}, 'data': {'image/png': image}} for image in output.images]
    if output.value:
        result.append({'output_type': 'execute_result', 'execution_count': None, 'metadata': {},
                       'data': {'text/plain': output.value}})
    if output.error:
        result.append({'output_type': 'error', 'ename': output.error, 'evalue': output.message, 'traceback': []})
    return result


def _masked(lines):
    return [MASKED.sub('~', line) for line in lines]


def compare(outputs, stored):
    """Print the first difference of each cell, and how many lines are as stored. Returns whether all are.

    If nothing at all is stored, nothing differs.
    """
    if not any(old.lines() for old in stored):
        print('no output is stored', end='; ')
        return True
    n_equal = n_stored = n_masked = n_different = 0
    for number, (output, old) in enumerate(zip(outputs, stored), 1):
        here, there = output.lines(), old.lines()
        different: list[tuple] = []
        equal = 0
        for tag, i, j, k, m in difflib.SequenceMatcher(None, _masked(here), _masked(there), False).get_opcodes():
            if tag == 'equal':
                equal += j - i
                n_masked += sum(a != b for a, b in zip(here[i:j], there[k:m]))
            else:
                different += itertools.zip_longest(here[i:j], there[k:m], fillvalue='nothing')
        if different:
            print(f'cell {number}: {equal} of {len(there)} lines as stored, the first difference: '
                  'here {:.150}, stored {:.150}'.format(*different[0]))
        n_equal, n_stored, n_different = n_equal + equal, n_stored + len(there), n_different + len(different)
    mask = f', {n_masked} of them except for times and addresses' if n_masked else ''
    print(f'{n_equal} of {n_stored} lines as stored{mask}', end='; ')
    return not n_different
