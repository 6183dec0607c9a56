"""What Python 2, NumPy and SciPy had in 2016 and have no more, or under the same name with another meaning."""
import io
import itertools
import os
import pickle
import random
import string
import sys
import time
import urllib.parse
import urllib.request

import numpy as np


def _load(file, **kwargs):
    """pickle.load as in Python 2: of a file that is open as text, too, with its str read as Latin-1."""
    return pickle.load(getattr(file, 'buffer', file), **{'encoding': 'latin1'} | kwargs)


def _loads(data, **kwargs):
    return pickle.loads(data, **{'encoding': 'latin1'} | kwargs)


def _dump(obj, file, *args, **kwargs):
    pickle.dump(obj, getattr(file, 'buffer', file), *args, **kwargs)


def _imread(path, flatten=False, mode=None):
    """An image file as an array, as SciPy's function did."""
    from PIL import Image
    image = Image.open(path)
    return np.asarray(image.convert('F' if flatten else mode or ('RGB' if image.mode == 'P' else image.mode)))


def _imsave(path, array):
    """Save an array as an image; other numbers than uint8 are scaled from their smallest to their largest."""
    from PIL import Image
    array = np.asarray(array)
    if array.dtype != np.uint8:
        low, high = array.min(), array.max()
        array = ((array - low) * (255. / (high - low or 1)) + 0.5).astype(np.uint8)
    Image.fromarray(array).save(path)


PICKLE = vars(pickle) | {'load': _load, 'loads': _loads, 'dump': _dump}
MODULES = {
    'cPickle': PICKLE, 'pickle': PICKLE, 'six.moves.cPickle': PICKLE,
    'cStringIO': vars(io), 'StringIO': vars(io), 'urllib2': vars(urllib.request) | vars(urllib.parse),
    'scipy.misc': {'imread': _imread, 'imsave': _imsave},
}
# Where these names are missing, they are added.
NAMES = {
    np: {'bool': bool, 'complex': complex, 'float': float, 'int': int, 'object': object, 'str': str,
         'float_': np.float64, 'Inf': np.inf, 'NaN': np.nan, 'infty': np.inf, 'product': np.prod},
    itertools: {'ifilter': filter, 'imap': map, 'izip': zip, 'izip_longest': itertools.zip_longest},
    os: {'getcwdu': os.getcwd},
    string: {'join': lambda words, sep=' ': sep.join(words), 'letters': string.ascii_letters,
             'lowercase': string.ascii_lowercase, 'uppercase': string.ascii_uppercase}
    | {name: getattr(str, name) for name in ('lower', 'replace', 'split', 'strip', 'upper')},
    sys: {'maxint': sys.maxsize},
    time: {'clock': time.process_time},
    urllib: {'quote': urllib.parse.quote, 'unquote': urllib.parse.unquote, 'urlencode': urllib.parse.urlencode,
             'urlopen': urllib.request.urlopen, 'urlretrieve': urllib.request.urlretrieve},
}
# These are replaced: with them shuffle, choice, sample and randint of a seeded generator draw what Python 2 drew.
REPLACED = [(random.Random, '_randbelow', lambda self, n: int(self.random() * n))]
