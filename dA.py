"""Denoising autoencoder: a network that is trained to reconstruct its input from a corrupted copy of it.

    y = s(tilde_x W + b)                                                          (1)
    z = s(y W' + b')  with tied weights W' = W^T                                  (2)
    L(x, z) = -sum_k [x_k log z_k + (1 - x_k) log(1 - z_k)]                       (3)
    tilde_x = x with each pixel set to 0 with probability corruption_level        (4)

s is the sigmoid; x is a row vector with values in [0, 1]. In the plain autoencoder tilde_x is x itself. `python dA.py`
trains both on a tenth of MNIST and saves their filters as images; `python dA.py --help` lists its options.

P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, "Extracting and Composing Robust Features with Denoising
Autoencoders", ICML 2008; DeepLearning 0.1 tutorials, "Denoising Autoencoders (dA)"; H. Takemoto's page, see README.md.
"""
import timeit

import numpy as np
import pytensor
import pytensor.tensor as pt
from tqdm import tqdm

from logistic_sgd import load_data
from theano_tutorial import command_line
from theano_tutorial.errors import InputError
from theano_tutorial.files import models
from theano_tutorial.files.datasets import as_shared
from theano_tutorial.nnet import sigmoid, stabilize
from theano_tutorial.shared_randomstreams import RandomStreams
from utils import save_tiles


class Autoencoder:
    """Autoencoder with tied weights.

    numpy_rng : numpy.random.RandomState that draws the initial weights
    theano_rng : RandomStreams that draws the noise; seeded from numpy_rng if None
    input : symbolic matrix (batch, n_visible) with values in [0, 1]; created if None
    n_visible, n_hidden : number of input and of hidden units
    W, bhid, bvis : shared variables of another model, to share its parameters; created if None
    """

    def __init__(self, numpy_rng, theano_rng=None, input=None, n_visible=784, n_hidden=500,
                 W=None, bhid=None, bvis=None):
        self.n_visible = n_visible
        self.n_hidden = n_hidden
        floatX = pytensor.config.floatX
        if theano_rng is None:
            theano_rng = RandomStreams(numpy_rng.randint(2 ** 30))
        if W is None:
            bound = 4 * np.sqrt(6. / (n_hidden + n_visible))  # Glorot and Bengio (2010), for the sigmoid
            initial_W = numpy_rng.uniform(low=-bound, high=bound, size=(n_visible, n_hidden))
            W = pytensor.shared(initial_W.astype(floatX), name='W')
        if bhid is None:
            bhid = pytensor.shared(np.zeros(n_hidden, floatX), name='b')
        if bvis is None:
            bvis = pytensor.shared(np.zeros(n_visible, floatX), name='b_prime')

        self.W = W
        self.b = bhid
        self.W_prime = self.W.T
        self.b_prime = bvis
        self.params = [self.W, self.b, self.b_prime]
        self.theano_rng = theano_rng
        self.x = pt.matrix('input') if input is None else input

    def get_corrupted_input(self, input, corruption_level):
        """Return the input unchanged; DenoisingAutoencoder overrides this."""
        return input

    def get_hidden_values(self, input):
        """y, (batch, n_hidden): equation (1)."""
        return sigmoid(pt.dot(input, self.W) + self.b)

    def get_reconstructed_input(self, hidden):
        """z, (batch, n_visible): equation (2)."""
        return sigmoid(pt.dot(hidden, self.W_prime) + self.b_prime)

    def get_cost_updates(self, corruption_level, learning_rate):
        """Return (cost, updates): the symbolic mean cost of a minibatch, and pairs (shared variable, new value).

        The shared variables are the parameters and the states of the random streams.
        """
        tilde_x = self.get_corrupted_input(self.x, corruption_level)
        y = self.get_hidden_values(tilde_x)
        z = self.get_reconstructed_input(y)
        # Equation (3) for each example of the minibatch: a vector.
        L = -pt.sum(self.x * pt.log(z) + (1 - self.x) * pt.log(1 - z), axis=1)
        cost = stabilize(pt.mean(L))  # the same in one pass, with dL/da = z - x for z = s(a): faster, and no log of 0

        gparams = pt.grad(cost, self.params)
        updates = [(param, param - learning_rate * gparam) for param, gparam in zip(self.params, gparams)]
        # The new states of the random streams. They are stored by default, as in Theano; PyTensor's way is explicit.
        updates += self.theano_rng.updates([cost])
        return cost, updates

    def feedforward(self):
        """z for the uncorrupted input: (batch, n_visible)."""
        return self.get_reconstructed_input(self.get_hidden_values(self.x))

    def __getstate__(self):
        """Return the values of W, b and b_prime, which are what a pickle or a copy of the model contains."""
        return self.W.get_value(), self.b.get_value(), self.b_prime.get_value()

    def __setstate__(self, state):
        """Set the values of W, b and b_prime. A model that is unpickled or copied has a new input and new streams."""
        floatX = pytensor.config.floatX
        if not hasattr(self, 'params'):  # __init__ has not run
            parameters = [pytensor.shared(value.astype(floatX)) for value in state]
            Autoencoder.__init__(self, np.random.RandomState(0), None, None, *state[0].shape, *parameters)
        for param, value in zip(self.params, state):
            param.set_value(value.astype(floatX))


