"""The CSV files of results: reading, adding the rows of a run, and means with their intervals."""
import csv
import io
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


def difference(rows, others, measure):
    """The mean of measure(rows) - measure(others), paired by the seed, and half the width of its 95 % interval."""
    values = {row['seed']: row[measure] for row in others}
    return mean([row[measure] - values[row['seed']] for row in rows])


def groups(rows, names):
    """{values of the columns `names`: the rows with these values}, in order."""
    found = {}
    for row in rows:
        found.setdefault(tuple(row.get(name, '') for name in names), []).append(row)
    return dict(sorted(found.items(), key=lambda item: [(isinstance(value, str), value) for value in item[0]]))


def table(rows, names, measures):
    """A table as text: a line for each combination of the columns `names`, each measure as mean +- interval."""
    lines = [[*names, 'runs', *measures]]
    for values, group in groups(rows, names).items():
        cells = ['%.4g +- %.2g' % mean([row[name] for row in group]) if name in group[0] else '' for name in measures]
        lines.append([*map(str, values), str(len(group)), *(cell.replace(' +- nan', '') for cell in cells)])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
