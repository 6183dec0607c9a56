"""Theano's and Aesara's names on PyTensor: inside provide(), `import theano` and `import aesara` lead there.

A name leads to PyTensor's of the same path. THEANO has those that PyTensor has elsewhere, lacks, or has with another
meaning; INSTEAD says what to use in place of some that do not work. For any other name the error says that there is
none.
"""
import builtins
import collections
import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import warnings

import pytensor
import pytensor.tensor as pt
from pytensor.graph.replace import clone_replace
from pytensor.printing import debugprint, pp, pprint
from pytensor.scan import views
from pytensor.tensor.special import log_softmax, softmax
from pytensor.tensor.variable import _tensor_py_operators as operators

from theano_tutorial.legacy import conv, gone, mrg, nnet, tensor
from theano_tutorial.shared_randomstreams import RandomStreams

# Flags of PyTensor that cannot change after it has been imported.
STARTING = 'base_compiledir', 'compiledir', 'optimizer_excluding', 'optimizer_including', 'optimizer_requiring'


class _Config:
    """PyTensor's configuration, and what Theano alone had, which is said to have no effect."""

    def __init__(self):
        vars(self).update(device='cpu', compute_test_value='off')

    def __getattr__(self, name):
        return getattr(pytensor.config, name)

    def __setattr__(self, name, value):
        if hasattr(pytensor.config, name) and name not in STARTING:
            setattr(pytensor.config, name, value)
        else:
            if vars(self).get(name) != value:
                print(f'... theano.config.{name} = {value!r} has no effect', file=sys.stderr)
            vars(self)[name] = value

    def read_flags(self):
        """Take the flags of the environment's THEANO_FLAGS, which a program may have set before `import theano`."""
        for flag in filter(None, os.environ.get('THEANO_FLAGS', '').split(',')):
            name, _, value = (part.strip() for part in flag.partition('='))
            setattr(self, name.replace('.', '__'), value)


def _print_graph(*args, **kwargs):
    debugprint(*args, **kwargs)


COMPARISONS = {name: tensor.as_int8(getattr(pt, name)) for name in (
    'all', 'allclose', 'any', 'eq', 'ge', 'gt', 'isclose', 'isinf', 'isnan', 'le', 'lt', 'neq')}
NNET = nnet.NAMES | {'conv2d': conv.conv2d}
THEANO = {
    '': {
        '__version__': '0.8.2', 'Apply': pytensor.graph.Apply, 'Constant': pytensor.graph.Constant, 'In': tensor.In,
        'Op': pytensor.graph.Op, 'OrderedUpdates': collections.OrderedDict, 'Param': tensor.Param,
        'Variable': pytensor.graph.Variable, 'clone': clone_replace, 'config': _Config(), 'dot': pt.dot,
        'foldl': views.foldl, 'foldr': views.foldr, 'function': tensor.function, 'map': views.map, 'pp': pp,
        'pprint': pprint, 'reduce': views.reduce},
    'compat': {'OrderedDict': collections.OrderedDict},
    'compat.python2x': {'OrderedDict': collections.OrderedDict},
    'compile.ops': {'as_op': pytensor.wrap_py},
    'ifelse': {},
    'printing': {'debugprint': _print_graph},
    'tensor': COMPARISONS | {
        'Elemwise': pt.elemwise.Elemwise, 'Lop': pytensor.Lop, 'Rop': tensor.Rop, 'abs_': pt.abs,
        'addbroadcast': pt.specify_broadcastable, 'ceil': tensor.of_integers(pt.ceil), 'flatten': tensor.flatten,
        'floor': tensor.of_integers(pt.floor), 'inv': pt.reciprocal, 'iround': tensor.iround,
        'maximum': tensor.maximum, 'minimum': tensor.minimum, 'patternbroadcast': tensor.patternbroadcast,
        'round': tensor.round, 'stack': tensor.stack, 'trunc': tensor.of_integers(pt.trunc),
        'unbroadcast': lambda x, *axes: x},
    'sandbox.rng_mrg': {'MRG_RandomStreams': mrg.MRG_RandomStreams},
    'tensor.nnet': NNET,
    'tensor.shared_randomstreams': {'RandomStreams': RandomStreams},
    'tensor.signal.pool': {'max_pool_2d': conv.pool_2d, 'pool_2d': conv.pool_2d},
    'updates': {'OrderedUpdates': collections.OrderedDict},
}
# Aesara had lost Theano's limits, and its softmax of a vector was a vector.
TABLES = {'theano': THEANO, 'aesara': {'tensor.nnet': NNET | {
    'logsoftmax': lambda c, axis=-1: log_softmax(c, axis=axis), 'sigmoid': pt.sigmoid,
    'softmax': lambda c, axis=-1: softmax(c, axis=axis), 'softplus': pt.softplus}}}
# Modules whose names are elsewhere: in PyTensor, or in the tables.
MOVED = {
    'compile.debugmode': 'compile.debug.debugmode', 'compile.nanguardmode': 'compile.debug.nanguardmode',
    'gof': 'graph', 'gof.graph': 'graph.basic', 'gof.op': 'graph.op', 'scan_module': 'scan', 'tensor.opt': 'raise_op',
    'tensor.var': 'tensor.variable',
    'tensor.basic': 'tensor', 'tensor.nnet.bn': 'tensor.nnet', 'tensor.nnet.conv': 'tensor.nnet',
    'tensor.nnet.nnet': 'tensor.nnet', 'tensor.nnet.sigm': 'tensor.nnet',
    'tensor.signal.downsample': 'tensor.signal.pool',
}
INSTEAD = {'gpuarray': 'device=cpu: there are no GPUs here', 'sandbox.cuda': 'device=cpu: there are no GPUs here'}
# What Theano's `from theano.tensor import *` puts before Python's own functions.
STARRED = {'all', 'any', 'max', 'min', 'pow', 'round', 'sum'}
EMPTY: dict[str, dict] = {'matplotlib': {}, 'matplotlib.pyplot': {}, 'pylab': {}}
MISSING = object()