class DenoisingAutoencoder(Autoencoder):
    """Autoencoder that is trained to reconstruct the input from a corrupted copy of it."""

    def get_corrupted_input(self, input, corruption_level):
        """tilde_x, (batch, n_visible): equation (4)."""
        return self.theano_rng.binomial(size=input.shape, n=1, p=1 - corruption_level,
                                        dtype=pytensor.config.floatX) * input


def training_function(autoencoder, train_set_x, corruption_level, learning_rate, batch_size):
    """Compile train_da(index): one gradient descent step on minibatch `index`, which returns its cost."""
    index = pt.lscalar('index')
    cost, updates = autoencoder.get_cost_updates(corruption_level, learning_rate)
    return pytensor.function([index], cost, updates=updates, givens={
        autoencoder.x: train_set_x[index * batch_size: (index + 1) * batch_size]})


def train(autoencoder, train_set_x, corruption_level, learning_rate=0.1, training_epochs=200, batch_size=20,
          checkpoint=None):
    """Train on minibatches and print the mean cost of every tenth epoch. Returns the mean costs of all epochs, a list.

    train_set_x : array or shared matrix (n, n_visible) with values in [0, 1]; the last n % batch_size are not used
    checkpoint : None, or a Checkpoint, to resume from and to save the state to after each epoch

    Raises InputError (a ValueError) if the images or the batch size are not valid or the checkpoint has more epochs,
    FloatingPointError if a cost or a parameter becomes infinite or NaN.
    """
    train_set_x = as_shared(train_set_x, autoencoder.n_visible, batch_size)
    n_train_batches = train_set_x.get_value(borrow=True).shape[0] // batch_size
    print('... compiling', type(autoencoder).__name__)
    train_da = training_function(autoencoder, train_set_x, corruption_level, learning_rate, batch_size)
    costs = checkpoint.restore(autoencoder, train_set_x) if checkpoint else []
    if len(costs) > training_epochs:
        raise InputError(f'{checkpoint.path} has {len(costs)} epochs already; train for as many, or use another file')
    start_time = timeit.default_timer()
    for epoch in tqdm(range(training_epochs), unit='epoch', leave=False, disable=None):  # a progress bar
        if epoch == len(costs):  # else the checkpoint has the cost of this epoch
            # As arrays: PyTensor takes 8 microseconds to check an int, 2 to 4% of a step.
            c = [train_da(batch_index) for batch_index in map(np.asarray, range(n_train_batches))]
            costs.append(float(np.mean(c)))
            if not all(np.isfinite(values).all() for values in (costs, *autoencoder.__getstate__())):
                raise FloatingPointError(f'non-finite cost or parameter in epoch {epoch}; try a smaller learning rate')
            if checkpoint:
                checkpoint.save(autoencoder, costs)
        if epoch % 10 == 0:
            tqdm.write('Training epoch %d, cost %f' % (epoch, costs[epoch]))
    print('time: %ds' % (timeit.default_timer() - start_time))
    return costs


