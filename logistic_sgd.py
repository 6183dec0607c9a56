"""Logistic regression on MNIST, and load_data: the module that the autoencoder page imports.

    P(Y = i | x, W, b) = softmax_i(x W + b) = exp(x W_i + b_i) / sum_j exp(x W_j + b_j)      (1)
    y_pred = argmax_i P(Y = i | x, W, b)                                                     (2)
    NLL(W, b) = -mean_n log P(Y = y_n | x_n, W, b)                                           (3)

x is a row vector, W_i the column of W for class i, (x_n, y_n) the examples of a minibatch. `python logistic_sgd.py`
trains on a tenth of MNIST with early stopping and predicts 25 test digits; with `--help` it lists its options.

DeepLearning 0.1 tutorials, "Classifying MNIST digits using Logistic Regression".
"""
import copy
import os
import timeit

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.special import softmax

from theano_tutorial import command_line
from theano_tutorial.errors import InputError
from theano_tutorial.files import datasets
from theano_tutorial.files.models import read_images_trained_on
from theano_tutorial.files.storage import load_arrays, memory_for, save_arrays
from utils import save_tiles

FORMAT = 'logistic regression, version 1'  # of saved models


class LogisticRegression:
    """Multi-class logistic regression.

    input : symbolic matrix (batch, n_in)
    n_in : input dimension
    n_out : number of classes

    W, shared (n_in, n_out), and b, shared (n_out,), start at zero.
    """

    def __init__(self, input, n_in, n_out):
        self.W = pytensor.shared(np.zeros((n_in, n_out), pytensor.config.floatX), name='W')
        self.b = pytensor.shared(np.zeros(n_out, pytensor.config.floatX), name='b')

        # Equations (1), (batch, n_out), and (2), (batch,).
        self.p_y_given_x = softmax(pt.dot(input, self.W) + self.b, axis=1)
        self.y_pred = pt.argmax(self.p_y_given_x, axis=1)

        self.params = [self.W, self.b]
        self.input = input

    def negative_log_likelihood(self, y):
        """Equation (3), a scalar. y : integer vector (batch,), the correct classes."""
        return -pt.mean(pt.log(self.p_y_given_x)[pt.arange(y.shape[0]), y])

    def errors(self, y):
        """Misclassification rate of a minibatch, a scalar in [0, 1]. y : integer vector (batch,), the correct classes.

        Raises TypeError if y.ndim != y_pred.ndim, NotImplementedError if y is not of an integer dtype.
        """
        if y.ndim != self.y_pred.ndim:
            raise TypeError(f'y should have {self.y_pred.ndim} dimension, as y_pred has; it has {y.ndim}')
        if not y.dtype.startswith(('int', 'uint')):
            raise NotImplementedError(f'y should hold integers; its dtype is {y.dtype}')
        return pt.mean(pt.neq(self.y_pred, y))


def load_data(dataset, image_shape=None):
    """Load the train, valid and test sets as shared variables.

    dataset : path of the tutorials' pickle, an .npz or .csv file or a folder of images; also looked for in the
        project's data folder; mnist.pkl.gz, all of MNIST, is downloaded if missing. theano_tutorial/files/datasets.py
        has the details
    image_shape : (height, width) to which the images of a folder are scaled

    Returns a list of three pairs (x, y): x is a shared matrix (n, pixels) of floatX with values in [0, 1], y a symbolic
    int32 vector (n,) with the labels, or None without labels. The list has the attributes image_shape, n_classes,
    class_names and pixel_scale of a Datasets. Raises OSError if a file cannot be read or downloaded, InputError (a
    ValueError) if it holds anything else or does not fit into memory; both name it.
    """
    print('... loading data')

    def shared_dataset(images, labels):
        # In C order, so that BLAS adds in the same order whatever the order in the file.
        return (pytensor.shared(np.array(images, dtype=pytensor.config.floatX, order='C'), borrow=True),
                None if labels is None else pt.cast(pytensor.shared(labels, borrow=True), 'int32'))

    with memory_for(dataset):
        sets = datasets.load(dataset, image_shape)
        shared = copy.copy(sets)  # with its attributes
        shared[:] = [shared_dataset(images, labels) for images, labels in sets]
        return shared


