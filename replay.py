"""Replay the page from top to bottom, and compare everything with what it printed and drew in 2016.

    python replay.py
    python replay.py --page FILE

trains the logistic regression that the page builds on and both autoencoders with the page's settings, prints what the
page printed, saves its five pictures, and ends with a table of what matches. The exit status is 0 if everything does,
1 if something differs. With --page the autoencoders are not ours but those of the page's own cells, which are run as
code from the reader's copy of the page.
"""
import contextlib
import io
import os

import numpy as np
import pytensor
from PIL import Image

from dA import Autoencoder, DenoisingAutoencoder, train
from logistic_sgd import load_data, predict, sgd_optimization_mnist
from theano_tutorial import command_line, reference
from theano_tutorial.compute import backend
from theano_tutorial.errors import InputError
from theano_tutorial.files.storage import save_image
from theano_tutorial.legacy.cells import read_cells, run_page
from theano_tutorial.shared_randomstreams import RandomStreams
from utils import tile_raster_images


def replay_logistic(output_dir):
    """Train and predict as on the page about logistic regression. Returns the checks."""
    settings = reference.record()['logistic_mini']['settings']
    model = os.path.join(output_dir, 'best_model.npz')
    # The default mode would compile for ten seconds, to train for one.
    mode = 'FAST_COMPILE' if pytensor.config.mode == 'Mode' else pytensor.config.mode
    with contextlib.redirect_stdout(io.StringIO()) as printed, pytensor.config.change_flags(mode=mode):
        sgd_optimization_mnist(settings['learning_rate'], settings['n_epochs'], 'mini_mnist.pkl.gz',
                               settings['batch_size'], settings['patience'], model)
    print(printed.getvalue(), end='')
    classes, probabilities = predict(load_data('mini_mnist.pkl.gz')[2][0].get_value()[:25], model)
    print(*['(%d, %.3f)' % prediction for prediction in zip(classes, probabilities)], sep='\n')
    return [reference.check_log(printed.getvalue()), reference.check_predictions(classes, probabilities)]


def replay_page(epochs, output_dir, hook):
    """Train both autoencoders as on the page, for `epochs` epochs. Returns the checks."""
    page = reference.record()['settings']
    corruption_level = page['corruption_level']
    checks = []

    def save_and_check(X, name, is_of_trained_model=True):
        pixels = tile_raster_images(X=X, img_shape=(28, 28), tile_shape=(10, 10), tile_spacing=(1, 1))
        save_image(pixels, os.path.join(output_dir, name))
        if epochs == page['training_epochs'] or not is_of_trained_model:
            checks.append(reference.check_picture(name, pixels))

    # Data
    datasets = load_data('mini_mnist.pkl.gz')
    train_set_x, test_set_x = datasets[0][0], datasets[2][0]
    checks.append(reference.check_data([(x.get_value(), y.eval()) for x, y in datasets]))

    # Autoencoder
    rng = np.random.RandomState(page['seed'])
    theano_rng = RandomStreams(rng.randint(2 ** 30))
    autoencoder = Autoencoder(rng, theano_rng, n_visible=page['n_visible'], n_hidden=page['n_hidden'])
    costs = train(autoencoder, train_set_x, 0., page['learning_rate'], epochs, page['batch_size'], hook)
    checks.append(reference.check_costs('autoencoder', costs))
    save_and_check(autoencoder.W.get_value(borrow=True).T, 'filters_no_corruption.png')

    # Test images and their reconstructions
    y = autoencoder.get_hidden_values(test_set_x[:100])
    z = autoencoder.get_reconstructed_input(y).eval()
    save_and_check(test_set_x.get_value()[:100], 'test_image.png', is_of_trained_model=False)
    save_and_check(z, 'autoencoded_image.png')

    # Noise
    rng = np.random.RandomState(page['seed'])
    theano_rng = RandomStreams(rng.randint(2 ** 30))
    noise = theano_rng.binomial(size=(10, 10), n=1, p=1 - corruption_level, dtype=pytensor.config.floatX).eval()
    print(noise)
    checks.append(reference.check_noise(noise))

    # Denoising autoencoder
    dA = DenoisingAutoencoder(rng, theano_rng, n_visible=page['n_visible'], n_hidden=page['n_hidden'])
    costs = train(dA, train_set_x, corruption_level, page['learning_rate'], epochs, page['batch_size'], hook)
    checks.append(reference.check_costs('denoising_autoencoder', costs))
    save_and_check(dA.W.get_value(borrow=True).T, 'filters_corruption_30.png')

    # Its reconstructions
    y = dA.get_hidden_values(test_set_x[:100])
    z = dA.get_reconstructed_input(y).eval()
    save_and_check(z, 'dAed_image.png')
    return checks


def replay_copy(path, epochs, output_dir):
    """Run the cells of a copy of the page as code, for `epochs` epochs. Returns the checks of their output."""
    run = run_page(path, output_dir, training_epochs=epochs)
    datasets = run.variables.get('datasets', ())
    autoencoder, denoising = reference.read_costs(run.printed, epochs)
    files = {name: name for name in run.saved}
    if not run.saved.intersection(reference.PICTURES):  # the author's notebook shows the five, in the same order
        files = dict(zip(reference.PICTURES, run.shown))

    def check_pictures(*names):
        for name in names:
            pixels = None
            if name in files:
                with Image.open(os.path.join(output_dir, files[name])) as image:
                    pixels = np.asarray(image)
            if epochs == reference.record()['settings']['training_epochs'] or name == 'test_image.png':
                yield reference.check_picture(name, pixels)

    return [
        reference.check_data([(x.get_value(), y.eval()) for x, y in datasets]),
        reference.check_costs('autoencoder', autoencoder),
        *check_pictures('filters_no_corruption.png', 'test_image.png', 'autoencoded_image.png'),
        reference.check_noise(reference.read_noise(run.printed)),
        reference.check_costs('denoising_autoencoder', denoising),
        *check_pictures('filters_corruption_30.png', 'dAed_image.png')]


def main(epochs=200, output_dir='output', page=None, hook=None):
    """Replay the page and compare every printed cost, prediction and picture with the original."""
    if pytensor.config.floatX != 'float64':
        raise InputError(f'floatX is {pytensor.config.floatX}; the page was computed in float64')
    if page and hook:
        raise InputError('--checkpoint cannot be combined with --page: the cells have a training loop of their own')
    if page:
        read_cells(page)  # a file without cells should not be noticed only after the logistic regression
    checks = [*replay_logistic(output_dir),
              *(replay_copy(page, epochs, output_dir) if page else replay_page(epochs, output_dir, hook))]

    print(f'\n{backend.versions()}\nCompared with the original page:', *checks, sep='\n')
    page_epochs = reference.record()['settings']['training_epochs']
    if epochs != page_epochs:
        print(f'The pictures of the trained models are compared only after {page_epochs} epochs.')
    for check in checks:
        for here, page_has in check.different[:1]:
            print(f'{check.subject}, the first difference: here {here}, on the page {page_has}')
    different = [check.subject for check in checks if not check.matches]
    print('Different: ' + ', '.join(different) if different else 'Everything matches.')
    return 1 if different else 0


if __name__ == '__main__':
    command_line.run(main)
