"""One run of an experiment: what is trained and what is measured.

    python -m experiments.runs < run.json

reads {"function": "encoder", "n_hidden": 100, ...} and prints a list of rows. Each run has a process of its own, so
that a crash ends one run only; experiments.sweep starts it.

Everything is fitted on the training set. The columns `valid_...` are for choosing, `test_...` for reporting.
"""
import json
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt

from dA import Autoencoder, DenoisingAutoencoder, train
from logistic_sgd import LogisticRegression
from theano_tutorial.compute import backend
from theano_tutorial.files import datasets

BATCH_SIZE = 20  # the page's
PROBE_RATES = 0.03, 0.1, 0.3, 1., 3.
MARGINS = 1e-6, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1
NOISE_LEVELS = 0., 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7
EPOCHS_SHOWN = 0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50


def load(dataset):
    """([train, valid, test images], [labels of each]); the images are arrays of floatX, the labels of int32."""
    images, labels = zip(*datasets.load(dataset))
    return ([np.array(x, pytensor.config.floatX, order='C') for x in images],
            [np.asarray(y, 'int32') for y in labels])


def squared_error(x, z):
    """Mean squared error of a pixel."""
    return np.mean((x - z) ** 2)


def cross_entropy(x, z, margin):
    """Mean cross-entropy of a digit in nats, equation (3) of dA.py, with z kept `margin` away from 0 and 1."""
    z = np.clip(z, margin, 1 - margin, dtype=float)
    return -np.mean(np.sum(x * np.log(z) + (1 - x) * np.log(1 - z), axis=1))


def sharpness(images):
    """Mean absolute difference of neighbouring pixels."""
    side = round(images.shape[1] ** 0.5)
    images = images.reshape(-1, side, side)
    return np.mean(np.abs(np.diff(images, axis=1))) + np.mean(np.abs(np.diff(images, axis=2)))


def probe(features, labels, epochs=30, batch_size=100):
    """Train LogisticRegression on the features, with the learning rate that is best on the validation set.

    features, labels : of the train, valid and test sets

    Returns the misclassification rates on the valid and test sets, and the learning rate.
    """
    x, y, index, learning_rate = pt.matrix('x'), pt.ivector('y'), pt.lscalar('index'), pt.scalar('learning_rate')
    classifier = LogisticRegression(x, features[0].shape[1], 10)
    cost = classifier.negative_log_likelihood(y)
    batch = slice(index * batch_size, (index + 1) * batch_size)
    step = pytensor.function(
        [index, learning_rate], [],
        givens={x: pytensor.shared(features[0])[batch], y: pytensor.shared(labels[0])[batch]},
        updates=[(param, param - learning_rate * pt.grad(cost, param)) for param in classifier.params])
    measure = pytensor.function([x, y], [cost, classifier.errors(y)])

    found = []
    for rate in PROBE_RATES:
        for param in classifier.params:
            param.set_value(np.zeros_like(param.get_value()))
        for _ in range(epochs):
            for batch_index in range(len(features[0]) // batch_size):
                step(batch_index, rate)
        valid_cost, valid_error = measure(features[1], labels[1])
        if np.isfinite(valid_cost):
            found.append((float(valid_cost), float(valid_error), float(measure(features[2], labels[2])[1]), rate))
    return min(found)[1:]  # by the cost: with few images, many rates have the same error


def measure_units(autoencoder, initial_W, decode, train_y, test_y, test_x, margin):
    """How far the filters moved from their initial weights, how concentrated they are, and what the units are worth.

    train_y, test_y : the hidden values of the train and test images
    """
    W = autoencoder.W.get_value()
    correlations = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(W.T, initial_W.T)])
    share = np.sort((W - np.median(W, axis=0)) ** 2, axis=0)[::-1].cumsum(axis=0)

    def cost_without(units):
        """The cost if these units have their mean activation for every image."""
        hidden = test_y.copy()
        hidden[:, units] = train_y[:, units].mean(axis=0)
        return cross_entropy(test_x, decode(hidden), margin)

    order = np.argsort(correlations)
    fourth = len(order) // 4
    return {
        'correlation': np.median(correlations),
        'unmoved': np.sum(correlations > 0.5 ** 0.5),  # more than half of the variance is the initial weights'
        'filter_pixels': np.median(np.sum(share < share[-1] / 2, axis=0) + 1),  # with half of the squared deviation
        'test_cost_without_moved': cost_without(order[:fourth]),
        'test_cost_without_unmoved': cost_without(order[len(order) - fourth:])}


