"""Replay the page from top to bottom, and compare everything with what it printed and drew in 2016.

    python replay.py
    python replay.py --page FILE

trains the logistic regression that the page builds on and both autoencoders with the page's settings, prints what the
page printed, saves its five pictures, and ends with a table of what matches. The exit status is 0 if everything
matches, 1 if something differs. With --page, the page's own cells are run in place of dA.py, as code, from the reader's
copy of the page. The logistic regression runs in PyTensor's mode FAST_COMPILE.
"""
import os

import pytensor

import dA
import logistic_sgd
from theano_tutorial import command_line, reference
from theano_tutorial.compute import backend
from theano_tutorial.errors import InputError
from theano_tutorial.files import datasets
from theano_tutorial.legacy.cells import read_cells, run_page


def main(epochs=200, output_dir='output', page=None, checkpoint=None):
    """Replay the page and compare every printed cost, prediction and picture with the original.

    epochs : number of epochs of each autoencoder
    checkpoint : save the state of the autoencoders to FILE after each epoch; resume from FILE if it exists; not with
        --page
    """
    if pytensor.config.floatX != 'float64':
        raise InputError(f'floatX is {pytensor.config.floatX}; the page was computed in float64')
    if page and checkpoint:
        raise InputError('--checkpoint cannot be combined with --page: the cells have a training loop of their own')
    if page:
        read_cells(page)  # so that a file without cells is an error now, and not after the logistic regression

    logistic = train_logistic_regression(output_dir)
    with reference.Recording(output_dir) as run:
        if page:
            shown = run_page(page, output_dir, training_epochs=epochs).shown
        else:
            dA.main(epochs=epochs, output_dir=output_dir, checkpoint=checkpoint)
    files = {name: name for name in run.saved}
    if page and not run.saved.intersection(reference.PICTURES):  # the author's notebook shows them
        files = dict(zip(reference.PICTURES, shown))

    return compare(logistic, run.printed, epochs, output_dir, files)


def train_logistic_regression(output_dir):
    """Train the logistic regression that the page builds on. Returns what is printed."""
    # FAST_COMPILE: in the default mode, compiling takes ten seconds and training one.
    mode = 'FAST_COMPILE' if pytensor.config.mode == 'Mode' else pytensor.config.mode
    with reference.Recording(output_dir) as run, pytensor.config.change_flags(mode=mode):
        logistic_sgd.main(output_dir=output_dir)
    return run.printed


def compare(logistic, autoencoders, epochs, output_dir, files):
    """Print the table of what matches. Returns the exit status: 0 if everything does, 1 if something differs.

    logistic, autoencoders : what the logistic regression and, after `epochs` epochs, the two autoencoders printed
    files : the names in output_dir of the pictures that were saved, a dict from the page's names
    """
    page_epochs = reference.record()['settings']['training_epochs']

    def check_pictures(*names):
        for name in names:
            if epochs == page_epochs or name == 'test_image.png':
                path = os.path.join(output_dir, files[name]) if name in files else None
                yield reference.check_picture(name, path and reference.read_picture(path))

    autoencoder, denoising = reference.read_costs(autoencoders, epochs)
    checks = [
        reference.check_log(logistic),
        reference.check_predictions(*reference.read_predictions(logistic)),
        reference.check_data(datasets.load('mini_mnist.pkl.gz')),
        reference.check_costs('autoencoder', autoencoder),
        *check_pictures('filters_no_corruption.png', 'test_image.png', 'autoencoded_image.png'),
        reference.check_noise(reference.read_noise(autoencoders)),
        reference.check_costs('denoising_autoencoder', denoising),
        *check_pictures('filters_corruption_30.png', 'dAed_image.png')]

    print(f'\n{backend.versions()}\nCompared with the original page:', *checks, sep='\n')
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
