"""Draw a mask where Numba cannot be imported."""
import importlib
import sys

sys.modules['numba'] = None
streams = importlib.import_module('theano_tutorial.shared_randomstreams')
rng = streams.np.random.RandomState(5)
print(streams.bernoulli(rng, 0.3, (50,), 'int64').tolist())