def encoder(model, n_hidden=0, corruption=0., learning_rate=0., epochs=60, seed=1, dataset='mini_mnist.pkl.gz'):
    """Fit an encoder and measure its reconstructions, its features and its units. Returns two rows.

    model : 'autoencoder', which is the denoising one if corruption > 0; 'pca'; 'raw', the pixels themselves

    The rows differ in the column `scale`: what the encoder is given is the images 'as is', or 'rescaled', multiplied by
    (1 - corruption) / (1 - level) if a share `level` of their pixels is set to 0. Only then is the mean of x W in
    equation (1) of dA.py as large as it was in training.
    """
    images, labels = load(dataset)
    trained = {}
    if model == 'raw':
        encode = decode = np.asarray
    elif model == 'pca':
        mean = images[0].mean(axis=0)
        components = np.linalg.svd(images[0] - mean, full_matrices=False)[2][:n_hidden]

        def encode(x):
            return (x - mean) @ components.T

        def decode(y):
            return np.clip(y @ components + mean, 0, 1)
    else:
        autoencoder = (DenoisingAutoencoder if corruption else Autoencoder)(
            np.random.RandomState(seed), n_visible=images[0].shape[1], n_hidden=n_hidden)
        initial_W = autoencoder.W.get_value()
        trained['train_cost'] = train(autoencoder, images[0], corruption, learning_rate, epochs, BATCH_SIZE)[-1]
        x, y = pt.matrix('x'), pt.matrix('y')
        encode = pytensor.function([x], autoencoder.get_hidden_values(x))
        decode = pytensor.function([y], autoencoder.get_reconstructed_input(y))

    uniform = np.random.RandomState(seed).uniform(size=images[2].shape)  # the same for all models of a seed
    rows = []
    for scale in 'as is', 'rescaled':
        def rescaled(x, level=0., scale=scale):
            return x * ((1 - corruption) / (1 - level)) if scale == 'rescaled' else x

        row = {'scale': scale, **trained}
        codes = [encode(rescaled(x)) for x in images]
        _, valid_z, test_z = map(decode, codes)
        # PCA's reconstructions reach 0 and 1, where the cross-entropy is infinite: each model has the best margin.
        row['valid_cost'], margin = min((cross_entropy(images[1], valid_z, margin), margin) for margin in MARGINS)
        row['test_cost'] = cross_entropy(images[2], test_z, margin)
        row['valid_squared_error'] = squared_error(images[1], valid_z)
        row['test_squared_error'] = squared_error(images[2], test_z)
        row['valid_probe_error'], row['test_probe_error'], row['probe_rate'] = probe(
            [y.astype(pytensor.config.floatX) for y in codes], labels)
        if model == 'autoencoder':
            row |= measure_units(autoencoder, initial_W, decode, codes[0], codes[2], images[2], margin)
        for level in NOISE_LEVELS:
            z = decode(encode(rescaled(images[2] * (uniform >= level).astype(images[2].dtype), level)))
            row[f'test_squared_error_{level}'] = squared_error(images[2], z)
            row[f'test_sharpness_{level}'] = sharpness(z) / sharpness(images[2])
        rows.append(row)
    return rows


def network(start, n_layers=1, n_labels=5000, learning_rate=0.1, pretraining_rate=0.1, pretraining_epochs=20,
            epochs=50, n_hidden=100, seed=1, dataset='mini_mnist.pkl.gz'):
    """Train a classifier with n_layers hidden layers on the first n_labels images. Returns a row for some epochs.

    start : 'random'; 'plain' or 'denoising', whose hidden layers are first trained as autoencoders on all images;
        'rescaled', which is 'denoising' with each W multiplied by 1 - corruption, as if its input were
    """
    images, labels = load(dataset)
    rng = np.random.RandomState(seed)
    x, y, index = pt.matrix('x'), pt.ivector('y'), pt.lscalar('index')
    hidden, params, codes = x, [], images[0]
    for _ in range(n_layers):
        corruption = 0.3 if start in ('denoising', 'rescaled') else 0.
        layer = (DenoisingAutoencoder if corruption else Autoencoder)(
            rng, n_visible=codes.shape[1], n_hidden=n_hidden)
        if start != 'random':
            train(layer, codes, corruption, pretraining_rate, pretraining_epochs, BATCH_SIZE)
            if start == 'rescaled':
                layer.W.set_value(layer.W.get_value() * (1 - corruption))
            codes = pytensor.function([x], layer.get_hidden_values(x))(codes)
        else:
            codes = codes[:, :n_hidden]  # only its shape is used
        hidden = layer.get_hidden_values(hidden)
        params += [layer.W, layer.b]
    classifier = LogisticRegression(hidden, n_hidden, 10)
    params += classifier.params
    cost = classifier.negative_log_likelihood(y)

    batch = slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE)
    step = pytensor.function(
        [index], cost, givens={x: pytensor.shared(images[0])[batch], y: pytensor.shared(labels[0])[batch]},
        updates=[(param, param - learning_rate * gradient) for param, gradient in zip(params, pt.grad(cost, params))])
    measure = pytensor.function([x, y], [cost, classifier.errors(y)])

    rows = []
    for epoch in range(epochs + 1):
        if epoch:
            for batch_index in range(min(n_labels, len(images[0])) // BATCH_SIZE):
                step(batch_index)
        if epoch in EPOCHS_SHOWN or epoch == epochs:
            valid_cost, valid_error = measure(images[1], labels[1])
            rows.append({'epoch': epoch, 'valid_cost': valid_cost, 'valid_error': valid_error,
                         'test_error': measure(images[2], labels[2])[1]})
    return rows


FUNCTIONS = {'encoder': encoder, 'network': network}


def main():
    stdout, sys.stdout = sys.stdout, sys.stderr  # the rows are all that is printed
    backend.use_fastest()
    # Half the time of float64; what it changes is far smaller than the differences between seeds.
    pytensor.config.floatX = 'float32'
    run = json.load(sys.stdin)
    rows = FUNCTIONS[run.pop('function')](**run)
    json.dump([{name: value if isinstance(value, str) else float(f'{value:.6g}')
                for name, value in row.items()} for row in rows], stdout)


if __name__ == '__main__':
    main()