def main(dataset='mini_mnist.pkl.gz', epochs=200, batch_size=20, learning_rate=0.1, n_hidden=100, corruption=0.3,
         seed=123, only='both', output_dir='output', image_shape=None, checkpoint=None):
    """Train a plain and a denoising autoencoder; save the models, their filters and reconstructions of test images."""
    if only not in ('both', 'plain', 'denoising'):
        raise InputError(f'only is {only!r}; expected both, plain or denoising')
    datasets = load_data(dataset, image_shape)
    train_set_x, test_set_x = datasets[0][0], datasets[2][0]
    n_visible = train_set_x.get_value(borrow=True).shape[1]
    image_shape, pixel_scale = datasets.image_shape, datasets.pixel_scale
    settings = dict(learning_rate=learning_rate, batch_size=batch_size, seed=seed)
    save_tiles(test_set_x.get_value(borrow=True)[:100], image_shape, f'{output_dir}/test_image.png')

    # The autoencoder, its filters, and what it makes of the test images.
    if only != 'denoising':
        rng = np.random.RandomState(seed)
        theano_rng = RandomStreams(rng.randint(2 ** 30))
        autoencoder = Autoencoder(rng, theano_rng, n_visible=n_visible, n_hidden=n_hidden)
        costs = train(autoencoder, train_set_x, 0., learning_rate, epochs, batch_size, checkpoint)
        models.save(autoencoder, f'{output_dir}/autoencoder.npz', image_shape, pixel_scale, corruption=0.,
                    epochs=len(costs), **settings)
        save_tiles(autoencoder.W.get_value().T, image_shape, f'{output_dir}/filters_no_corruption.png')
        y = autoencoder.get_hidden_values(test_set_x[:100])
        z = autoencoder.get_reconstructed_input(y)
        save_tiles(z.eval(), image_shape, f'{output_dir}/autoencoded_image.png')

    # The same with noise. The matrix that is printed first, as on the page, uses the first random stream, so that the
    # training uses the second: its costs depend on this. The initial weights are those of the autoencoder above.
    if only != 'plain':
        rng = np.random.RandomState(seed)
        theano_rng = RandomStreams(rng.randint(2 ** 30))
        print(theano_rng.binomial(size=(10, 10), n=1, p=1 - corruption, dtype=pytensor.config.floatX).eval())
        dA = DenoisingAutoencoder(rng, theano_rng, n_visible=n_visible, n_hidden=n_hidden)
        costs = train(dA, train_set_x, corruption, learning_rate, epochs, batch_size, checkpoint)
        models.save(dA, f'{output_dir}/dA.npz', image_shape, pixel_scale, corruption=corruption,
                    epochs=len(costs), **settings)
        save_tiles(dA.W.get_value().T, image_shape, f'{output_dir}/filters_corruption_{corruption * 100:.0f}.png')
        y = dA.get_hidden_values(test_set_x[:100])
        z = dA.get_reconstructed_input(y)
        save_tiles(z.eval(), image_shape, f'{output_dir}/dAed_image.png')


def load(model='output/dA.npz'):
    """The model in a file that main saved; see models.load."""
    return models.load(model, Autoencoder, DenoisingAutoencoder)


def encode(images, model='output/dA.npz'):
    """y, the hidden values of images, (n, n_hidden): equation (1) of a saved model. See models.apply."""
    autoencoder = load(model)
    return models.apply(autoencoder, autoencoder.get_hidden_values(autoencoder.x), images)


def reconstruct(images, model='output/dA.npz'):
    """z, the reconstructions of images, which are not corrupted, by a saved model: (n, n_visible). See models.apply."""
    autoencoder = load(model)
    return models.apply(autoencoder, autoencoder.feedforward(), images)


def reconstruct_files(reconstruct, model='output/dA.npz', corruption=None, output_dir='output'):
    """Instead of training, reconstruct image files with a saved model, and save the result as one picture.

    The picture has a row for each file: the image, its corrupted copy and the reconstruction.

    model : .npz file that this script saved after training
    corruption : probability that a pixel is set to 0, by default the one used in training; the noise is the same in
        each run
    """
    autoencoder = load(model)
    rows = models.reconstruct_files(autoencoder, reconstruct, corruption)
    save_tiles(rows, autoencoder.image_shape, f'{output_dir}/reconstruction.png', 3, scale_rows_to_unit_interval=False)


if __name__ == '__main__':
    command_line.run(main, reconstruct=reconstruct_files)  # the arguments are the options
