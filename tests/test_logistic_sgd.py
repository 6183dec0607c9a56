import gzip
import os
import pickle

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from logistic_sgd import LogisticRegression, load_data
from mnist_files import find, read_pickle


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
