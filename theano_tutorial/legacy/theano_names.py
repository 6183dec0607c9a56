"""Theano's names for the page's own cells: inside provide(), `import theano` leads to PyTensor.

Only the names that the page uses are there, and some of its author's page on logistic regression. For any other name
the error gives PyTensor's counterpart, if there is one.
"""
import contextlib
import importlib.machinery
import importlib.util
import pickle
import pydoc
import sys
import types

import pytensor
import pytensor.tensor as pt

from theano_tutorial import nnet
from theano_tutorial.shared_randomstreams import RandomStreams

TENSOR = ('arange', 'argmax', 'cast', 'dmatrix', 'dot', 'exp', 'grad', 'ivector', 'log', 'lscalar', 'matrix', 'mean',
          'neq', 'sum', 'vector')
MODULES = {
    'theano': {'config': pytensor.config, 'function': pytensor.function, 'shared': pytensor.shared},
    'theano.tensor': {name: getattr(pt, name) for name in TENSOR},
    'theano.tensor.nnet': {'sigmoid': nnet.sigmoid, 'softplus': nnet.softplus},
    'theano.tensor.shared_randomstreams': {'RandomStreams': RandomStreams},
    'cPickle': vars(pickle),  # Python 2's
}
# What to use for other names of Theano that PyTensor does not have.
INSTEAD = {
    'theano.gof': 'pytensor.graph',
    'theano.sandbox': 'theano_tutorial.shared_randomstreams.RandomStreams, which draws other numbers than rng_mrg did',
    'theano.tensor.inv': 'pytensor.tensor.reciprocal',
    'theano.tensor.nnet.binary_crossentropy': '-(t * pytensor.tensor.log(p) + (1 - t) * pytensor.tensor.log(1 - p))',
    'theano.tensor.nnet.categorical_crossentropy': '-pytensor.tensor.sum(t * pytensor.tensor.log(p), axis=1)',
    'theano.tensor.nnet.conv2d': 'pytensor.tensor.signal.convolve2d, for one image',
    'theano.tensor.nnet.relu': 'pytensor.tensor.maximum(x, 0)',
    'theano.tensor.nnet.softmax': 'pytensor.tensor.special.softmax(x, axis=-1)',
}


def _advice(name):
    if not name.startswith('theano.') or '.__' in name:
        return f'there is no {name} here'
    same = name.replace('theano', 'pytensor', 1)
    instead = INSTEAD.get(name) or (same if pydoc.locate(same) else None)
    return (f'{name} is not among the names of Theano that work here; '
            + (f'use {instead}' if instead else 'PyTensor has nothing under this name'))


class _Module(types.ModuleType):
    def __init__(self, name, names):
        super().__init__(name)
        self.__dict__.update(names, __name__=name, __path__=[], __spec__=importlib.machinery.ModuleSpec(name, None))

    def __getattr__(self, name):
        raise AttributeError(_advice(f'{self.__name__}.{name}'))


class _Advisor:
    """A finder that finds none of Theano's modules. Without it, `from X import Y` would lose the advice."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith('theano.'):
            raise ImportError(_advice(name))


@contextlib.contextmanager
def provide():
    """Inside the block, `theano` and its modules lead to PyTensor and cPickle to pickle; then all is as before.

    A printed line says so if Theano itself is installed. pylab and matplotlib, which copies of the page import and do
    not use, are empty where matplotlib is missing.
    """
    modules = {name: _Module(name, names) for name, names in MODULES.items()}
    if importlib.util.find_spec('pylab') is None:
        modules |= {name: _Module(name, {}) for name in ('pylab', 'matplotlib', 'matplotlib.pyplot')}
    for name, module in modules.items():
        parent, _, child = name.rpartition('.')
        if parent:
            setattr(modules[parent], child, module)
    roots = {name.split('.')[0] for name in modules}

    def remove():
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name.split('.')[0] in roots}

    before = remove()
    if importlib.util.find_spec('theano'):
        print('... Theano is installed, but not used: its names lead to PyTensor')
    sys.modules.update(modules)
    sys.meta_path.insert(0, _Advisor)
    try:
        yield
    finally:
        sys.meta_path.remove(_Advisor)
        remove()
        sys.modules.update(before)
