"""What the original page printed and drew, and how a run is held against it.

All of it stands in data/original: record.json has the numbers, the five pictures were drawn by genuine Theano.
"""
import hashlib
import io
import json
import os
from typing import NamedTuple

import numpy as np
from PIL import Image

from files import open_file
from mnist_files import SETS, data_file

MOST_BYTES = 2 ** 20  # the largest of the files has 67 kB

PICTURES = ('filters_no_corruption.png', 'test_image.png', 'autoencoded_image.png', 'filters_corruption_30.png',
            'dAed_image.png')

# Rounding in the last digit of a weight can tip a pixel by one grey level; which one, depends on processor and BLAS.
MOST_GREY_LEVELS = 1
MOST_PIXELS_OFF = 40


class Check(NamedTuple):
    """A line of the comparison: `equal` of `total` things are the original's; `matches`: whether that is enough."""

    subject: str
    equal: int
    total: int
    unit: str
    matches: bool
    remark: str = ''

    def __str__(self):
        return f'{self.subject:27}{self.equal:6} of {self.total:5} {self.unit:22} {self.remark}'.rstrip()


def record():
    """The page's numbers, as data/original/record.json has them."""
    return json.loads(_content('record.json'))


def picture(name):
    """One of the page's five pictures: uint8 (289, 289)."""
    with Image.open(io.BytesIO(_content(name))) as image:
        return np.asarray(image)


def _content(name):
    """The bytes of a file of data/original, when they have the sum that SHA256SUMS has for it.

    Raises OSError when a file can not be opened, ValueError naming it when it has another sum.
    """
    path = data_file(os.path.join('original', name))
    with open_file(path) as file, open_file(data_file(os.path.join('original', 'SHA256SUMS'))) as sums:
        content = file.read(MOST_BYTES)
        if f'{hashlib.sha256(content).hexdigest()}  {name}\n'.encode() not in sums.read(MOST_BYTES).splitlines(True):
            raise ValueError(f'{path}: damaged, since it has not the sum in SHA256SUMS beside it; fetch both anew')
    return content


def check_data(datasets):
    """Whether ((images, labels), ...) are the arrays of mini MNIST, by their SHA-256 sums."""
    sums = record()['sha256']['mini']
    equal = [hashlib.sha256(np.ascontiguousarray(values, dtype).tobytes()).hexdigest() == sums[name][kind]
             for name, pair in zip(SETS, datasets)
             for values, kind, dtype in zip(pair, ('images', 'labels'), ('<f4', '<i8'))]
    return Check('data', sum(equal), len(equal), 'arrays', all(equal))


def check_costs(model, costs, seconds):
    """Whether the mean costs of a model's epochs are those that the page printed, digit for digit.

    model: 'autoencoder' or 'denoising_autoencoder'. costs: one for each epoch run.
    """
    page = record()[model]
    printed = [(costs[epoch], expected) for epoch, expected in page['costs'] if epoch < len(costs)]
    equal = sum('%f' % cost == expected for cost, expected in printed)
    return Check(model.replace('_', ' '), equal, len(printed), 'costs as printed', equal == len(printed),
                 f'{seconds:.0f} s; the page, {page["seconds_page"]} s')


def check_log(lines):
    """Whether the logistic regression printed what its page printed."""
    log = record()['logistic_mini']['log']
    equal = sum(line == expected for line, expected in zip(lines, log))
    return Check('logistic regression', equal, len(log), 'lines as printed', lines == log)


def check_predictions(classes, probabilities):
    """Whether the logistic regression's predictions of the first 25 test digits are those that its page printed."""
    page = record()['logistic_mini']['predictions_first_25_test']
    printed = ['(%d, %.3f)' % prediction for prediction in zip(classes, probabilities)]
    equal = sum(prediction == expected for prediction, expected in zip(printed, page))
    return Check('its predictions', equal, len(page), 'digits as printed', equal == len(page))


def check_noise(matrix):
    """Whether the 10 x 10 noise matrix is the page's."""
    equal = np.asarray(matrix) == record()['noise_10x10']
    return Check('noise matrix', int(equal.sum()), equal.size, 'entries', bool(equal.all()))


def check_picture(name, image):
    """Whether a picture is the page's, but for a few pixels that are one grey level off."""
    expected = picture(name)
    difference = np.abs(np.asarray(image, dtype=int) - expected)
    equal = int((difference == 0).sum())
    return Check(name, equal, expected.size, 'pixels', bool(difference.max() <= MOST_GREY_LEVELS and
                                                            expected.size - equal <= MOST_PIXELS_OFF),
                 f'largest difference {difference.max()}')
