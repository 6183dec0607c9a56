"""Print what use_fastest() returns, the settings that it changes, and the BLAS threads after it.

The arguments are modules that count as not installed.
"""
import importlib
import sys

import threadpoolctl

SETTINGS = 'mode', 'linker', 'cxx', 'gcc__cxxflags'


def main():
    sys.modules.update(dict.fromkeys(sys.argv[1:]))
    from pytensor import config

    from theano_tutorial.compute import backend
    from theano_tutorial.errors import InputError
    before = [getattr(config, name) for name in SETTINGS]
    try:
        used = backend.use_fastest()
        print(used)
        assert not used.startswith(('in C', 'with NumPy')) or backend.use_fastest() == used
    except InputError as error:
        print(error)
    if config.linker != 'cvm':
        importlib.import_module('scipy.linalg')  # which Numba's products come from
    print(*(name for name, value in zip(SETTINGS, before) if getattr(config, name) != value))
    print({pool['num_threads'] for pool in threadpoolctl.threadpool_info() if pool['user_api'] == 'blas'})


main()