def sgd_optimization_mnist(learning_rate=0.13, n_epochs=1000, dataset='mnist.pkl.gz', batch_size=600, patience=5000,
                           model='best_model.npz'):
    """Train a logistic regression by minibatch gradient descent with early stopping; save the best model.

    n_epochs : maximum number of epochs
    dataset : see load_data; or what it returned
    patience : number, counted from 0, of the first minibatch after which training may stop; at least 2
    model : path of the .npz file, which is written whenever the validation error is the lowest so far

    Returns the lowest validation error, the test error of that model, both in [0, 1], and the number of epochs begun.
    Raises the errors of load_data, InputError (a ValueError) if a set is smaller than batch_size or patience below 2,
    FloatingPointError if a cost is not finite, and OSError if the model cannot be written.
    """
    sets = dataset if isinstance(dataset, datasets.Datasets) else load_data(dataset)
    n_train_batches, n_valid_batches, n_test_batches = (
        x.get_value(borrow=True).shape[0] // batch_size for x, _ in sets)
    if sets.n_classes is None:
        raise InputError('the data set has no labels, which a logistic regression needs')
    if min(n_train_batches, n_valid_batches, n_test_batches) == 0:
        raise InputError(f'batch size {batch_size} is larger than a set: the train, valid and test sets have '
                         f'{", ".join(str(x.get_value(borrow=True).shape[0]) for x, _ in sets)} images')
    if patience < 2:
        raise InputError(f'patience is {patience}; it must be at least 2 minibatches')

    print('... building the model')
    index = pt.lscalar('index')
    x = pt.matrix('x')
    y = pt.ivector('y')
    classifier = LogisticRegression(input=x, n_in=sets[0][0].get_value(borrow=True).shape[1], n_out=sets.n_classes)
    cost = classifier.negative_log_likelihood(y)

    def minibatch(set_x, set_y):
        return {x: set_x[index * batch_size: (index + 1) * batch_size],
                y: set_y[index * batch_size: (index + 1) * batch_size]}

    g_W = pt.grad(cost=cost, wrt=classifier.W)
    g_b = pt.grad(cost=cost, wrt=classifier.b)
    updates = [(classifier.W, classifier.W - learning_rate * g_W),
               (classifier.b, classifier.b - learning_rate * g_b)]

    train_model = pytensor.function([index], cost, updates=updates, givens=minibatch(*sets[0]))
    validate_model = pytensor.function([index], classifier.errors(y), givens=minibatch(*sets[1]))
    test_model = pytensor.function([index], classifier.errors(y), givens=minibatch(*sets[2]))

    print('... training the model')
    patience_increase = 2  # a better model at minibatch number `iter`, counted from 0, raises patience to twice that
    improvement_threshold = 0.995  # if its error is below this fraction of the lowest so far
    validation_frequency = min(n_train_batches, patience // 2)

    best_validation_loss = np.inf
    test_score = 0.
    start_time = timeit.default_timer()
    epoch = 0
    done_looping = False
    while epoch < n_epochs and not done_looping:
        epoch += 1
        for minibatch_index in range(n_train_batches):
            if not np.isfinite(train_model(minibatch_index)):
                raise FloatingPointError(f'the cost is not finite in epoch {epoch}; try a smaller learning rate')
            iter = (epoch - 1) * n_train_batches + minibatch_index

            if (iter + 1) % validation_frequency == 0:
                this_validation_loss = np.mean([validate_model(i) for i in range(n_valid_batches)])
                where = 'epoch %i, minibatch %i/%i' % (epoch, minibatch_index + 1, n_train_batches)
                print('%s, validation error %f %%' % (where, this_validation_loss * 100.))

                if this_validation_loss < best_validation_loss:
                    if this_validation_loss < best_validation_loss * improvement_threshold:
                        patience = max(patience, iter * patience_increase)
                    best_validation_loss = this_validation_loss
                    test_score = np.mean([test_model(i) for i in range(n_test_batches)])
                    print('     %s, test error of best model %f %%' % (where, test_score * 100.))
                    save_arrays(model, FORMAT, W=classifier.W.get_value(), b=classifier.b.get_value(),
                                image_shape=sets.image_shape or (), pixel_scale=sets.pixel_scale,
                                class_names=sets.class_names or ())

            if patience <= iter:
                done_looping = True
                break

    seconds = timeit.default_timer() - start_time
    print('Optimization complete with best validation score of %f %%,with test performance %f %%'
          % (best_validation_loss * 100., test_score * 100.))
    print('The code run for %d epochs, with %f epochs/sec' % (epoch, epoch / seconds))
    return best_validation_loss, test_score, epoch


def read_model(model):
    """W, b, and the image_shape, pixel_scale and class_names of the training data, or None, of a saved model.

    Raises OSError if the file cannot be read, InputError (a ValueError) if it is not a valid model; both name it.
    """
    if not os.path.exists(model):
        raise FileNotFoundError(f'{model}: no such model; logistic_sgd.py saves it while training')
    arrays = load_arrays(model, FORMAT)
    W, b = arrays.get('W', np.zeros(0)), arrays.get('b', np.zeros(0))
    if W.ndim != 2 or W.size == 0 or b.shape != W.shape[1:] or {W.dtype.kind, b.dtype.kind} != {'f'}:
        raise InputError(f'{model}: W {W.dtype} {W.shape} and b {b.dtype} {b.shape} are not a logistic regression')
    names = arrays.get('class_names', np.zeros(0))
    try:
        image_shape, pixel_scale = read_images_trained_on(arrays, len(W))
        if names.size and (names.dtype.kind != 'U' or names.shape != b.shape):
            raise ValueError(f'class_names {names.dtype} {names.shape}')
    except (TypeError, ValueError) as error:
        raise InputError(f'{model}: not a valid logistic regression file ({error!r:.100})') from None
    return W, b, image_shape, pixel_scale, names.tolist() or None


def load_model(model):
    """W, (n_in, n_out), and b, (n_out,), of a saved model. Raises the errors of read_model."""
    return read_model(model)[:2]


def class_names(model='best_model.npz'):
    """The names of a saved model's classes, a list, if it was trained on folders of images; else None.

    Raises the errors of read_model.
    """
    return read_model(model)[-1]


def predict(images, model='best_model.npz'):
    """Classify images with a saved model.

    images : array or lists, (n, pixels), (n, height, width) or one image; floats in [0, 1], or integers from 0 to 255,
        which are divided by 256; for a model that was trained on the integers 0 and 1, only these

    Returns the classes, int64 (n,), and their probabilities, (n,); class_names returns the names of the classes. Raises
    the errors of read_model, and InputError (a ValueError) for images of another shape or with other values.
    """
    W, b, image_shape, pixel_scale, _ = read_model(model)
    images = datasets.as_rows(images, len(W), image_shape, pixel_scale)
    x = pt.matrix('x')
    classifier = LogisticRegression(x, *W.shape)
    classifier.W.set_value(W.astype(pytensor.config.floatX))
    classifier.b.set_value(b.astype(pytensor.config.floatX))
    predict_model = pytensor.function([x], [classifier.y_pred, pt.max(classifier.p_y_given_x, axis=1)])
    return predict_model(np.asarray(images, dtype=pytensor.config.floatX))


def main(dataset='mini_mnist.pkl.gz', epochs=100, batch_size=60, learning_rate=0.13, patience=500,
         model=None, output_dir='output', image_shape=None):
    """Train a logistic regression with early stopping, save the best model, and predict 25 test images.

    dataset : pickle or .npz file with labels, or a folder with a folder of images for each class; mnist.pkl.gz, all of
        MNIST, is downloaded if missing
    epochs : maximum number of epochs
    model : .npz file for the best model; by default best_model.npz in the output folder
    """
    model = model or os.path.join(output_dir, 'best_model.npz')
    sets = load_data(dataset, image_shape)
    sgd_optimization_mnist(learning_rate, epochs, sets, batch_size, patience, model)
    for prediction in zip(*predict(sets[2][0].get_value()[:25], model)):
        print('(%d, %.3f)' % prediction)
    save_tiles(load_model(model)[0].T, sets.image_shape, os.path.join(output_dir, 'logistic_weights.png'))


if __name__ == '__main__':
    command_line.run(main)
