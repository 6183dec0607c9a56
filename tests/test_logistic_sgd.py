import gzip
import os
import pickle

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from logistic_sgd import LogisticRegression, early_stopping, load_data, predict, sgd_optimization_mnist
from mnist_files import find, read_pickle
from model_files import save_model
from original import record


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_load_data_from_another_folder(tmp_path, monkeypatch, capsys, floatX):
    monkeypatch.chdir(tmp_path)
    with pytensor.config.change_flags(floatX=floatX):
        datasets = load_data('mini_mnist.pkl.gz')
    assert capsys.readouterr().out == '... loading data\n'
    for (x, y), (images, labels) in zip(datasets, read_pickle(find('mini_mnist.pkl.gz')), strict=True):
        assert x.get_value(borrow=True).dtype == floatX and y.dtype == 'int32'
        np.testing.assert_array_equal(x.get_value(borrow=True), images)
        np.testing.assert_array_equal(y.eval(), labels)


def test_load_data_as_given(tmp_path):
    sets = tuple((np.full((n, 9), k / 4, np.float64), np.full(n, k)) for k, n in enumerate((4, 3, 2)))
    with gzip.open(tmp_path / 'own.pkl.gz', 'wb') as file:
        pickle.dump(sets, file)
    assert [x.get_value().tolist() for x, _ in load_data(tmp_path / 'own.pkl.gz')] == [x.tolist() for x, _ in sets]


@pytest.mark.parametrize('form', [
    lambda x: x.astype('>f4'), lambda x: x.astype('f8'), np.asfortranarray, lambda x: (x * 256).astype('u1'),
    lambda x: np.asfortranarray(x).astype('>f8')], ids=['big-endian', 'float64', 'Fortran', 'uint8', 'all'])
def test_other_forms_of_the_data_give_the_same_training(tmp_path, form):
    sets = read_pickle(find('mini_mnist.pkl.gz'))
    losses = []
    for name, wanted in ('as it is', np.asarray), ('otherwise', form):
        with gzip.open(tmp_path / name, 'wb', 1) as file:
            pickle.dump(tuple((wanted(images[:500]), labels[:500]) for images, labels in sets), file)
        trained = sgd_optimization_mnist(0.13, 2, tmp_path / name, 60, 500, tmp_path / 'model')
        losses.append((trained.best_validation_loss, trained.classifier.W.get_value().tobytes()))
    assert losses[0] == losses[1]


def test_a_cost_that_is_no_number_stops_training():
    steps = iter(range(99))
    with pytest.raises(FloatingPointError, match='the cost of epoch 3 is not a number; try a smaller learning rate'):
        early_stopping(lambda index: np.nan if next(steps) == 8 else 1., lambda: 0.5, lambda: 0.5, lambda: None,
                       n_epochs=9, n_train_batches=4, patience=100)


def test_load_data_errors(tmp_path):
    (tmp_path / 'text.pkl.gz').write_text('no gzip')
    with pytest.raises(ValueError, match='text.pkl.gz: not a gzipped pickle of arrays'):
        load_data(tmp_path / 'text.pkl.gz')
    with pytest.raises(FileNotFoundError, match='nowhere.pkl.gz: no such file'):
        load_data('nowhere.pkl.gz')
    with pytest.raises(IsADirectoryError, match=os.path.basename(tmp_path)):
        load_data(tmp_path)


@pytest.fixture
def regression():
    random = np.random.RandomState(4)
    x = pt.matrix('x')
    classifier = LogisticRegression(x, n_in=6, n_out=4)
    classifier.W.set_value(random.normal(size=(6, 4)))
    classifier.b.set_value(random.normal(size=4))
    images, labels = random.uniform(size=(9, 6)), random.randint(0, 4, 9).astype(np.int32)
    scores = images @ classifier.W.get_value() + classifier.b.get_value()
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return classifier, x, images, labels, p


def test_starts_at_zero():
    classifier = LogisticRegression(pt.matrix(), 3, 2)
    assert classifier.params == [classifier.W, classifier.b]
    np.testing.assert_array_equal(classifier.W.get_value(), np.zeros((3, 2)))
    np.testing.assert_array_equal(classifier.b.get_value(), np.zeros(2))


def test_probabilities_classes_cost_and_errors(regression):
    classifier, x, images, labels, p = regression
    y = pt.ivector('y')
    outputs = pytensor.function([x, y], [classifier.p_y_given_x, classifier.y_pred,
                                         classifier.negative_log_likelihood(y), classifier.errors(y)])
    p_y_given_x, y_pred, cost, errors = outputs(images, labels)
    np.testing.assert_allclose(p_y_given_x, p, rtol=1e-12)
    np.testing.assert_array_equal(y_pred, p.argmax(axis=1))
    np.testing.assert_allclose(cost, -np.log(p[np.arange(9), labels]).mean(), rtol=1e-12)
    assert errors == (p.argmax(axis=1) != labels).mean()


def test_errors_refuses_what_are_no_labels(regression):
    classifier = regression[0]
    with pytest.raises(TypeError, match='dimension'):
        classifier.errors(pt.imatrix())
    with pytest.raises(NotImplementedError, match='float64'):
        classifier.errors(pt.dvector())
    assert classifier.errors(pt.bvector()).ndim == 0


