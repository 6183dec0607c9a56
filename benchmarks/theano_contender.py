"""Theano 0.8.2 in the benchmark, under Python 2.7: see contenders.py, and tests/theano_oracle.py to install it."""
from __future__ import division, print_function

import os
import sys
import timeit

DTYPE, CORRUPTION = sys.argv[1], float(sys.argv[2])
os.environ['THEANO_FLAGS'] = 'floatX=%s,blas.ldflags=-lopenblas' % DTYPE
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, 'tests'))
sys.argv[1:] = [DTYPE]

import theano_oracle  # noqa: E402


def main():
    images = theano_oracle.load()[0][0]
    numpy_rng, theano_rng = theano_oracle.seeded(123)
    settings = dict(theano_oracle.PAGE)
    del settings['seed']
    step, _, _ = theano_oracle.build(numpy_rng, theano_rng, images, CORRUPTION or None, **settings)
    for _ in iter(sys.stdin.readline, ''):
        start = timeit.default_timer()
        costs = [float(step(i)) for i in range(250)]
        print(timeit.default_timer() - start, sum(costs) / len(costs))
        sys.stdout.flush()


if __name__ == '__main__':
    main()
