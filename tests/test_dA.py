import contextlib
import copy
import io
import os
import pickle
import re

import numpy as np
import pytensor
import pytest
from PIL import Image

import dA as dA_module
from dA import Autoencoder, DenoisingAutoencoder, encode, load, reconstruct, train
from theano_tutorial import InputError, trained
from theano_tutorial.mini_mnist import write
from theano_tutorial.shared_randomstreams import RandomStreams
from theano_tutorial.storage import save_arrays
from utils import tile_raster_images

MODELS = [Autoencoder, DenoisingAutoencoder]


def build(model, seed=123, **sizes):
    rng = np.random.RandomState(seed)
    return model(rng, RandomStreams(rng.randint(2 ** 30)), **sizes)


def shared(images):
    return pytensor.shared(np.asarray(images, pytensor.config.floatX))


@pytest.fixture
def images(mini_mnist):
    return mini_mnist[0][0][:40].astype('float64')


# Four corruption levels in each of three settings, in float64 and then in float32. Numba compiles each function for
# seconds: there the denoising autoencoder of the first setting, the page's, is enough.
RUNS = [pytest.param(k, backend, marks=pytest.mark.slow if backend == 'Numba' and k % 12 != 2 else ())
        for backend in ('C', 'Numba') for k in range(24)]


@pytest.mark.parametrize('k, backend', RUNS, indirect=['backend'])
def test_costs_of_theano(golden, mini_mnist, k, backend):
    run = golden['costs'][k]
    corruption_level = run['corruption_level']
    with pytensor.config.change_flags(floatX=run['floatX']):
        autoencoder = build(MODELS[corruption_level is not None], run['seed'], n_hidden=run['n_hidden'])
        costs = train(autoencoder, shared(mini_mnist[0][0][:run['images']]), corruption_level or 0.,
                      run['learning_rate'], 3, run['batch_size'])
    if run['floatX'] == 'float64':
        assert ['%f' % cost for cost in costs] == ['%f' % cost for cost in run['costs']]
    else:
        np.testing.assert_allclose(costs, run['costs'], rtol=2e-6)  # sums of 784 numbers of 24 bits


def reconstruction(W, b, b_prime, x):
    y = 1 / (1 + np.exp(-(x @ W + b)))
    return 1 / (1 + np.exp(-(y @ W.T + b_prime)))


def test_only_streams_that_the_cost_draws_from_are_updated():
    autoencoder = build(DenoisingAutoencoder)
    other = autoencoder.theano_rng.uniform(size=(2,))
    _, updates = autoencoder.get_cost_updates(corruption_level=0.4, learning_rate=1.)
    assert len(updates) == 4 and other.update not in updates


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_initial_parameters(floatX):
    with pytensor.config.change_flags(floatX=floatX):
        autoencoder = Autoencoder(np.random.RandomState(5), n_visible=30, n_hidden=20)
    random = np.random.RandomState(5)
    assert autoencoder.theano_rng.default_instance_seed == random.randint(2 ** 30)
    bound = 4 * np.sqrt(6 / 50)
    expected = random.uniform(-bound, bound, (30, 20)), np.zeros(20), np.zeros(30)
    for value, initial in zip(autoencoder.__getstate__(), expected, strict=True):
        np.testing.assert_array_equal(value, initial.astype(floatX), strict=True)
    assert autoencoder.x.dtype == autoencoder.feedforward().dtype == floatX


def test_parameters_of_another_model_are_shared():
    first = build(Autoencoder, n_visible=6, n_hidden=3)
    second = dA_module.dA(None, RandomStreams(1), first.x, 6, 3, first.W, first.b, first.b_prime)
    assert second.params == first.params == [first.W, first.b, first.b_prime] and second.x is first.x
    assert isinstance(second, DenoisingAutoencoder)


