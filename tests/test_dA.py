import copy
import os
import pickle
import re

import numpy as np
import pytensor
import pytest
from PIL import Image

import dA as dA_module
from dA import Autoencoder, DenoisingAutoencoder, encode, load, reconstruct, train
from theano_tutorial.errors import InputError
from theano_tutorial.files import models
from theano_tutorial.files.checkpoint import Checkpoint
from theano_tutorial.files.datasets import as_shared
from theano_tutorial.files.storage import load_arrays, save_arrays
from theano_tutorial.shared_randomstreams import RandomStreams

IMAGES = np.random.RandomState(0).uniform(size=(40, 6))


def build(model, seed=123, n_visible=6, n_hidden=4):
    rng = np.random.RandomState(seed)
    return model(rng, RandomStreams(rng.randint(2 ** 30)), n_visible=n_visible, n_hidden=n_hidden)


def reconstruction(W, b, b_prime, x):
    y = 1 / (1 + np.exp(-(x @ W + b)))
    return 1 / (1 + np.exp(-(y @ W.T + b_prime)))


def read_pixels(path):
    with Image.open(path) as image:
        return np.asarray(image, int)


# Four corruption levels in each of three settings, in float64 and then in float32. Numba compiles each function for
# seconds, and NumPy is slow: there the denoising autoencoder of the first setting, the page's, is enough.
RUNS = [pytest.param(k, backend, marks=pytest.mark.slow if backend != 'C' and k % 12 != 2 else ())
        for backend in ('C', 'Numba', 'NumPy') for k in range(24)]


@pytest.mark.parametrize('k, backend', RUNS, indirect=['backend'])
def test_costs_of_theano(golden, mini_mnist, k, backend):
    run = golden['costs'][k]
    model = Autoencoder if run['corruption_level'] is None else DenoisingAutoencoder
    with pytensor.config.change_flags(floatX=run['floatX']):
        autoencoder = build(model, run['seed'], 784, run['n_hidden'])
        costs = train(autoencoder, mini_mnist[0][0][:run['images']], run['corruption_level'] or 0.,
                      run['learning_rate'], 3, run['batch_size'])
    # In float32: sums of 784 numbers of 24 bits.
    np.testing.assert_allclose(costs, run['costs'], rtol=1e-14 if run['floatX'] == 'float64' else 5e-7)


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_without_streams_a_model_seeds_them_as_the_page_does(floatX):
    with pytensor.config.change_flags(floatX=floatX):
        autoencoder = Autoencoder(np.random.RandomState(123), n_visible=6, n_hidden=4)
    pages = build(Autoencoder)
    assert autoencoder.theano_rng.default_instance_seed == pages.theano_rng.default_instance_seed
    for value, expected in zip(autoencoder.__getstate__(), pages.__getstate__(), strict=True):
        np.testing.assert_array_equal(value, expected.astype(floatX), strict=True)
    assert autoencoder.x.dtype == autoencoder.feedforward().dtype == floatX


def test_parameters_of_another_model_are_shared():
    first = build(Autoencoder)
    second = DenoisingAutoencoder(None, RandomStreams(1), first.x, 6, 4, first.W, first.b, first.b_prime)
    assert second.params == first.params == [first.W, first.b, first.b_prime] and second.x is first.x
    assert isinstance(second, DenoisingAutoencoder)


def test_copies(uncompiled):
    autoencoder = build(DenoisingAutoencoder)
    state = autoencoder.__getstate__()
    for other in copy.deepcopy(autoencoder), pickle.loads(pickle.dumps(autoencoder)):
        assert (type(other), other.n_visible, other.n_hidden) == (DenoisingAutoencoder, 6, 4)
        z = other.feedforward().eval({other.x: IMAGES})
        np.testing.assert_allclose(z, reconstruction(*state, IMAGES), rtol=1e-12)
        other.W.set_value(0 * state[0])
        np.testing.assert_array_equal(autoencoder.W.get_value(), state[0])


