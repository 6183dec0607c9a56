"""Denoising autoencoder: a network that learns to give back its input, even from a damaged copy of it.

    tilde_x = x, each pixel kept with probability 1 - corruption_level, else 0    corrupt
    y = s(tilde_x W + b)                                                          encode
    z = s(y W' + b')                    with the tied weights W' = W^T            decode
    L(x, z) = - sum_k [x_k log z_k + (1 - x_k) log(1 - z_k)]                      cross-entropy

s is the sigmoid; x is a row. Without the first line it is the plain autoencoder.

    python dA.py

trains both on a tenth of MNIST and saves pictures of what they learned; python dA.py --help lists the options.

Sources: P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, "Extracting and Composing Robust Features with Denoising
Autoencoders", ICML 2008; DeepLearning 0.1 tutorials, "Denoising Autoencoders (dA)"; H. Takemoto's page, see the README.
"""
if __name__ == '__main__':
    import command_line
    command_line.end_on_ctrl_c()  # the imports below take a second

import sys
import timeit

import numpy as np
import pytensor
import pytensor.tensor as pt
from tqdm import tqdm

import backend
import command_line
from checkpoints import open_checkpoint
from files import make_folder
from logistic_sgd import load_data
from pictures import save_image, tiles
from rewrites import stabilize
from shared_randomstreams import RandomStreams


class Autoencoder:
    """Autoencoder with tied weights.

    numpy_rng: numpy RandomState that draws the first weights, and the seed of theano_rng where none is given.
    theano_rng: RandomStreams for the noise.
    input: symbolic matrix (batch, n_visible), numbers from 0 to 1; a new one where none is given.
    n_visible, n_hidden: numbers of units.
    W, bhid, bvis: shared (n_visible, n_hidden), (n_hidden,) and (n_visible,), to share parameters with another model;
        new ones where none are given: W uniform within +-4 sqrt(6 / (n_visible + n_hidden)), both biases 0.

    A pickle or a copy of it holds the parameters alone; it gets an input and, for the noise, a random seed of its own.
    """

    def __init__(self, numpy_rng, theano_rng=None, input=None, n_visible=784, n_hidden=500,
                 W=None, bhid=None, bvis=None):
        self.n_visible = n_visible
        self.n_hidden = n_hidden

        if theano_rng is None:
            theano_rng = RandomStreams(numpy_rng.randint(2 ** 30))

        if W is None:
            bound = 4 * np.sqrt(6.0 / (n_hidden + n_visible))
            initial_W = numpy_rng.uniform(low=-bound, high=bound, size=(n_visible, n_hidden))
            W = pytensor.shared(np.asarray(initial_W, dtype=pytensor.config.floatX), name='W', borrow=True)

        if bhid is None:
            bhid = pytensor.shared(np.zeros(n_hidden, dtype=pytensor.config.floatX), name='b', borrow=True)

        if bvis is None:
            bvis = pytensor.shared(np.zeros(n_visible, dtype=pytensor.config.floatX), name='b_prime', borrow=True)

        self.W = W
        self.b = bhid
        self.W_prime = self.W.T
        self.b_prime = bvis
        self.params = [self.W, self.b, self.b_prime]

        self.theano_rng = theano_rng
        self.x = pt.matrix('input') if input is None else input

    def get_corrupted_input(self, input, corruption_level):
        """tilde_x, (batch, n_visible): for the plain autoencoder the input as it is."""
        return input

    def get_hidden_values(self, input):
        """y = s(x W + b), (batch, n_hidden)."""
        return pt.sigmoid(pt.dot(input, self.W) + self.b)

    def get_reconstructed_input(self, hidden):
        """z = s(y W' + b'), (batch, n_visible)."""
        return pt.sigmoid(pt.dot(hidden, self.W_prime) + self.b_prime)

    def get_cost_updates(self, corruption_level, learning_rate):
        """The cost of a minibatch and one step of gradient descent on it.

        corruption_level: probability from 0 to 1 that a pixel is destroyed. learning_rate: the step's factor.
        Returns (cost, updates): a symbolic scalar, and the pairs (shared variable, new value) for pytensor.function.
        """
        tilde_x = self.get_corrupted_input(self.x, corruption_level)
        y = self.get_hidden_values(tilde_x)
        z = self.get_reconstructed_input(y)

        # One cross-entropy for each example of the minibatch, and their mean.
        L = -pt.sum(self.x * pt.log(z) + (1 - self.x) * pt.log(1 - z), axis=1)
        # The same number, from what goes into the sigmoid of z: finite even where z rounds to 0 or 1, and faster.
        cost = stabilize(pt.mean(L))

        gparams = pt.grad(cost, self.params)
        updates = [(param, param - learning_rate * gparam) for param, gparam in zip(self.params, gparams)]

        # Theano stepped the noise by itself at each call; PyTensor wants the step among the updates.
        updates += self.theano_rng.updates([cost])

        return cost, updates

    def feedforward(self):
        """z for the model's own input x, uncorrupted: (batch, n_visible)."""
        return self.get_reconstructed_input(self.get_hidden_values(self.x))

    def __getstate__(self):
        """The arrays of W, b and b_prime."""
        return self.W.get_value(), self.b.get_value(), self.b_prime.get_value()

    def __setstate__(self, state):
        W, b, b_prime = state
        if not hasattr(self, 'params'):  # Unpickled: nothing has made the variables yet.
            Autoencoder.__init__(self, None, RandomStreams(), None, *W.shape, W=pytensor.shared(W, name='W'),
                                 bhid=pytensor.shared(b, name='b'), bvis=pytensor.shared(b_prime, name='b_prime'))
        shapes = [param.get_value(borrow=True).shape for param in self.params]
        if shapes != [value.shape for value in state]:
            raise ValueError(f'the state has shapes {[value.shape for value in state]}, the model {shapes}')
        for param, value in zip(self.params, state):
            param.set_value(value.astype(param.dtype))


