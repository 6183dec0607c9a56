import re

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from PIL import Image

import logistic_sgd
from logistic_sgd import FORMAT, LogisticRegression, class_names, load_data, load_model, predict
from theano_tutorial.errors import InputError
from theano_tutorial.files.datasets import SETS
from theano_tutorial.files.storage import save_arrays


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_load_data(mini_mnist, capsys, uncompiled, floatX):
    with pytensor.config.change_flags(floatX=floatX):
        datasets = load_data('mini_mnist.pkl.gz')
    assert capsys.readouterr().out == '... loading data\n'
    for (x, y), (images, labels) in zip(datasets, mini_mnist, strict=True):
        np.testing.assert_array_equal(x.get_value(), images.astype(floatX), strict=True)
        np.testing.assert_array_equal(y.eval(), labels.astype('int32'), strict=True)


def softmax(scores):
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('k', range(2))
def test_ten_epochs_of_theano(golden, mini_mnist, backend, k):
    theano = golden['logistic_regression'][k]
    (images, labels), _, (test_images, _) = mini_mnist
    with pytensor.config.change_flags(floatX=theano['floatX']):
        x, y, index = pt.matrix(), pt.ivector(), pt.lscalar()
        classifier = LogisticRegression(x, 784, 10)
        cost = classifier.negative_log_likelihood(y)
        train_set_x, train_set_y = pytensor.shared(images.astype(x.dtype)), pytensor.shared(labels.astype('int32'))
        part = slice(index * 60, (index + 1) * 60)
        step = pytensor.function([index], cost, givens={x: train_set_x[part], y: train_set_y[part]}, updates=[
            (param, param - 0.13 * pt.grad(cost, param)) for param in classifier.params])
        costs = [np.mean([step(i) for i in range(5000 // 60)]) for _ in range(10)]
        p = classifier.p_y_given_x.eval({x: test_images[:25].astype(x.dtype)})
    tolerance = 1e-13 if theano['floatX'] == 'float64' else 1e-6
    for values, name in (costs, 'costs'), (classifier.W.get_value().ravel()[::97], 'W'), (p, 'probabilities'):
        np.testing.assert_allclose(values, theano[name], rtol=tolerance, atol=tolerance)


def test_errors_of_labels_that_are_no_classes():
    classifier = LogisticRegression(pt.matrix(), 6, 4)
    with pytest.raises(TypeError, match='y should have 1 dimension, as y_pred has; it has 2'):
        classifier.errors(pt.imatrix())
    with pytest.raises(NotImplementedError, match='float64'):
        classifier.errors(pt.dvector())


def by_the_rules(sets, learning_rate, n_epochs, batch_size, patience):
    """By NumPy: the validation errors, how often the model was saved and the patience raised, and the result."""
    (x, labels), valid, test = sets
    W, b, lowest, n_batches = np.zeros((6, 10)), np.zeros(10), [(np.inf, 0.)], len(x) // batch_size
    frequency = min(n_batches, patience // 2)
    errors, raised = [], 0
    for number in range(n_epochs * n_batches):
        part = slice(number % n_batches * batch_size, (number % n_batches + 1) * batch_size)
        delta = (softmax(x[part] @ W + b) - np.eye(10)[labels[part]]) / batch_size
        W, b = W - learning_rate * x[part].T @ delta, b - learning_rate * delta.sum(axis=0)
        if (number + 1) % frequency == 0:
            on_valid, on_test = (np.mean((images @ W + b).argmax(axis=1) != classes)
                                 for images, classes in (valid, test))
            errors.append(on_valid)
            if on_valid < lowest[-1][0]:
                if on_valid < 0.995 * lowest[-1][0] and 2 * number > patience:
                    patience = 2 * number
                    raised += 1
                lowest.append((on_valid, on_test))
        if number >= patience:
            break
    return errors, len(lowest) - 1, raised, (*lowest[-1], number // n_batches + 1)


@pytest.mark.parametrize('n_epochs, batch_size, patience, n_saved, n_raised', [
    (100, 10, 10, 3, 1), (100, 10, 20, 2, 0), (3, 10, 100, 2, 0), (100, 20, 6, 2, 0), (100, 20, 2, 2, 1)])
def test_early_stopping(tmp_path, capsys, uncompiled, n_epochs, batch_size, patience, n_saved, n_raised):
    random = np.random.RandomState(3)
    sets = [(random.uniform(size=(n, 6)), random.randint(10, size=n)) for n in (60, 500, 100)]
    np.savez(tmp_path / 'data.npz', **{f'{name}_{kind}': values for name, pair in zip(SETS, sets)
                                       for kind, values in zip('xy', pair)})
    result = logistic_sgd.sgd_optimization_mnist(0.5, n_epochs, tmp_path / 'data.npz', batch_size, patience,
                                                 tmp_path / 'model')
    errors, saved, raised, expected = by_the_rules(sets, 0.5, n_epochs, batch_size, patience)
    assert result == pytest.approx(expected)
    out = capsys.readouterr().out
    assert re.findall('validation error (.+) %', out) == ['%f' % (100 * error) for error in errors]
    assert (out.count('test error of best model'), saved, raised) == (n_saved, n_saved, n_raised)


@pytest.mark.filterwarnings('ignore:overflow|invalid value')
def test_a_cost_that_is_not_finite(tmp_path, uncompiled):
    with pytest.raises(FloatingPointError, match='^the cost is not finite in epoch 1; try a smaller learning rate$'):
        logistic_sgd.sgd_optimization_mnist(1e300, 2, 'mini_mnist.pkl.gz', 500, model=tmp_path / 'model')


def test_main_uses_every_option(tmp_path, mini_mnist, capsys, uncompiled):
    logistic_sgd.main(epochs=1, batch_size=500, learning_rate=0.2, patience=10, model=tmp_path / 'model.npz',
                      output_dir=tmp_path)
    lines = capsys.readouterr().out.splitlines()
    # Validated every patience // 2 minibatches. The better model is the second.
    assert [line.split()[3] for line in lines if 'validation error' in line] == ['5/10,', '10/10,']
    x, labels = mini_mnist[0][0].astype('float64'), mini_mnist[0][1]
    W, b = np.zeros((784, 10)), np.zeros(10)
    for k in range(0, 5000, 500):
        difference = softmax(x[k:k + 500] @ W + b) - np.eye(10)[labels[k:k + 500]]
        W, b = W - 0.2 * x[k:k + 500].T @ difference / 500, b - 0.2 * difference.mean(axis=0)
    for value, expected in zip(load_model(tmp_path / 'model.npz'), (W, b), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)
    p = softmax(mini_mnist[2][0][:25] @ W + b)
    assert lines[-26:-1] == ['(%d, %.3f)' % prediction for prediction in zip(p.argmax(axis=1), p.max(axis=1))]
    with Image.open(tmp_path / 'logistic_weights.png') as image:
        assert image.size == (10 * 29 - 1, 28) and np.asarray(image).max() == 254


@pytest.mark.parametrize('options, error, message', [
    (dict(batch_size=501), InputError, 'batch size 501 .* the train, valid and test sets have 5000, 500, 500 images'),
    (dict(patience=1), InputError, 'patience is 1; it must be at least 2'),
    (dict(model=f'{__file__}/model'), OSError, 'test_logistic_sgd.py')])
def test_invalid_settings(options, error, message, uncompiled):
    options = dict(n_epochs=1, dataset='mini_mnist.pkl.gz', batch_size=500) | options
    with pytest.raises(error, match=message):
        logistic_sgd.sgd_optimization_mnist(**options)


W, B = np.random.RandomState(0).normal(size=(6, 3)), np.arange(3.)


@pytest.mark.parametrize('arrays', [dict(W=W), dict(W=W, b=B[:2]), dict(W=W[0], b=B), dict(W=W > 0, b=B),
                                    dict(W=W, b=np.array(['0', '1', '2'])), dict(W=W[:, :0], b=B[:0])], ids=range(6))
def test_invalid_models(tmp_path, arrays):
    save_arrays(tmp_path / 'model', FORMAT, **arrays)
    with pytest.raises(InputError, match='model: W .* and b .* are not a logistic regression'):
        load_model(tmp_path / 'model')


@pytest.mark.parametrize('arrays', [dict(image_shape=(2, 2)), dict(pixel_scale=3), dict(class_names=['a', 'b']),
                                    dict(class_names=[1, 2, 3])], ids=range(4))
def test_invalid_images_and_names_of_models(tmp_path, arrays):
    save_arrays(tmp_path / 'model', FORMAT, W=W, b=B, **arrays)
    with pytest.raises(InputError, match='model: not a valid logistic regression file'):
        load_model(tmp_path / 'model')


def test_predict(tmp_path, uncompiled):
    path = tmp_path / 'model'
    save_arrays(path, FORMAT, W=W, b=B)
    x = np.random.RandomState(2).randint(2, 256, (5, 6))
    p = softmax(x / 256 @ W + B)
    for images in x / 256, x.astype(np.uint8).reshape(5, 2, 3):
        classes, probabilities = predict(images, path)
        np.testing.assert_array_equal(classes, p.argmax(axis=1))
        np.testing.assert_allclose(probabilities, p.max(axis=1), rtol=1e-6)
    assert class_names(path) is None  # of a model that was saved without
    with pytest.raises(InputError, match=r'the model is for images \(n, 6\), not \(2, 5\)'):
        predict(np.zeros((2, 5)), path)
    with pytest.raises(FileNotFoundError, match='nowhere: no such model; logistic_sgd.py saves it'):
        predict(x, tmp_path / 'nowhere')


def test_names_of_classes(tmp_path, uncompiled):
    for k, name in enumerate(('10', '2', 'chat noir')):
        (tmp_path / 'images' / name).mkdir(parents=True)
        for n in range(10):
            Image.new('L', (3, 2), 120 * k).save(tmp_path / 'images' / name / f'{n}.png')
    logistic_sgd.main(dataset=tmp_path / 'images', epochs=30, batch_size=3, learning_rate=1, model=tmp_path / 'model',
                      output_dir=tmp_path)
    names = class_names(tmp_path / 'model')
    classes, _ = predict(np.array([[0] * 6, [120] * 6, [240] * 6], np.uint8), tmp_path / 'model')
    assert [names[k] for k in classes] == ['10', '2', 'chat noir']


def test_classes_and_shape_are_those_of_the_data(tmp_path, uncompiled):
    path, labels = tmp_path / 'data.npz', 1 + np.arange(30) % 12
    images = {f'{name}_x': np.random.RandomState(0).uniform(size=(30, 4, 5)) for name in ('train', 'valid', 'test')}
    options = dict(dataset=path, epochs=1, batch_size=10, model=tmp_path / 'model', output_dir=tmp_path)
    np.savez(path, **images, train_y=labels, valid_y=labels, test_y=labels)
    logistic_sgd.main(**options)
    assert load_model(tmp_path / 'model')[0].shape == (20, 13)  # class 0 does not occur
    with Image.open(tmp_path / 'logistic_weights.png') as image:
        assert image.size == (10 * 6 - 1, 2 * 5 - 1)
    # The model knows what its images are like.
    dark = np.ones((1, 4, 5), np.uint8)
    assert predict(dark, tmp_path / 'model')[1] == predict(dark / 256, tmp_path / 'model')[1]
    assert class_names(tmp_path / 'model') is None
    with pytest.raises(InputError, match=r'the model is for images \(n, 20\) or \(n, 4, 5\), not \(1, 5, 4\)'):
        predict(dark.reshape(1, 5, 4), tmp_path / 'model')
    np.savez(path, **images)
    with pytest.raises(InputError, match='the data set has no labels, which a logistic regression needs'):
        logistic_sgd.main(**options)
