"""Train a small model with a checkpoint in `file`, and kill this process at the nth function call in it (0: at none).

Prints the number of function calls in the checkpoint, and what was trained.
"""
import os
import signal
import sys

import numpy as np
import pytensor

from dA import DenoisingAutoencoder, train
from theano_tutorial.files.checkpoint import Checkpoint
from theano_tutorial.shared_randomstreams import RandomStreams

SETTINGS = {'seed': 1, 'rate': 0.1}


def build(model):
    theano_rng = RandomStreams(2)
    theano_rng.binomial(size=(3,))  # so that the model's own stream is the second
    return model(np.random.RandomState(1), theano_rng, n_visible=9, n_hidden=4)


def train_with(autoencoder, checkpoint=None, epochs=6):
    """Train, and return the costs and the parameters."""
    images = np.random.RandomState(4).uniform(size=(12, 9)).astype(pytensor.config.floatX)
    costs = train(autoencoder, pytensor.shared(images), 0.3, 0.1, epochs, batch_size=4, checkpoint=checkpoint)
    return [np.array(costs), *autoencoder.__getstate__()]


def main():
    killed_call = int(sys.argv[1])
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += 1
        if calls == killed_call:
            os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))  # TerminateProcess on Windows

    def counted(method):
        def call(*arguments):
            sys.setprofile(count)
            result = method(*arguments)
            sys.setprofile(None)
            return result
        return call

    Checkpoint.restore, Checkpoint.save = counted(Checkpoint.restore), counted(Checkpoint.save)
    trained = train_with(build(DenoisingAutoencoder), Checkpoint('file', SETTINGS))
    print(calls, [values.tolist() for values in trained], sep='\n')


if __name__ == '__main__':
    main()
