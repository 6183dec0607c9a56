"""Draw masks where Numba cannot be imported."""
import importlib
import sys

sys.modules['numba'] = None
streams = importlib.import_module('theano_tutorial.shared_randomstreams')
rng = streams.np.random.RandomState(5)
print([streams.bernoulli(rng, p, (2, 25), 'int64').tolist() for p in map(float, sys.argv[1:])])
