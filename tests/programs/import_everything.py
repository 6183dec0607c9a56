"""Import every module of the project, and print which settings of PyTensor, NumPy, BLAS and signals change."""
import importlib.util
import pkgutil
import signal
import sys

import numpy as np
import scipy.linalg  # noqa: F401
import threadpoolctl
from pytensor import config

import theano_tutorial

NAMES = 'mode', 'linker', 'cxx', 'gcc__cxxflags', 'floatX', 'optimizer'


def settings():
    return {'PyTensor': [getattr(config, name) for name in NAMES], 'NumPy': np.geterr(),
            'BLAS': {pool['filepath']: pool['num_threads'] for pool in threadpoolctl.threadpool_info()},
            'signals': [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]}


before = settings()
importlib.import_module('replay')
assert not {'numba', 'pytensor.link.numba.dispatch'} & sys.modules.keys(), 'imported too early: it takes long'
modules = [module.name for module in pkgutil.walk_packages(theano_tutorial.__path__, 'theano_tutorial.')]
for name in ['utils', 'logistic_sgd', 'dA', 'replay', *modules]:
    if name != 'theano_tutorial.notebook' or importlib.util.find_spec('matplotlib'):
        importlib.import_module(name)
after = settings()
after['BLAS'] = {path: after['BLAS'].get(path) for path in before['BLAS']}  # a module may load another one
print(*(name for name in before if before[name] != after[name]))
assert len(modules) > 20
