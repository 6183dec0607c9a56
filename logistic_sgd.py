"""Logistic regression, and the loading of MNIST: the module that the autoencoder page builds on.

    P(Y = i | x, W, b) = softmax_i(W x + b) = exp(W_i x + b_i) / sum_j exp(W_j x + b_j)

    y_pred = argmax_i P(Y = i | x, W, b)

Source: DeepLearning 0.1 tutorials, "Classifying MNIST digits using Logistic Regression".
"""
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.special import softmax

from mnist_files import check_datasets, find, read_pickle


class LogisticRegression:
    """Multi-class logistic regression.

    input: symbolic matrix (batch, n_in). n_in: numbers of an input. n_out: number of classes.

    W: shared (n_in, n_out), b: shared (n_out,), both zero at first; params: [W, b].
    p_y_given_x: (batch, n_out), the class probabilities. y_pred: (batch,), the most probable classes.
    """

    def __init__(self, input, n_in, n_out):
        self.W = pytensor.shared(np.zeros((n_in, n_out), dtype=pytensor.config.floatX), name='W')
        self.b = pytensor.shared(np.zeros(n_out, dtype=pytensor.config.floatX), name='b')

        self.p_y_given_x = softmax(pt.dot(input, self.W) + self.b, axis=1)
        self.y_pred = pt.argmax(self.p_y_given_x, axis=1)

        self.params = [self.W, self.b]
        self.input = input

    def negative_log_likelihood(self, y):
        """The mean of -log P(Y = y | x, W, b) over a minibatch: a scalar.

        y: integer vector (batch,), the correct classes. The mean, not the sum, so that the learning rate depends less
        on the batch size.
        """
        return -pt.mean(pt.log(self.p_y_given_x)[pt.arange(y.shape[0]), y])

    def errors(self, y):
        """The part of a minibatch that is classified wrongly: a scalar from 0 to 1.

        y: integer vector (batch,). Raises TypeError when y has not the dimensions of y_pred, NotImplementedError when
        it does not hold integers.
        """
        if y.ndim != self.y_pred.ndim:
            raise TypeError(f'y should have {self.y_pred.ndim} dimension, as y_pred has; it has {y.ndim}')
        if not y.dtype.startswith(('int', 'uint')):
            raise NotImplementedError(f'y should hold integers; its dtype is {y.dtype}')
        return pt.mean(pt.neq(self.y_pred, y))


def load_data(dataset):
    """Load MNIST as shared variables.

    dataset: path of a gzipped pickle of the train, valid and test sets, each (images, labels); a name that is not
        there is looked for in the project's data folder.

    Returns [(train_set_x, train_set_y), (valid_set_x, valid_set_y), (test_set_x, test_set_y)]. x is a shared matrix
    (n, pixels) of floatX, its numbers from 0 to 1; y is a symbolic int32 vector (n,), the cast of a shared one.

    Raises FileNotFoundError or another OSError when the file can not be read, ValueError when it is damaged or holds
    something else; both name the file.
    """
    print('... loading data')
    path = find(dataset)

    def shared_dataset(images, labels):
        # In C order whatever the file's order, so that the sums round alike.
        return (pytensor.shared(np.array(images, dtype=pytensor.config.floatX, order='C'), borrow=True),
                pt.cast(pytensor.shared(labels, borrow=True), 'int32'))

    return [shared_dataset(images, labels) for images, labels in check_datasets(read_pickle(path), path)]
