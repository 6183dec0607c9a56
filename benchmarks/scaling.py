"""How time and memory grow with the data, the hidden units and the epochs.

    python -m benchmarks.scaling

Trains the denoising autoencoder of the page on mini MNIST repeated up to 50,000 images, with 50 to 1000 hidden units.
"""
import resource
import timeit

import numpy as np
import pytensor

from dA import DenoisingAutoencoder, training_function
from theano_tutorial import backend, datasets
from theano_tutorial.shared_randomstreams import RandomStreams


def seconds_an_epoch(images, n_hidden, epochs=3):
    """Mean seconds of an epoch, after one that compiles."""
    autoencoder = DenoisingAutoencoder(np.random.RandomState(123), RandomStreams(1), n_visible=784, n_hidden=n_hidden)
    train_da = training_function(autoencoder, images, 0.3, 0.1, 20)
    n_train_batches = images.get_value(borrow=True).shape[0] // 20
    for epoch in range(1 + epochs):
        if epoch == 1:
            start_time = timeit.default_timer()
        for index in range(n_train_batches):
            train_da(index)
    return (timeit.default_timer() - start_time) / epochs


def memory():
    """Peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    print('... computing', backend.use_fastest())
    mini = datasets.load('mini_mnist.pkl.gz')[0][0].astype(pytensor.config.floatX)

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
    main()