def _split(name):
    """The table for a name of Theano or Aesara, and PyTensor's module and name."""
    root, _, path = name.partition('.')
    parent, _, child = path.rpartition('.')
    return TABLES[root], MOVED.get(parent, parent), child


def _pytensor(path):
    return importlib.import_module(f'pytensor.{path}'.rstrip('.'))


def _is_module(name):
    table, parent, child = _split(name)
    path = MOVED.get(f'{parent}.{child}'.strip('.'), f'{parent}.{child}'.strip('.'))
    if any(f'{known}.'.startswith(f'{path}.') for known in (*table, *MOVED)):
        return True
    with contextlib.suppress(ImportError):
        return bool(importlib.util.find_spec(f'pytensor.{path}'))
    return False


def _advice(name):
    path = name.partition('.')[2]
    instead = next((INSTEAD[known] for known in INSTEAD if f'{path}.'.startswith(f'{known}.')), None)
    return f'{name} does not work here: ' + (f'use {instead}' if instead else 'PyTensor has nothing under this name')


class _Module(types.ModuleType):
    def __getattr__(self, name):
        full = f'{self.__name__}.{name}'
        if name == '__all__':
            return self._all()
        if name.startswith('__'):
            raise AttributeError(f'there is no {full} here')
        vars(self)[name] = value = self._find(full)
        return value

    def _find(self, full):
        table, parent, child = _split(full)
        value = table.get(parent, {}).get(child, MISSING)
        if value is MISSING and full.partition('.')[2] not in table:
            with contextlib.suppress(ImportError, AttributeError):
                value = getattr(_pytensor(parent), child)
        if (value is MISSING or isinstance(value, types.ModuleType)) and _is_module(full):
            return importlib.import_module(full)
        if value is MISSING:
            raise AttributeError(_advice(full))
        return value

    def _all(self):
        table, parent, child = _split(f'{self.__name__}.')
        names = set(table.get(parent, {}))
        with contextlib.suppress(ImportError):
            names |= {name for name in dir(_pytensor(parent)) if name in STARRED or not hasattr(builtins, name)}
        return [name for name in names if not name.startswith('_')]


class _Finder:
    """Finds the modules with these names, and those that are in Theano and Aesara."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in TABLES and name not in TABLES and not _is_module(name):
            raise ImportError(_advice(name), name=name)
        if name in self.names or name.split('.')[0] in TABLES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Module(spec.name) if spec.name.split('.')[0] in TABLES else types.ModuleType(spec.name)

    def exec_module(self, module):
        names = (gone.MODULES | EMPTY).get(module.__name__, {})
        vars(module).update({name: value for name, value in names.items() if not name.startswith('__')})
        if module.__name__ == 'theano':
            module.config.read_flags()


@contextlib.contextmanager
def provide():
    """Inside the block, `theano` and `aesara` lead to PyTensor, and what gone.py has is there; then all is as before.

    A printed line says so if one of the two is installed. pylab and matplotlib, which copies of the page import and do
    not use, are empty where matplotlib is missing.
    """
    provided = {*TABLES, *gone.MODULES}
    if importlib.util.find_spec('pylab') is None:
        provided |= EMPTY.keys()
    before = _remove(provided)
    for name in TABLES:
        if importlib.util.find_spec(name):
            print(f'... {name.capitalize()} is installed, but not used: its names lead to PyTensor')
    with contextlib.ExitStack() as undo, warnings.catch_warnings():
        for category in DeprecationWarning, FutureWarning, SyntaxWarning:
            warnings.simplefilter('ignore', category)
        for owner, names in gone.NAMES.items():
            for name in names.keys() - vars(owner).keys():
                setattr(owner, name, names[name])
                undo.callback(delattr, owner, name)
        for owner, name, value in (*gone.REPLACED, (operators, 'round', tensor.round),
                                   (operators, '__bool__', tensor.is_true),
                                   (operators, '__getitem__', tensor.getitem(operators.__getitem__))):
            undo.callback(setattr, owner, name, vars(owner)[name])
            setattr(owner, name, value)
        for parent, _, child in (name.rpartition('.') for name in provided):
            # An import leaves a module in its package, too.
            undo.callback(_restore, parent, child, vars(sys.modules.get(parent, _restore)).get(child, MISSING))
        finder = _Finder(provided)
        sys.meta_path.insert(0, finder)
        undo.callback(sys.modules.update, before)
        undo.callback(_remove, provided)
        undo.callback(sys.meta_path.remove, finder)
        yield


def _restore(package, name, value):
    if package in sys.modules:
        vars(sys.modules[package]).pop(name, None)
        if value is not MISSING:
            setattr(sys.modules[package], name, value)


def _remove(names):
    """Take modules of these names, and those in them, out of sys.modules. Returns them."""
    return {name: sys.modules.pop(name) for name in list(sys.modules)
            if any(f'{name}.'.startswith(f'{known}.') for known in names)}
