"""How time and memory grow with the data, the hidden units, the minibatch and the epochs.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --peers [--rounds N]

Trains the denoising autoencoder of the page on mini MNIST repeated up to 50,000 images, with 50 to 1000 hidden units,
and with minibatches of 10 to 600. With --peers, trains larger models on 6000 images beside JAX and PyTorch, each in a
process of its own and with all cores.
"""
import argparse
import resource
import statistics
import sys
import timeit

import numpy as np
import pytensor

from benchmarks.bench import take_turns
from dA import DenoisingAutoencoder, training_function
from theano_tutorial.compute import backend
from theano_tutorial.files import datasets
from theano_tutorial.shared_randomstreams import RandomStreams

PEERS = 'ours, C, all cores', 'JAX, lax.scan, all cores', 'PyTorch, all cores'
GRID = (20, 500), (20, 1000), (100, 1000), (600, 1000)  # images in a minibatch, hidden units


def seconds_an_epoch(images, n_hidden=100, batch_size=20, epochs=3):
    """Mean seconds of an epoch, after one that compiles."""
    autoencoder = DenoisingAutoencoder(np.random.RandomState(123), RandomStreams(1), n_visible=784, n_hidden=n_hidden)
    train_da = training_function(autoencoder, images, 0.3, 0.1, batch_size)
    n_train_batches = images.get_value(borrow=True).shape[0] // batch_size
    for epoch in range(1 + epochs):
        if epoch == 1:
            start_time = timeit.default_timer()
        for index in map(np.asarray, range(n_train_batches)):
            train_da(index)
    return (timeit.default_timer() - start_time) / epochs


def memory():
    """Peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(rounds):
    """Print seconds an epoch of this project, JAX and PyTorch, for each minibatch, number of hidden units and dtype."""
    print(f'{backend.versions()}; all cores; median of {rounds} epochs (minimum)\n\n'
          '| minibatch, hidden units | ours | JAX, lax.scan | PyTorch | ours / JAX |\n| --- | --- | --- | --- | --- |')
    for dtype in 'float64', 'float32':
        for batch_size, n_hidden in GRID:
            commands = {name: [sys.executable, '-m', 'benchmarks.contenders', name, dtype, '0.3', str(n_hidden),
                               str(batch_size), '6000'] for name in PEERS}
            results, left_out = take_turns(commands, rounds, None, None)
            medians = {name: statistics.median(seconds) for name, seconds in results.items()}
            cells = [f'{medians[name]:.3f} ({min(results[name]):.3f})' if name in results else '' for name in PEERS]
            ratio = f'{medians[PEERS[0]] / medians[PEERS[1]]:.2f}' if medians.keys() >= set(PEERS[:2]) else ''
            print(f'| {dtype}, {batch_size}, {n_hidden} | {" | ".join(cells)} | {ratio} |', flush=True)
    for name, reason in left_out.items():
        print(f'\nLeft out: {name}: {reason}')


def main():
    parser = argparse.ArgumentParser(prog='scaling', description='How time and memory grow with the sizes.')
    parser.add_argument('--peers', action='store_true', help='compare with JAX and PyTorch instead')
    parser.add_argument('--rounds', type=int, default=9, help='epochs to time of each, with --peers (default: 9)')
    options = parser.parse_args()
    print('... computing', backend.use_fastest())
    if options.peers:
        compare(options.rounds)
        return
    mini = datasets.load('mini_mnist.pkl.gz')[0][0].astype(pytensor.config.floatX)

    print('\n| images | seconds per epoch | microseconds per image |\n| --- | --- | --- |')
    for times in (1, 2, 4, 10):
        images = pytensor.shared(np.tile(mini, (times, 1)), borrow=True)
        seconds = seconds_an_epoch(images)
        print(f'| {times * len(mini)} | {seconds:.3f} | {1e6 * seconds / (times * len(mini)):.1f} |')

    print('\n| hidden units | seconds per epoch | milliseconds per unit |\n| --- | --- | --- |')
    images = pytensor.shared(mini, borrow=True)
    for n_hidden in (50, 100, 200, 500, 1000):
        seconds = seconds_an_epoch(images, n_hidden)
        print(f'| {n_hidden} | {seconds:.3f} | {1e3 * seconds / n_hidden:.2f} |')

    print('\n| images in a minibatch | seconds per epoch |\n| --- | --- |')
    for batch_size in (10, 20, 60, 200, 600):
        print(f'| {batch_size} | {seconds_an_epoch(images, batch_size=batch_size):.3f} |')

    print('\n| epochs | peak memory, MB |\n| --- | --- |')
    for epochs in (1, 10, 50):
        seconds_an_epoch(images, epochs=epochs)
        print(f'| {epochs} | {memory():.0f} |')


if __name__ == '__main__':
    main()
