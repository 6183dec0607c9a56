"""Draw masks where Numba cannot be imported."""
import importlib
import sys

import numpy as np

sys.modules['numba'] = None
mersenne_twister = importlib.import_module('theano_tutorial.compute.mersenne_twister')
rng = np.random.RandomState(5)
print([mersenne_twister.bernoulli(rng, p, (2, 25), 'int64').tolist() for p in map(float, sys.argv[1:])])
