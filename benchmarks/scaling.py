"""How time and memory grow: with the data, the hidden units and the epochs.

    python benchmarks/scaling.py

Trains the denoising autoencoder of the page on mini MNIST repeated up to 50,000 images, with 50 to 1000 hidden units.
"""
import contextlib
import io
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))

import numpy as np  # noqa: E402
import pytensor  # noqa: E402

import backend  # noqa: E402
from command_line import ArgumentParser, run  # noqa: E402
from dA import DenoisingAutoencoder, train  # noqa: E402
from mnist_files import find, read_pickle  # noqa: E402
from shared_randomstreams import RandomStreams  # noqa: E402


def seconds_an_epoch(images, n_hidden, epochs=3):
    """Seconds of an epoch, compiling aside: the difference between a run of some epochs and one of a single epoch."""
    def seconds(training_epochs):
        numpy_rng = np.random.RandomState(123)
        autoencoder = DenoisingAutoencoder(numpy_rng, RandomStreams(1), n_visible=784, n_hidden=n_hidden)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return train(autoencoder, images, 0.3, training_epochs=training_epochs)[1]
    first = seconds(1)
    return (seconds(1 + epochs) - first) / epochs


def memory():
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    ArgumentParser('Show how time and memory grow with the data, the hidden units and the epochs.').parse_args()
    print('... computing', backend.use_fastest())
    mini = read_pickle(find('mini_mnist.pkl.gz'))[0][0].astype(pytensor.config.floatX)

    print('\n| images | seconds an epoch | microseconds an image |\n| --- | --- | --- |')
    for times in (1, 2, 4, 10):
        images = pytensor.shared(np.tile(mini, (times, 1)), borrow=True)
        seconds = seconds_an_epoch(images, 100)
        print(f'| {times * len(mini)} | {seconds:.2f} | {1e6 * seconds / (times * len(mini)):.1f} |')

    print('\n| hidden units | seconds an epoch | milliseconds a unit |\n| --- | --- | --- |')
    images = pytensor.shared(mini, borrow=True)
    for n_hidden in (50, 100, 200, 500, 1000):
        seconds = seconds_an_epoch(images, n_hidden)
        print(f'| {n_hidden} | {seconds:.2f} | {1e3 * seconds / n_hidden:.2f} |')

    print('\n| epochs | peak memory, MB |\n| --- | --- |')
    for epochs in (1, 10, 50):
        seconds_an_epoch(images, 100, epochs)
        print(f'| {epochs} | {memory():.0f} |')


if __name__ == '__main__':
    run(main)
