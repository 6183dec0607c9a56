import re

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from PIL import Image
from scipy.special import softmax

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


# The errors and the epochs as a program in NumPy has them by the rules. In the first and the last case the patience is
# raised, in the second and the fourth the better model is not better by enough.
@pytest.mark.parametrize('n_epochs, batch_size, patience, validated, n_saved, tested, epochs', [
    (100, 10, 10, [91.8, 90., 89.8], 3, 92, 4), (100, 10, 20, [89., 89.2, 88.6], 2, 94, 4),
    (3, 10, 100, [89., 89.2, 88.6], 2, 94, 3), (100, 20, 6, [88.4, 88.2], 2, 91, 3),
    (100, 20, 2, [91.2, 92., 88.4, 91.4, 89.8], 2, 93, 2)])
def test_early_stopping(
        tmp_path, capsys, uncompiled, n_epochs, batch_size, patience, validated, n_saved, tested, epochs):
    random = np.random.RandomState(3)
    sets = [(random.uniform(size=(n, 6)), random.randint(10, size=n)) for n in (60, 500, 100)]
    np.savez(tmp_path / 'data.npz', **{f'{name}_{kind}': values for name, pair in zip(SETS, sets)
                                       for kind, values in zip('xy', pair)})
    result = logistic_sgd.sgd_optimization_mnist(0.5, n_epochs, tmp_path / 'data.npz', batch_size, patience,
                                                 tmp_path / 'model')
    assert result == pytest.approx((min(validated) / 100, tested / 100, epochs))
    out = capsys.readouterr().out
    assert [float(error) for error in re.findall('validation error (.+) %', out)] == validated
    assert out.count('test error of best model') == n_saved
    classes, _ = predict(sets[1][0], tmp_path / 'model')
    assert np.mean(classes != sets[1][1]) == pytest.approx(result[0])


def test_main_uses_every_option(tmp_path, mini_mnist, capsys, uncompiled):
    logistic_sgd.main(epochs=1, batch_size=500, learning_rate=0.2, patience=10, model=tmp_path / 'model',
                      output_dir=tmp_path)
    lines = capsys.readouterr().out.splitlines()
    # Validated every patience // 2 minibatches. The better model is the second.
    assert [line.split()[3] for line in lines if 'validation error' in line] == ['5/10,', '10/10,']
    predictions = zip(*predict(mini_mnist[2][0][:25], tmp_path / 'model'))
    assert lines[-26:-1] == ['(%d, %.3f)' % prediction for prediction in predictions]
    logistic_sgd.sgd_optimization_mnist(0.2, 1, 'mini_mnist.pkl.gz', 500, 10, tmp_path / 'same')
    for values, expected in zip(load_model(tmp_path / 'model'), load_model(tmp_path / 'same'), strict=True):
        np.testing.assert_array_equal(values, expected)
    with Image.open(tmp_path / 'logistic_weights.png') as image:
        assert image.size == (10 * 29 - 1, 28) and np.asarray(image).max() == 254


@pytest.mark.filterwarnings('ignore:overflow|invalid value')
@pytest.mark.parametrize('options, error, message', [
    (dict(batch_size=501), InputError, 'batch size 501 .* the train, valid and test sets have 5000, 500, 500 images'),
    (dict(patience=1), InputError, 'patience is 1; it must be at least 2'),
    (dict(learning_rate=1e300), FloatingPointError, 'the cost is not finite in epoch 1; try a smaller learning rate')])
def test_invalid_settings(tmp_path, options, error, message, uncompiled):
    options = dict(dataset='mini_mnist.pkl.gz', batch_size=500, model=tmp_path / 'model') | options
    with pytest.raises(error, match=message):
        logistic_sgd.sgd_optimization_mnist(**options)


W, B = np.random.RandomState(0).normal(size=(6, 3)), np.arange(3.)


@pytest.mark.parametrize('arrays, message', [
    *[(arrays, 'W .* and b .* are not a logistic regression') for arrays in (
        dict(W=W), dict(W=W, b=B[:2]), dict(W=W[0], b=B), dict(W=W > 0, b=B), dict(W=W[:, :0], b=B[:0]))],
    *[(dict(W=W, b=B) | arrays, 'not a valid logistic regression file') for arrays in (
        dict(image_shape=(2, 2)), dict(pixel_scale=3), dict(class_names=['a', 'b']), dict(class_names=[1, 2, 3]))]],
    ids=range(9))
def test_invalid_models(tmp_path, arrays, message):
    save_arrays(tmp_path / 'model', FORMAT, **arrays)
    with pytest.raises(InputError, match=f'model: {message}'):
        load_model(tmp_path / 'model')


def test_predict(tmp_path, uncompiled):
    path = tmp_path / 'model'
    with pytest.raises(FileNotFoundError, match='model: no such model; logistic_sgd.py saves it'):
        predict(np.zeros((2, 6)), path)
    save_arrays(path, FORMAT, W=W, b=B)
    x = np.random.RandomState(2).randint(2, 256, (5, 6))
    classes, probabilities = predict(x, path)
    p = softmax(x / 256 @ W + B, axis=1)
    np.testing.assert_array_equal(classes, p.argmax(axis=1))
    np.testing.assert_allclose(probabilities, p.max(axis=1), rtol=1e-6)
    assert class_names(path) is None  # of a model that was saved without


def test_the_model_knows_what_it_was_trained_on(tmp_path, uncompiled):
    for k, name in enumerate(('10', '2', 'chat noir')):
        (tmp_path / 'images' / name).mkdir(parents=True)
        for n in range(10):
            Image.new('L', (3, 2), 120 * k).save(tmp_path / 'images' / name / f'{n}.png')
    path = tmp_path / 'model'
    logistic_sgd.main(dataset=tmp_path / 'images', epochs=30, batch_size=3, learning_rate=1, model=path,
                      output_dir=tmp_path)
    names = class_names(path)
    classes, _ = predict(np.array([[0] * 6, [120] * 6, [240] * 6], np.uint8), path)
    assert [names[k] for k in classes] == ['10', '2', 'chat noir']
    dark = np.ones((1, 2, 3), np.uint8)
    assert predict(dark, path)[1] == predict(dark / 256, path)[1]
    with pytest.raises(InputError, match=r'the model is for images \(n, 6\) or \(n, 2, 3\), not \(1, 3, 2\)'):
        predict(dark.reshape(1, 3, 2), path)
    with Image.open(tmp_path / 'logistic_weights.png') as image:
        assert image.size == (10 * 4 - 1, 2)


def test_labels_and_order_of_the_data(tmp_path, uncompiled):
    path, labels = tmp_path / 'data.npz', 1 + np.arange(30) % 12
    images = {f'{name}_x': np.random.RandomState(0).uniform(size=(20, 30)).T for name in SETS}
    options = dict(dataset=path, n_epochs=1, batch_size=10, model=tmp_path / 'model')
    np.savez(path, **images, train_y=labels, valid_y=labels, test_y=labels)
    logistic_sgd.sgd_optimization_mnist(**options)
    assert load_model(tmp_path / 'model')[0].shape == (20, 13)  # class 0 does not occur
    assert load_data(path)[0][0].get_value(borrow=True).flags.c_contiguous  # for BLAS, whatever the order in the file
    np.savez(path, **images)
    with pytest.raises(InputError, match='the data set has no labels, which a logistic regression needs'):
        logistic_sgd.sgd_optimization_mnist(**options)