def test_gradient_is_that_of_the_formula(regression):
    classifier, x, images, labels, _ = regression
    y = pt.ivector('y')
    gradients = pytensor.function([x, y], pt.grad(classifier.negative_log_likelihood(y), classifier.params))

    def cost(W, b):
        scores = images @ W + b
        return (np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(9), labels]).mean()

    params = [param.get_value() for param in classifier.params]
    for k, gradient in enumerate(gradients(images, labels)):
        for place in np.ndindex(gradient.shape):
            moved = []
            for h in (1e-6, -1e-6):
                others = [param.copy() for param in params]
                others[k][place] += h
                moved.append(cost(*others))
            np.testing.assert_allclose(gradient[place], (moved[0] - moved[1]) / 2e-6, rtol=1e-6, atol=1e-9)


class Losses:
    """Stands where the model does: gives made-up losses, and notes what is asked of it."""

    def __init__(self, losses):
        self.losses = iter(losses)
        self.trained, self.tested, self.saved = [], [], 0

    def run(self, **settings):
        return early_stopping(self.train, self.validate, self.test, self.save, **settings)

    def train(self, minibatch_index):
        self.trained.append(minibatch_index)
        return 1.

    def validate(self):
        self.last = next(self.losses)
        return self.last

    def test(self):
        self.tested.append(len(self.trained))
        return self.last / 2

    def save(self):
        self.saved += 1


def test_patience_is_doubled_by_an_improvement_and_runs_out(capsys):
    # Validation after minibatches 5, 10 and 15, iter 4, 9 and 14. The second doubles 9 to 18; the third is better by
    # less than half a per cent, so 18 stays, and training stops at iter 18, in the fourth epoch.
    losses = Losses([0.5, 0.4, 0.3985])
    assert losses.run(n_epochs=100, n_train_batches=5, patience=10) == (0.3985, 0.3985 / 2, 4)
    assert losses.trained == [0, 1, 2, 3, 4] * 3 + [0, 1, 2, 3]
    assert losses.tested == [5, 10, 15] and losses.saved == 3
    assert capsys.readouterr().out.splitlines() == [
        'epoch 1, minibatch 5/5, validation error 50.000000 %',
        '     epoch 1, minibatch 5/5, test error of best model 25.000000 %',
        'epoch 2, minibatch 5/5, validation error 40.000000 %',
        '     epoch 2, minibatch 5/5, test error of best model 20.000000 %',
        'epoch 3, minibatch 5/5, validation error 39.850000 %',
        '     epoch 3, minibatch 5/5, test error of best model 19.925000 %',
        'Optimization complete with best validation score of 39.850000 %,with test performance 19.925000 %']


def test_patience_is_never_shortened():
    losses = Losses([0.5, 0.6, 0.6, 0.6, 0.6])
    # The improvement at iter 2 would give 4; the 10 asked for stay, and iter 10 is the last.
    assert losses.run(n_epochs=100, n_train_batches=3, patience=10) == (0.5, 0.25, 4)
    assert len(losses.trained) == 11 and losses.tested == [3]


def test_short_patience_validates_within_the_epoch():
    losses = Losses([0.5, 0.5, 0.5])
    # Every 6 // 2 minibatches, though an epoch has 20.
    losses.run(n_epochs=100, n_train_batches=20, patience=6)
    assert len(losses.trained) == 7 and losses.tested == [3] and losses.last == 0.5


def test_epochs_end_it_too():
    losses = Losses([0.9, 0.8])
    assert losses.run(n_epochs=2, n_train_batches=4, patience=100) == (0.8, 0.4, 2)
    assert len(losses.trained) == 8


def test_the_logistic_page(tmp_path, capsys):
    page = record()['logistic_mini']
    settings = page['settings']
    trained = sgd_optimization_mnist(settings['learning_rate'], settings['n_epochs'], 'mini_mnist.pkl.gz',
                                     settings['batch_size'], settings['patience'], tmp_path / 'model.npz')
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ['... loading data', '... building the model', '... training the model']
    assert lines[3:-1] == page['log'] and len(page['log']) == 30
    assert lines[-1].startswith('The code run for 24 epochs, with ')
    assert trained.epochs == page['epochs_run']
    assert 'score of %f %%,with test performance %f' % (
        100 * trained.best_validation_loss, 100 * trained.test_score) in page['log'][-1]

    # The best model, of epoch 12, is in the file, and not the last one.
    images = trained.datasets[2][0].get_value(borrow=True)
    classes, probabilities = predict(images, tmp_path / 'model.npz')
    printed = ['(%d, %.3f)' % prediction for prediction in zip(classes, probabilities)]
    assert printed[:25] == page['predictions_first_25_test']
    errors = (classes != trained.datasets[2][1].eval())[:480].mean()
    assert errors == pytest.approx(trained.test_score, abs=1e-12)


def test_what_can_not_be_trained(tmp_path):
    with pytest.raises(ValueError, match='a batch of 501 is larger'):
        sgd_optimization_mnist(dataset='mini_mnist.pkl.gz', batch_size=501)
    with pytest.raises(ValueError, match='patience is 1'):
        sgd_optimization_mnist(dataset='mini_mnist.pkl.gz', batch_size=500, patience=1)
    with pytest.raises(OSError, match='nowhere/model.npz: No such file or directory'):
        sgd_optimization_mnist(n_epochs=1, dataset='mini_mnist.pkl.gz', batch_size=500,
                               model=tmp_path / 'nowhere' / 'model.npz')


def test_predict_refuses_other_images(tmp_path):
    save_model(tmp_path / 'model.npz', np.zeros((5, 10)), np.zeros(10))
    with pytest.raises(ValueError, match='model.npz: its model is for images of 5 pixels'):
        predict(np.zeros((2, 6)), tmp_path / 'model.npz')