@pytest.mark.parametrize('protocol', [None, 0, pickle.HIGHEST_PROTOCOL])
def test_copies(protocol, images, uncompiled):
    autoencoder = build(DenoisingAutoencoder, n_hidden=4)
    state = autoencoder.__getstate__()
    other = copy.deepcopy(autoencoder) if protocol is None else pickle.loads(pickle.dumps(autoencoder, protocol))
    assert (type(other), other.n_visible, other.n_hidden) == (DenoisingAutoencoder, 784, 4)
    z = other.feedforward().eval({other.x: images})
    np.testing.assert_allclose(z, reconstruction(*state, images), rtol=1e-12)
    other.W.set_value(0 * state[0])
    np.testing.assert_array_equal(autoencoder.W.get_value(), state[0])


def test_diverging_training_is_stopped_before_the_hook(uncompiled):
    calls = []
    # The first cost is finite. The step after it makes the parameters infinite.
    with pytest.raises(FloatingPointError, match='^non-finite cost or parameter in epoch 0; try a smaller'):
        train(build(Autoencoder, n_visible=9, n_hidden=3), shared(np.ones((4, 9))), 0., np.inf, batch_size=4,
              hook=lambda *arguments: calls.append(arguments))
    assert len(calls) == 1


def test_progress_bar_on_a_terminal_only(images, capsys, uncompiled):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stderr in io.StringIO(), Terminal():
        with contextlib.redirect_stderr(stderr):
            costs = train(build(Autoencoder, n_hidden=3), shared(images), 0., training_epochs=11)
        *lines, seconds = capsys.readouterr().out.splitlines()
        assert lines == ['... compiling Autoencoder', 'Training epoch 0, cost %f' % costs[0],
                         'Training epoch 10, cost %f' % costs[10]]
        assert seconds.startswith('time: ') and len(costs) == 11
        assert ('/11 [' in stderr.getvalue()) is stderr.isatty()


def test_main_uses_every_option(tmp_path, images, capsys, uncompiled):
    x = images.reshape(40, 28, 28)[:, 12:16, 12:16].reshape(40, 16)
    write([(x, np.zeros(40, np.int64))] * 3, tmp_path / 'data.gz')
    dA_module.main(dataset=tmp_path / 'data.gz', epochs=1, batch_size=7, learning_rate=0.3, n_hidden=12, corruption=0.5,
                   seed=9, output_dir=tmp_path)
    out = capsys.readouterr().out
    names = ('autoencoder', 'no_corruption', 'autoencoded'), ('dA', 'corruption_50', 'dAed')
    for model, corruption_level, (file, name, reconstructed) in zip(MODELS, (0., 0.5), names):
        rng = np.random.RandomState(9)
        theano_rng = RandomStreams(rng.randint(2 ** 30))
        if model is DenoisingAutoencoder:
            assert str(theano_rng.binomial(size=(10, 10), n=1, p=0.5, dtype='float64').eval()) in out
        autoencoder = model(rng, theano_rng, n_visible=16, n_hidden=12)
        assert 'Training epoch 0, cost %f\n' % train(autoencoder, shared(x), corruption_level, 0.3, 1, 7)[0] in out
        with Image.open(tmp_path / f'filters_{name}.png') as image:
            assert image.size == (10 * 5 - 1, 2 * 5 - 1)
            W = autoencoder.W.get_value()
            np.testing.assert_array_equal(image, tile_raster_images(W.T, (4, 4), (2, 10), (1, 1)))
        saved = load(tmp_path / f'{file}.npz')
        for values, expected in zip(saved.__getstate__(), autoencoder.__getstate__(), strict=True):
            np.testing.assert_allclose(values, expected, rtol=1e-12)
        assert (saved.image_shape, saved.settings) == ((4, 4), dict(
            corruption=corruption_level, learning_rate=0.3, epochs=1, batch_size=7, seed=9))
        with Image.open(tmp_path / f'{reconstructed}_image.png') as image:
            z = tile_raster_images(reconstruction(*autoencoder.__getstate__(), x), (4, 4), (4, 10), (1, 1)).astype(int)
            assert image.size == (10 * 5 - 1, 4 * 5 - 1) and np.abs(np.asarray(image, int) - z).max() <= 1
    with Image.open(tmp_path / 'test_image.png') as image:
        np.testing.assert_array_equal(image, tile_raster_images(x, (4, 4), (4, 10), (1, 1)))
    assert len(os.listdir(tmp_path)) == 8


