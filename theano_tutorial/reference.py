"""What the original page printed and drew, and the comparison of a run with it.

Everything is in data/original: record.json has the numbers; Theano 0.8.2 drew the five pictures.
"""
import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import sys
from typing import NamedTuple

import numpy as np
from PIL import Image

from theano_tutorial.files.datasets import SETS
from theano_tutorial.files.storage import data_file

# In the order in which the page shows them.
PICTURES = ('filters_no_corruption.png', 'test_image.png', 'autoencoded_image.png', 'filters_corruption_30.png',
            'dAed_image.png')


class Check(NamedTuple):
    """One line of the comparison: `equal` of `total` items are the original's; `matches` is the verdict.

    different : the pairs (this run's, the page's) of items that are not equal; empty for pictures
    """

    subject: str
    equal: int
    total: int
    unit: str
    matches: bool
    remark: str = ''
    different: tuple = ()

    def __str__(self):
        return f'{self.subject:27}{self.equal:6} of {self.total:5} {self.unit:18} {self.remark}'.rstrip()


def record():
    """The page's numbers: the content of data/original/record.json."""
    with open(data_file(os.path.join('original', 'record.json')), encoding='utf-8') as file:
        return json.load(file)


def picture(name):
    """One of the page's five pictures: uint8 (289, 289)."""
    return read_picture(data_file(os.path.join('original', name)))


def _compare(subject, ours, theirs, unit):
    different = tuple(pair for pair in itertools.zip_longest(ours, theirs) if pair[0] != pair[1])
    equal = sum(a == b for a, b in zip(ours, theirs))
    return Check(subject, equal, len(theirs), unit, not different, different=different)


def check_data(datasets):
    """Compare ((images, labels), ...), three pairs of arrays, with mini MNIST by SHA-256."""
    sums = record()['sha256']['mini']
    ours = [hashlib.sha256(np.ascontiguousarray(values, dtype)).hexdigest()
            for pair in datasets for values, dtype in zip(pair, ('<f4', '<i8'))]
    return _compare('data', ours, [sums[name][kind] for name in SETS for kind in ('images', 'labels')], 'arrays')


def check_costs(model, costs):
    """Compare the mean costs of the epochs run, of 'autoencoder' or 'denoising_autoencoder', with those printed."""
    page = [(epoch, cost) for epoch, cost in record()[model]['costs'] if epoch < len(costs)]
    return _compare(model.replace('_', ' '), [(epoch, '%f' % costs[epoch]) for epoch, _ in page], page,
                    'costs as printed')


def check_log(text):
    """Compare what the logistic regression printed with what its page printed."""
    lines = [line for line in text.splitlines() if line.startswith(('epoch', ' ', 'Optimization'))]
    return _compare('logistic regression', lines, record()['logistic_mini']['log'], 'lines as printed')


def check_predictions(classes, probabilities):
    """Compare the predictions of the first 25 test digits with those that the logistic regression's page printed."""
    return _compare('its predictions', ['(%d, %.3f)' % prediction for prediction in zip(classes, probabilities)],
                    record()['logistic_mini']['predictions_first_25_test'], 'digits as printed')


def check_noise(matrix):
    """Compare a 10 x 10 noise matrix with the page's."""
    return _compare('noise matrix', np.ravel(matrix).tolist(), np.ravel(record()['noise_10x10']).tolist(), 'entries')


def check_picture(name, pixels):
    """Compare a picture, (289, 289), with the page's, pixel by pixel. pixels : None if there is none"""
    expected = picture(name)
    if np.shape(pixels) != expected.shape:
        return Check(name, 0, expected.size, 'pixels', False, 'no such picture')
    difference = np.abs(np.asarray(pixels, int) - expected)
    off = np.count_nonzero(difference)
    remark = f'largest difference {difference.max()}' if off else ''
    return Check(name, expected.size - off, expected.size, 'pixels', not off, remark)


class Recording(io.StringIO):
    """What is printed and saved while this is a context manager; it is printed as usual.

    printed : the text
    saved : the names of the files in `folder` that are new or changed
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.saved = set()

    def __enter__(self):
        self.before = self._times()
        self.redirection = contextlib.redirect_stdout(self)
        self.stdout = sys.stdout
        self.redirection.__enter__()
        return self

    def __exit__(self, *error):
        self.redirection.__exit__(*error)
        self.saved = {name for name, time in self._times().items() if time != self.before.get(name)}

    def _times(self):
        return {file.name: file.stat().st_mtime_ns for file in os.scandir(self.folder)}

    def write(self, text):
        self.stdout.write(text)
        return super().write(text)

    def flush(self):
        self.stdout.flush()

    @property
    def printed(self):
        return self.getvalue()


def read_costs(printed, epochs):
    """The mean costs of the epochs that a run printed, a list for each of the two models; NaN if not printed."""
    models = [[np.nan] * epochs, [np.nan] * epochs]
    model = -1
    for epoch, cost in re.findall(r'^Training epoch (\d+), cost (\d+\.\d+)$', printed, re.M):
        model += epoch == '0'
        if model < len(models) and int(epoch) < epochs:
            models[model][int(epoch)] = float(cost)
    return models


def read_noise(printed):
    """The 10 x 10 noise matrix that a run printed; an empty array if there is none."""
    rows = re.findall(r'\[((?: *[01]\.,?){10})\]', printed)
    return np.array([[float(entry) for entry in re.findall(r'[01]\.', row)] for row in rows])


def read_predictions(printed):
    """The predicted digits and their probabilities that a run printed, two lists."""
    pairs = re.findall(r'^\((\d+), (\d\.\d{3})\)$', printed, re.M)
    return [int(digit) for digit, _ in pairs], [float(probability) for _, probability in pairs]


def read_picture(path):
    """The pixels of a picture, an array."""
    with Image.open(path) as image:
        return np.asarray(image)
