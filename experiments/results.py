"""The CSV files of results: reading, adding the rows of a run, and means with their intervals."""
import csv
import io
import math
import os

import numpy as np
from filelock import FileLock
from scipy import stats

from theano_tutorial.files.storage import atomic_write

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'results')


def parse(text):
    """A cell as an int or a float if it is one, else as text."""
    for kind in int, float:
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def read(path):
    """The rows of a CSV file, dicts of numbers and text without the empty cells; none if there is no file."""
    if not os.path.exists(path):
        return []
    with open(path, newline='', encoding='utf-8') as file:
        return [{name: parse(text) for name, text in row.items() if text} for row in csv.DictReader(file)]


def add(path, rows):
    """Add rows to a CSV file. The file is never incomplete, and another sweep may add to it at the same time."""
    with FileLock(f'{path}.lock'):
        rows = read(path) + rows
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)
        with atomic_write(path) as file:
            file.write(text.getvalue().encode())


def select(rows, **values):
    """The rows that have these values."""
    return [row for row in rows if all(row.get(name) == value for name, value in values.items())]


def mean(values):
    """The mean of the runs, and half the width of its 95 % interval by Student's t; NaN for a single run."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return values.mean(), np.nan
    return values.mean(), stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)


def minus(rows, name, by, measure):
    """The rows with the measure less that of the row of this name with the same columns `by` and the same seed."""
    values = {tuple(row[column] for column in [*by, 'seed']): row[measure] for row in select(rows, name=name)}
    return [row | {measure: row[measure] - values[tuple(row[column] for column in [*by, 'seed'])]}
            for row in rows if row['name'] != name]


def groups(rows, names):
    """{values of the columns `names`: the rows with these values}, in order."""
    found = {}
    for row in rows:
        found.setdefault(tuple(row.get(name, '') for name in names), []).append(row)
    return dict(sorted(found.items(), key=lambda item: [(isinstance(value, str), value) for value in item[0]]))


def text(values):
    """The mean of the runs with its interval, as text: '75.49 ± 0.27'; without one if all runs have the same value."""
    middle, half = mean(values)
    if not half > 1e-9 * abs(middle):
        return f'{middle:.4g}'
    decimals = max(0, 1 - math.floor(math.log10(half)))
    return f'{middle:.{decimals}f} ± {half:.{decimals}f}'


def table(rows, by, measure, scale=1):
    """A measure, times scale, as text: a line for each combination of the columns in `by`, a column for each name."""
    names = list(dict.fromkeys(row['name'] for row in rows if measure in row))
    lines = [[*by, *names]]
    for values, group in groups(rows, by).items():
        cells = [[scale * row[measure] for row in select(group, name=name) if measure in row] for name in names]
        lines.append([*map(str, values), *(text(cell) if cell else '' for cell in cells)])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return '\n'.join('  '.join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)