class DenoisingAutoencoder(Autoencoder):
    """Autoencoder that is shown a corrupted input and has to give back the clean one."""

    def get_corrupted_input(self, input, corruption_level):
        """tilde_x, (batch, n_visible): the input, each pixel set to 0 with probability corruption_level."""
        return self.theano_rng.binomial(size=input.shape, n=1, p=1 - corruption_level,
                                        dtype=pytensor.config.floatX) * input


dA = DenoisingAutoencoder  # its name in the DeepLearning tutorials


def train(autoencoder, train_set_x, corruption_level, learning_rate=0.1, training_epochs=200, batch_size=20,
          print_every=10, checkpoint=None):
    """Train by gradient descent on minibatches, and print the cost every `print_every` epochs.

    train_set_x: shared matrix (n, n_visible). checkpoint: a Checkpoint, to go on from it and to save each epoch.
    Returns the mean cost of each epoch, and the seconds of it all; under Numba the first call compiles.
    Raises ValueError when there are fewer than batch_size examples, FloatingPointError when a cost or a parameter is
    not finite, and what Checkpoint raises.
    """
    n_train_batches = train_set_x.get_value(borrow=True).shape[0] // batch_size
    if n_train_batches == 0:
        raise ValueError(f'a batch of {batch_size} is larger than the training set')

    print(f'... compiling {type(autoencoder).__name__}', file=sys.stderr)
    index = pt.lscalar()
    cost, updates = autoencoder.get_cost_updates(corruption_level=corruption_level, learning_rate=learning_rate)
    train_da = pytensor.function(
        [index], cost, updates=updates,
        givens={autoencoder.x: train_set_x[index * batch_size: (index + 1) * batch_size]})

    costs, seconds = checkpoint.restore(autoencoder, training_epochs) if checkpoint else ([], 0.)
    start_time = timeit.default_timer() - seconds
    for epoch in tqdm(range(len(costs), training_epochs), unit='epoch', leave=False, disable=None):
        c = [train_da(batch_index) for batch_index in range(n_train_batches)]
        costs.append(np.mean(c))
        if not all(np.isfinite(numbers).all() for numbers in (costs[-1], *autoencoder.__getstate__())):
            raise FloatingPointError(f'epoch {epoch} gave numbers that are not finite; try a smaller learning rate')
        if epoch % print_every == 0:
            tqdm.write('Training epoch %d, cost %f' % (epoch, costs[-1]))
        if checkpoint:
            checkpoint.save(autoencoder, costs, timeit.default_timer() - start_time)
    training_time = timeit.default_timer() - start_time
    print('time: %ds' % training_time)
    return costs, training_time


def main():
    parser = command_line.ArgumentParser('Train a plain and a denoising autoencoder, save pictures of their weights.')
    parser.add_argument('--dataset', default='mini_mnist.pkl.gz', help='gzipped pickle of the train, valid, test sets')
    parser.add_argument('--epochs', type=command_line.positive_int, default=200, help='passes over the training set')
    parser.add_argument('--batch-size', type=command_line.positive_int, default=20, help='examples in a minibatch')
    parser.add_argument('--learning-rate', type=command_line.positive_float, default=0.1, help='factor of each step')
    parser.add_argument('--n-hidden', type=command_line.positive_int, default=100, help='hidden units')
    parser.add_argument('--corruption', type=command_line.probability, default=0.3, help='part of the pixels destroyed')
    parser.add_argument('--seed', type=command_line.seed, default=123, help='of the weights and the noise')
    parser.add_argument('--output-dir', default='output', help='folder for the pictures')
    parser.add_argument('--print-every', type=command_line.positive_int, default=10,
                        help='epochs between costs printed')
    parser.add_argument('--checkpoint', help='file that keeps each epoch, and goes on from there if it is there')
    options = parser.parse_args()
    print('... computing', backend.use_fastest())

    try:
        make_folder(options.output_dir)
        train_set_x = load_data(options.dataset)[0][0]
        images = train_set_x.get_value(borrow=True)
        if len(images) < options.batch_size:
            raise ValueError(f'--batch-size {options.batch_size} is larger than the {len(images)} training examples')
        with open_checkpoint(options.checkpoint, images, batch_size=options.batch_size, n_hidden=options.n_hidden,
                             learning_rate=options.learning_rate, corruption=options.corruption,
                             seed=options.seed) as checkpoint:
            for model, corruption_level, name in (
                    (Autoencoder, 0., 'no_corruption'),
                    (DenoisingAutoencoder, options.corruption, f'corruption_{options.corruption * 100:.0f}')):
                rng = np.random.RandomState(options.seed)
                theano_rng = RandomStreams(rng.randint(2 ** 30))
                # The page draws its noise matrix here, from the first stream; the model's noise comes from the second.
                theano_rng.binomial(size=(10, 10), n=1, p=1 - corruption_level)
                autoencoder = model(rng, theano_rng, n_visible=images.shape[1], n_hidden=options.n_hidden)
                train(autoencoder, train_set_x, corruption_level, options.learning_rate, options.epochs,
                      options.batch_size, options.print_every, checkpoint)
                filters = tiles(autoencoder.W.get_value(borrow=True).T)
                print('saved', save_image(filters, options.output_dir, f'filters_{name}.png'))
    except (OSError, ValueError, FloatingPointError) as error:
        parser.error(error)


if __name__ == '__main__':
    command_line.run(main)