@pytest.mark.parametrize('only, names', [
    ('plain', ['autoencoded_image.png', 'autoencoder.npz', 'filters_no_corruption.png']),
    ('denoising', ['dA.npz', 'dAed_image.png', 'filters_corruption_30.png'])])
def test_one_model_only(tmp_path, only, names, uncompiled):
    # Without labels; the images are not square.
    x = np.random.RandomState(0).uniform(size=(9, 2, 3))
    np.savez(tmp_path / 'data.npz', train_x=x, valid_x=x, test_x=x)
    dA_module.main(dataset=tmp_path / 'data.npz', epochs=1, batch_size=3, n_hidden=2, only=only, output_dir=tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*names, 'data.npz', 'test_image.png'])
    with Image.open(tmp_path / 'test_image.png') as image:
        assert image.size == (10 * 4 - 1, 2)


def test_vectors_of_unknown_shape(tmp_path, capsys, uncompiled):
    x = np.random.RandomState(0).uniform(size=(9, 6))
    np.savez(tmp_path / 'data.npz', train_x=x, valid_x=x, test_x=x)
    options = dict(dataset=tmp_path / 'data.npz', epochs=1, batch_size=3, n_hidden=2, only='denoising')
    dA_module.main(**options, output_dir=tmp_path / 'a')
    out = capsys.readouterr().out
    assert re.findall(r'(\w+.png) not saved: 6 values are not a square; give their shape with', out) == [
        'filters_corruption_30.png', 'dAed_image.png', 'test_image.png']
    assert os.listdir(tmp_path / 'a') == ['dA.npz'] and load(tmp_path / 'a' / 'dA.npz').image_shape is None
    with pytest.raises(InputError, match='dA.npz: trained on vectors of unknown image shape; train with --image-shape'):
        dA_module.reconstruct_files(['x.png'], tmp_path / 'a' / 'dA.npz')
    dA_module.main(**options, output_dir=tmp_path / 'b', image_shape=(2, 3))
    assert len(os.listdir(tmp_path / 'b')) == 4 and load(tmp_path / 'b' / 'dA.npz').image_shape == (2, 3)


@pytest.mark.parametrize('x, message', [
    (np.full((4, 9), 255.), 'the images are from 255.0 to 255.0; expected finite values in'),
    (np.full((4, 9), -0.1), 'the images are from -0.1'),
    (np.array([[np.nan] + [0.] * 8] * 4), 'the images are from nan'),
    (np.full((4, 9), np.inf), 'the images are from inf'), (np.zeros((4, 8)), r'images \(n, 9\), not \(4, 8\)'),
    (np.zeros((4, 3, 3)), r'images \(n, 9\), not \(4, 3, 3\)')])
def test_invalid_training_images(x, message):
    for images in x, *[shared(x)] * (x.ndim == 2):
        with pytest.raises(ValueError, match=message):
            train(build(Autoencoder, n_visible=9, n_hidden=3), images, 0., batch_size=2)


def test_a_plain_array_is_trained_on(uncompiled):
    x = np.random.RandomState(0).uniform(size=(8, 9))
    costs = [train(build(Autoencoder, n_visible=9, n_hidden=3), images, 0., 0.1, 2, 4)
             for images in (x, shared(x), np.asfortranarray(x), x.tolist())]
    assert costs[1:] == costs[:1] * 3


@pytest.fixture
def saved(tmp_path):
    """The path of a saved model for 2 x 3 images, and its parameters."""
    random = np.random.RandomState(1)
    state = random.normal(size=(6, 4)), random.normal(size=4), random.normal(size=6)
    autoencoder = build(DenoisingAutoencoder, n_visible=6, n_hidden=4)
    autoencoder.__setstate__(state)
    trained.save(autoencoder, tmp_path / 'dA.npz', (2, 3), corruption=0.5)
    return tmp_path / 'dA.npz', state


