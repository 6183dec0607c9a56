"""The cells in a copy of the page: text or HTML, a notebook, or what nbconvert makes of a notebook."""
import ast
import codecs
import contextlib
import html
import json
import os
import re

from theano_tutorial.errors import InputError

PROMPT = r'In(?:\s|&nbsp;)*\[(?:[\d\s*]|&nbsp;)*\]:'
# The calls that nbconvert makes of commands to Jupyter in a .py file, and the commands.
CALLS = {'run_cell_magic': '%%{} {}\n{}', 'run_line_magic': '%{} {}', 'magic': '%{}', 'system': '!{}',
         'getoutput': '!{}'}


def read_cells(path):
    """The cells of a copy of the page, a list of str, and whether output and prose can follow the code in them.

    path : a notebook, or one that nbconvert saved as HTML, .py or .md; or text or HTML with a line before each cell, in
        UTF-8, UTF-16, EUC-JP or Shift JIS

    Raises OSError if it cannot be read, InputError (a ValueError) if it has no cells.
    """
    with open(path, 'rb') as file:
        content = file.read()
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in 'utf-16' if is_utf16 else 'utf-8-sig', 'euc_jp', 'cp932', 'latin-1':
        with contextlib.suppress(UnicodeDecodeError):
            text = content.decode(encoding).replace('\r\n', '\n').lstrip()
            break
    cells = _exact_cells(path, text)
    is_mixed = cells is None
    if is_mixed:
        if text.startswith('<'):
            text = re.sub(r'(?is)<(script|style)\b.*?</\1>|<!--.*?-->', '', text)
            text = _text(re.sub(r'(?i)</?(br|div|dd|dt|h\d|hr|li|p|pre|table|td|tr|ul)\b[^>]*>', '\n', text))
        # The line before a cell, on the page and in a notebook's text, with the empty lines below it.
        cells = re.split(rf'(?m)^ *(?:sageへの入力[:：]|{PROMPT}) *$(?:\s*\n)?', text.replace('\xa0', ' '))[1:]
    if not any(cells):
        raise InputError(f'{path}: no cells; in text and HTML a line "sageへの入力:" should precede each, '
                         'in .md a line "```python"')
    return cells, is_mixed


def _exact_cells(path, text):
    """The cells of a notebook, or of what nbconvert makes of one; None for other text."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix == '.py':  # before the first prompt there are only comments, or a cell
        first, *sources = re.split(r'(?m)^# In\[[\d ]*\]:$\s*', text)
        sources = [first] * bool(re.search(r'^[^#\s]', first, re.M)) + sources
        calls = re.compile(rf'get_ipython\(\)\.({"|".join(CALLS)})\((.*)\)$', re.M)
        return [calls.sub(_command, source) for source in sources]
    if suffix == '.md':  # cells in other languages begin with a command, such as %%bash
        return re.findall(r'^```(?:i?python\d?|\w+(?=\n%%))\n(.*?)^```$', text, re.M | re.S)
    if text.startswith('{'):
        try:
            notebook = json.loads(text)
            cells = [cell for sheet in notebook.get('worksheets', [notebook]) for cell in sheet['cells']]
            return [''.join(cell.get('source', cell.get('input'))).replace('\r\n', '\n')
                    for cell in cells if cell['cell_type'] == 'code']
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(f'{path}: not a notebook ({error!r:.80})') from error
    areas = re.split(rf'<div class="[^"]*[Ii]nput_?[Pp]rompt[^"]*">\s*{PROMPT}\s*</div>', text)[1:]
    code = [re.findall(r'<div class="[^"]*\bhighlight\b[^"]*">\s*<pre>(.*?)</pre>', area, re.S) for area in areas]
    return [_text(found[0]) for found in code] if code and all(code) else None


def _command(call):
    try:
        return CALLS[call[1]].format(*ast.literal_eval(f'({call[2]},)'))
    except (ValueError, SyntaxError, IndexError):  # not made by nbconvert
        return call[0]


def _text(markup):
    return html.unescape(re.sub(r'<[^>]*>', '', markup))