def test_diverging_training_is_stopped_before_it_is_saved(tmp_path, uncompiled):
    # The first cost is finite. The step after it makes the parameters infinite.
    with pytest.raises(FloatingPointError, match='^non-finite cost or parameter in epoch 0; '):
        train(build(Autoencoder), np.ones((4, 6)), 0., np.inf, batch_size=4,
              checkpoint=Checkpoint(tmp_path / 'file', {}))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize('only, model, corruption_level, file, filters, reconstructed', [
    ('plain', Autoencoder, 0., 'autoencoder.npz', 'filters_no_corruption.png', 'autoencoded_image.png'),
    ('denoising', DenoisingAutoencoder, 0.5, 'dA.npz', 'filters_corruption_50.png', 'dAed_image.png')])
def test_main_uses_every_option(
        tmp_path, capsys, only, model, corruption_level, file, filters, reconstructed, uncompiled):
    np.savez(tmp_path / 'data.npz', train_x=IMAGES, valid_x=IMAGES, test_x=IMAGES)
    output = tmp_path / 'output'
    dA_module.main(dataset=tmp_path / 'data.npz', epochs=1, batch_size=7, learning_rate=0.3, n_hidden=40,
                   corruption=0.5, seed=9, only=only, output_dir=output, image_shape=(2, 3))
    out = capsys.readouterr().out
    rng = np.random.RandomState(9)
    theano_rng = RandomStreams(rng.randint(2 ** 30))
    if only == 'denoising':
        assert str(theano_rng.binomial(size=(10, 10), n=1, p=0.5, dtype='float64').eval()) in out
    autoencoder = model(rng, theano_rng, n_visible=6, n_hidden=40)
    assert 'Training epoch 0, cost %f\n' % train(autoencoder, IMAGES, corruption_level, 0.3, 1, 7)[0] in out
    saved = load(output / file)
    for values, expected in zip(saved.__getstate__(), autoencoder.__getstate__(), strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert (saved.image_shape, saved.pixel_scale, saved.settings) == ((2, 3), 256, dict(
        corruption=corruption_level, learning_rate=0.3, epochs=1, batch_size=7, seed=9))
    assert {*os.listdir(output)} == {file, filters, reconstructed, 'test_image.png'}
    assert read_pixels(output / filters).shape == read_pixels(output / reconstructed).shape == (4 * 3 - 1, 10 * 4 - 1)


def test_vectors_of_unknown_shape(tmp_path, capsys, uncompiled):
    np.savez(tmp_path / 'data.npz', train_x=IMAGES, valid_x=IMAGES, test_x=IMAGES)
    output, path = tmp_path / 'output', tmp_path / 'output' / 'dA.npz'
    dA_module.main(dataset=tmp_path / 'data.npz', epochs=1, only='denoising', output_dir=output)
    assert capsys.readouterr().out.count('.png not saved: images of 6 pixels are not square; set their shape with') == 3
    assert os.listdir(output) == ['dA.npz'] and load(path).image_shape is None
    with pytest.raises(InputError, match='the model was trained on vectors of unknown image shape; train with --image'):
        dA_module.reconstruct_files(['x.png'], path)


@pytest.mark.parametrize('x, message', [
    (np.full((4, 6), 255.), 'the images are from 255.0 to 255.0; expected finite values in'),
    (np.full((4, 6), -0.1), 'the images are from -0.1'),
    (np.array([[np.nan] + [0.] * 5] * 4), 'the images are from nan'),
    (np.zeros((4, 5)), r'images \(n, 6\) of numbers, not float64 \(4, 5\)'),
    (np.zeros((4, 6, 1)), r'images \(n, 6\) of numbers, not float64 \(4, 6, 1\)'),
    (np.zeros((1, 6)), 'batch size 2 is not from 1 to 1, the number of images')])
def test_invalid_training_images(x, message):
    for images in x, pytensor.shared(x):
        with pytest.raises(ValueError, match=message):
            train(build(Autoencoder), images, 0., batch_size=2)


def test_arrays_lists_and_shared_matrices_are_trained_on_alike(uncompiled):
    images = IMAGES.round()  # integers are the same numbers in any dtype
    costs = [train(build(Autoencoder), images, 0., 0.1, 2, 4)
             for images in (images, pytensor.shared(images), np.asfortranarray(images), images.tolist(),
                            pytensor.shared(images.astype('float32')), images.astype(bool))]
    assert costs[1:] == costs[:1] * 5
    # In an order in which BLAS adds them alike, however large they are.
    assert as_shared(np.asfortranarray(images), 6, 4).get_value(borrow=True).flags.c_contiguous


@pytest.fixture
def saved(tmp_path):
    """The path of a saved model for 2 x 3 images, and its parameters."""
    random = np.random.RandomState(1)
    state = random.normal(size=(6, 4)), random.normal(size=4), random.normal(size=6)
    autoencoder = build(DenoisingAutoencoder)
    autoencoder.__setstate__(state)
    models.save(autoencoder, tmp_path / 'dA.npz', (2, 3), 256, corruption=0.5)
    return tmp_path / 'dA.npz', state


def test_encode_and_reconstruct(saved, uncompiled):
    path, (W, b, b_prime) = saved
    dark = np.array([[0, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]])
    for scale in 256, 1:
        models.save(load(path), path, (2, 3), scale)
        np.testing.assert_allclose(encode(dark, path), 1 / (1 + np.exp(-(dark / scale @ W + b))), rtol=1e-6)
        np.testing.assert_allclose(reconstruct(dark, path), reconstruction(W, b, b_prime, dark / scale), rtol=1e-6)
    for function in encode, reconstruct:
        with pytest.raises(InputError, match=re.escape('the model is for images (n, 6) or (n, 2, 3), not (5, 3, 2)')):
            function(np.zeros((5, 3, 2)), path)


@pytest.mark.parametrize('model', [Autoencoder, DenoisingAutoencoder])
def test_a_model_is_loaded_as_what_it_was(tmp_path, model):
    models.save(build(model), tmp_path / 'file', None, 256)
    assert type(load(tmp_path / 'file')) is model
    # A file of an older version does not say what it was, nor the scale.
    arrays = load_arrays(tmp_path / 'file', models.FORMAT)
    del arrays['model_class'], arrays['pixel_scale']
    save_arrays(tmp_path / 'file', models.FORMAT, **arrays)
    old = load(tmp_path / 'file')
    assert type(old) is DenoisingAutoencoder and old.pixel_scale is None


@pytest.mark.parametrize('change', [
    dict(model_class='Other'), dict(W=None), dict(W=np.zeros((6, 4), int)), dict(W=np.zeros((4, 6))),
    dict(b=np.zeros(3)), dict(W=np.zeros((6, 4, 2)), b=np.zeros((4, 2))), dict(W=np.zeros((6, 0)), b=np.zeros(0)),
    dict(image_shape=(2, 2)), dict(image_shape=(-2, -3)), dict(image_shape=6), dict(pixel_scale=255),
    dict(settings='[]'), dict(settings='{'), dict(settings='{"corruption": NaN}'), dict(settings='[' * 10 ** 5)],
    ids=range(15))
def test_invalid_models(saved, change):
    path, _ = saved
    arrays = load_arrays(path, models.FORMAT) | change
    save_arrays(path, models.FORMAT, **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(InputError, match='dA.npz: not a valid autoencoder file'):
        load(path)


@pytest.mark.parametrize('corruption', [None, 0., 1.])
def test_reconstruct_files(tmp_path, saved, corruption, uncompiled):
    path, state = saved
    pixels = np.random.RandomState(3).randint(50, 256, (2, 2, 3)).astype(np.uint8)
    for k in range(2):
        Image.fromarray(pixels[k]).save(tmp_path / f'{k}.png')
    dA_module.reconstruct_files([tmp_path / '0.png', tmp_path / '1.png'], path, corruption, tmp_path)
    sheet = read_pixels(tmp_path / 'reconstruction.png')
    assert sheet.shape == (2 * 3 - 1, 3 * 4 - 1)
    for k, rows in enumerate((sheet[:2], sheet[3:])):
        image, corrupted, z = rows[:, :3], rows[:, 4:7], rows[:, 8:]
        np.testing.assert_array_equal(image, (pixels[k] / 256 * 255).astype(int))
        kept = corrupted > 0
        np.testing.assert_array_equal(corrupted, image * kept)
        assert kept.sum() in {None: range(1, 6), 0.: [6], 1.: [0]}[corruption]
        expected = 255 * reconstruction(*state, (pixels[k] / 256 * kept).reshape(1, 6)).reshape(2, 3)
        np.testing.assert_allclose(z, expected, atol=1.001)
