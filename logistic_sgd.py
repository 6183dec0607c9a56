"""Logistic regression, and the loading of MNIST: the module that the autoencoder page builds on.

    P(Y = i | x, W, b) = softmax_i(x W + b) = exp(x W_i + b_i) / sum_j exp(x W_j + b_j)

    y_pred = argmax_i P(Y = i | x, W, b)

    python logistic_sgd.py

trains it on a tenth of MNIST until it stops improving, and predicts 25 test digits; --help lists the options.

x is a row, and W_i the column of W for class i.

Source: DeepLearning 0.1 tutorials, "Classifying MNIST digits using Logistic Regression".
"""
if __name__ == '__main__':
    import command_line
    command_line.end_on_ctrl_c()  # the imports below take a second

import os
import timeit
from typing import NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.special import softmax

import backend
import command_line
import model_files
from files import make_folder
from mnist_download import full_mnist
from mnist_files import check_datasets, find, read_pickle
from pictures import captioned_tiles, save_image, tiles


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

        y: integer vector (batch,), the correct classes.
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
        there is looked for in the project's data folder. 'mnist.pkl.gz', all of MNIST, is fetched where there is none.

    Returns [(train_set_x, train_set_y), (valid_set_x, valid_set_y), (test_set_x, test_set_y)]. x is a shared matrix
    (n, pixels) of floatX, its numbers from 0 to 1; y is a symbolic int32 vector (n,), the cast of a shared one.

    Raises FileNotFoundError or another OSError when the file can not be read, ValueError when it is damaged or holds
    something else; both name the file.
    """
    print('... loading data')
    try:
        path = find(dataset)
        datasets = read_pickle(path)
    except FileNotFoundError:
        if str(dataset) != 'mnist.pkl.gz':
            raise
        datasets, path = full_mnist()

    def shared_dataset(images, labels):
        # In C order whatever the file's order, so that the sums round alike.
        return (pytensor.shared(np.array(images, dtype=pytensor.config.floatX, order='C'), borrow=True),
                pt.cast(pytensor.shared(labels, borrow=True), 'int32'))

    return [shared_dataset(images, labels) for images, labels in check_datasets(datasets, path)]


def early_stopping(train_model, validate_model, test_model, save_model, n_epochs, n_train_batches, patience):
    """Train until the validation loss has not improved enough for some time.

    train_model(minibatch_index): one step, gives the cost. validate_model(), test_model(): the mean error, from 0 to 1.
    save_model(): called when the model is the best so far.
    patience: number of minibatches to look at in any case, at least 2; see the two constants below.

    Returns the best validation loss, the test error of that model, and the number of epochs begun.
    Raises FloatingPointError when a cost is not a number.
    """
    # An improvement to less than improvement_threshold of the best loss makes the patience last patience_increase times
    # as many minibatches as it took.
    patience_increase = 2
    improvement_threshold = 0.995
    validation_frequency = min(n_train_batches, patience // 2)

    best_validation_loss = np.inf
    test_score = 0.
    epoch = 0
    done_looping = False
    while epoch < n_epochs and not done_looping:
        epoch += 1
        for minibatch_index in range(n_train_batches):
            if np.isnan(train_model(minibatch_index)):
                raise FloatingPointError(f'the cost of epoch {epoch} is not a number; try a smaller learning rate')
            iter = (epoch - 1) * n_train_batches + minibatch_index

            if (iter + 1) % validation_frequency == 0:
                this_validation_loss = validate_model()
                where = 'epoch %i, minibatch %i/%i' % (epoch, minibatch_index + 1, n_train_batches)
                print('%s, validation error %f %%' % (where, this_validation_loss * 100.))

                if this_validation_loss < best_validation_loss:
                    if this_validation_loss < best_validation_loss * improvement_threshold:
                        patience = max(patience, iter * patience_increase)
                    best_validation_loss = this_validation_loss
                    test_score = test_model()
                    print('     %s, test error of best model %f %%' % (where, test_score * 100.))
                    save_model()

            if patience <= iter:
                done_looping = True
                break

    print('Optimization complete with best validation score of %f %%,with test performance %f %%'
          % (best_validation_loss * 100., test_score * 100.))
    return best_validation_loss, test_score, epoch


class Trained(NamedTuple):
    """What sgd_optimization_mnist gives: the model after its last step, the data as load_data gave it, and the errors,
    from 0 to 1, of the best model, which is in its file."""

    classifier: LogisticRegression
    datasets: list
    best_validation_loss: float
    test_score: float
    epochs: int


def sgd_optimization_mnist(learning_rate=0.13, n_epochs=1000, dataset='mnist.pkl.gz', batch_size=600, patience=5000,
                           model='best_model.npz'):
    """Train a logistic regression on MNIST by gradient descent on minibatches, with early stopping.

    n_epochs: the most epochs. dataset: see load_data. patience: see early_stopping. model: file of the best model.

    Returns a Trained. Raises OSError and ValueError as load_data does, ValueError when a set is smaller than a batch,
    OSError when the model can not be written, and FloatingPointError as early_stopping does.
    """
    datasets = load_data(dataset)
    n_train_batches, n_valid_batches, n_test_batches = (
        x.get_value(borrow=True).shape[0] // batch_size for x, _ in datasets)
    if min(n_train_batches, n_valid_batches, n_test_batches) == 0:
        raise ValueError(f'a batch of {batch_size} is larger than the train, valid or test set')
    if patience < 2:
        raise ValueError(f'patience is {patience}; it is at least 2 minibatches')

    print('... building the model')
    index = pt.lscalar()
    x = pt.matrix('x')
    y = pt.ivector('y')
    classifier = LogisticRegression(input=x, n_in=datasets[0][0].get_value(borrow=True).shape[1], n_out=10)
    cost = classifier.negative_log_likelihood(y)

    def minibatch(set_x, set_y):
        return {x: set_x[index * batch_size: (index + 1) * batch_size],
                y: set_y[index * batch_size: (index + 1) * batch_size]}

    g_W = pt.grad(cost=cost, wrt=classifier.W)
    g_b = pt.grad(cost=cost, wrt=classifier.b)
    updates = [(classifier.W, classifier.W - learning_rate * g_W),
               (classifier.b, classifier.b - learning_rate * g_b)]

    train_model = pytensor.function([index], cost, updates=updates, givens=minibatch(*datasets[0]))
    validate_model = pytensor.function([index], classifier.errors(y), givens=minibatch(*datasets[1]))
    test_model = pytensor.function([index], classifier.errors(y), givens=minibatch(*datasets[2]))

    print('... training the model')
    start_time = timeit.default_timer()
    best_validation_loss, test_score, epoch = early_stopping(
        train_model,
        lambda: np.mean([validate_model(i) for i in range(n_valid_batches)]),
        lambda: np.mean([test_model(i) for i in range(n_test_batches)]),
        lambda: model_files.save_model(model, *(param.get_value(borrow=True) for param in classifier.params)),
        n_epochs, n_train_batches, patience)
    seconds = timeit.default_timer() - start_time
    print('The code run for %d epochs, with %f epochs/sec' % (epoch, epoch / seconds))
    return Trained(classifier, datasets, float(best_validation_loss), float(test_score), epoch)


def predict(images, model='best_model.npz'):
    """Classify images with a saved model.

    images: array (n, pixels). Returns their classes, int64 (n,), and the probability of each, (n,).
    Raises OSError and ValueError, which name the file, when the model can not be read or is for other images.
    """
    W, b = model_files.load_model(model)
    if images.shape[1:] != W.shape[:1]:
        raise ValueError(f'{model}: its model is for images of {W.shape[0]} pixels, not of {images.shape[1:]}')
    x = pt.matrix('x')
    classifier = LogisticRegression(x, *W.shape)
    classifier.W.set_value(W.astype(pytensor.config.floatX))
    classifier.b.set_value(b.astype(pytensor.config.floatX))
    predict_model = pytensor.function([x], [classifier.y_pred, pt.max(classifier.p_y_given_x, axis=1)])
    return predict_model(np.asarray(images, dtype=pytensor.config.floatX))


def main():
    parser = command_line.ArgumentParser('Train a logistic regression on MNIST, stop early, and predict test digits.')
    parser.add_argument('--dataset', default='mini_mnist.pkl.gz',
                        help='gzipped pickle of the train, valid, test sets; mnist.pkl.gz, all of MNIST, is fetched')
    parser.add_argument('--epochs', type=command_line.positive_int, default=100, help='the most passes over the data')
    parser.add_argument('--batch-size', type=command_line.positive_int, default=60, help='examples in a minibatch')
    parser.add_argument('--learning-rate', type=command_line.positive_float, default=0.13, help='factor of each step')
    parser.add_argument('--patience', type=command_line.positive_int, default=500, help='minibatches to look at anyway')
    parser.add_argument('--model', default=os.path.join('output', 'best_model.npz'), help='file of the best model')
    parser.add_argument('--output-dir', default='output', help='folder for the pictures')
    options = parser.parse_args()
    print('... computing', backend.use_fastest())

    try:
        make_folder(options.output_dir)
        make_folder(os.path.dirname(options.model) or os.curdir)
        trained = sgd_optimization_mnist(options.learning_rate, options.epochs, options.dataset, options.batch_size,
                                         options.patience, options.model)
        images = trained.datasets[2][0].get_value(borrow=True)[:25]
        classes, probabilities = predict(images, options.model)
        for prediction in zip(classes, probabilities):
            print('(%d, %.3f)' % prediction)
        captions = ['%d  %.3f' % prediction for prediction in zip(classes, probabilities)]
        weights = tiles(model_files.load_model(options.model)[0].T)
        print('saved', save_image(weights, options.output_dir, 'logistic_weights.png'))
        print('saved', save_image(captioned_tiles(images, captions), options.output_dir, 'logistic_predictions.png'))
    except (OSError, ValueError, FloatingPointError) as error:
        parser.error(error)


if __name__ == '__main__':
    command_line.run(main)
