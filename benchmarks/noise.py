"""Time an epoch with the noise of two implementations: what the corruption adds to the plain autoencoder.

    python -m benchmarks.noise [--rounds N]

"Generator": a uniform draw of PyTensor's random variables from a numpy Generator of MT19937, compared with a threshold,
which is how this project drew its noise before theano_tutorial/compute/mersenne_twister.py. Both draw the same mask.
"""
import argparse
import math
import statistics
import timeit

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.random.basic import UniformRV
from pytensor.tensor.random.variable import shared_rng

from dA import Autoencoder, DenoisingAutoencoder, training_function
from theano_tutorial.compute import backend
from theano_tutorial.files import datasets
from theano_tutorial.shared_randomstreams import RandomStreams


class Uniform01(UniformRV):
    """PyTensor's uniform for the bounds 0 and 1, drawn by the fastest of numpy's methods."""

    @classmethod
    def rng_fn(cls, rng, low, high, size):
        return rng.random(size)


class GeneratorNoise(DenoisingAutoencoder):
    def get_corrupted_input(self, input, corruption_level):
        bits = np.random.MT19937(0)
        bits.state = np.random.RandomState(self.theano_rng.gen_seedgen.randint(2 ** 30)).get_state(legacy=False)
        rng = shared_rng(np.random.Generator(bits), borrow=True)
        next_rng, uniform = Uniform01(dtype='float64')(0., 1., size=input.shape, rng=rng, return_next_rng=True)
        self.theano_rng.state_updates.append((rng, next_rng))
        return pt.cast(uniform <= math.exp(math.log(1 - corruption_level)), pytensor.config.floatX) * input


def main():
    parser = argparse.ArgumentParser(prog='noise', description='Time an epoch with two implementations of the noise.')
    parser.add_argument('--rounds', type=int, default=15, help='epochs to time of each (default: 15)')
    rounds = parser.parse_args().rounds
    print(f'... computing {backend.use_fastest()}; {backend.versions()}; median of {rounds} epochs\n')
    print('| seconds per epoch | plain | denoising, Generator | denoising | excess, Generator | excess |')
    print('| --- | --- | --- | --- | --- | --- |')
    for floatX in 'float64', 'float32':
        pytensor.config.floatX = floatX
        images = pytensor.shared(datasets.load('mini_mnist.pkl.gz')[0][0].astype(floatX), borrow=True)
        functions, costs, seconds = [], [], [[], [], []]
        for model in Autoencoder, GeneratorNoise, DenoisingAutoencoder:
            rng = np.random.RandomState(123)
            autoencoder = model(rng, RandomStreams(rng.randint(2 ** 30)), n_visible=784, n_hidden=100)
            functions.append(training_function(autoencoder, images, 0.3, 0.1, 20))
        for _ in range(1 + rounds):
            for function, results in zip(functions, seconds):
                start = timeit.default_timer()
                costs.append(np.mean([function(i) for i in range(250)]))
                results.append(timeit.default_timer() - start)
        assert costs[1] == costs[2], 'the two draw different masks'
        plain, before, now = (statistics.median(results[1:]) for results in seconds)
        print(f'| {floatX} | {plain:.4f} | {before:.4f} | {now:.4f} | {before - plain:.4f} | {now - plain:.4f} '
              f'({(now - plain) / (before - plain):.0%}) |')


if __name__ == '__main__':
    main()