def test_encode_and_reconstruct(saved, capsys, uncompiled):
    path, (W, b, b_prime) = saved
    x = np.random.RandomState(2).randint(2, 256, (5, 6))
    y, z = 1 / (1 + np.exp(-(x / 256 @ W + b))), reconstruction(W, b, b_prime, x / 256)
    capsys.readouterr()
    for images in x / 256, (x / 256).tolist(), (x / 256).reshape(5, 2, 3), x, x.astype(np.uint8), x.reshape(5, 2, 3):
        np.testing.assert_allclose(encode(images, path), y, rtol=1e-6)
        np.testing.assert_allclose(reconstruct(images, path), z, rtol=1e-6)
    assert capsys.readouterr().out == '... dividing the pixels of images by 256\n' * 6
    for image in x[0], x[0].tolist(), x[0].reshape(2, 3):
        np.testing.assert_allclose(reconstruct(image, path), z[:1], rtol=1e-6)
    for shape in (5, 7), (7,), (5, 3, 3), (2, 2), (0, 6), (0,):
        with pytest.raises(InputError, match=r'dA.npz: the model is for images \(n, 6\), not \(') as caught:
            encode(np.zeros(shape), path)
        assert str(shape) in str(caught.value)
    for value in np.nan, 1.5, -1, 256:
        with pytest.raises(InputError, match='images: the images are .*; expected floats in'):
            reconstruct([[value] * 6], path)


@pytest.mark.parametrize('change', [
    dict(W=np.zeros((6, 4), int)), dict(W=np.zeros((4, 6))), dict(W=np.zeros(6)), dict(b=np.zeros(3)),
    dict(W=np.zeros((6, 4, 2)), b=np.zeros((4, 2))), dict(W=np.zeros((6, 0)), b=np.zeros(0)), dict(image_shape=(2, 2)),
    dict(image_shape=(-2, -3)), dict(image_shape=6), dict(image_shape=(2., 3.5)), dict(settings='[]'),
    dict(settings='{'), dict(settings='{"corruption": "x"}'), dict(settings='{"corruption": NaN}'),
    dict(settings='[' * 10 ** 5), dict(W=None)], ids=range(16))
def test_invalid_models(tmp_path, change):
    valid = dict(W=np.zeros((6, 4)), b=np.zeros(4), b_prime=np.zeros(6), image_shape=np.array([2, 3]), settings='{}')
    save_arrays(tmp_path / 'model', trained.FORMAT, **valid)
    assert load(tmp_path / 'model').n_hidden == 4
    arrays = {name: value for name, value in (valid | change).items() if value is not None}
    save_arrays(tmp_path / 'model', trained.FORMAT, **arrays)
    with pytest.raises(InputError, match='model: not a valid autoencoder file'):
        load(tmp_path / 'model')


@pytest.mark.parametrize('corruption', [None, 0., 1.])
def test_reconstruct_files(tmp_path, saved, corruption, uncompiled):
    path, state = saved
    pixels = np.random.RandomState(3).randint(50, 256, (2, 2, 3)).astype(np.uint8)
    for k in range(2):
        Image.fromarray(pixels[k]).save(tmp_path / f'{k}.png')
    dA_module.reconstruct_files([tmp_path / '0.png', tmp_path / '1.png'], path, corruption, tmp_path)
    with Image.open(tmp_path / 'reconstruction.png') as image:
        sheet = np.asarray(image)
    assert sheet.shape == (2 * 3 - 1, 3 * 4 - 1)
    for k, rows in enumerate((sheet[:2], sheet[3:])):
        image, corrupted, z = rows[:, :3], rows[:, 4:7], rows[:, 8:]
        np.testing.assert_array_equal(image, (pixels[k] / 256 * 255).astype(int))
        kept = corrupted > 0
        np.testing.assert_array_equal(corrupted, image * kept)
        assert kept.sum() in {None: range(1, 6), 0.: [6], 1.: [0]}[corruption]
        expected = 255 * reconstruction(*state, (pixels[k] / 256 * kept).reshape(1, 6)).reshape(2, 3)
        np.testing.assert_allclose(z, expected, atol=1.001)
