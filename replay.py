"""The page from top to bottom, and whether everything in it came back.

    python replay.py

trains the logistic regression that the page builds on, and both autoencoders as the page did, prints what was printed,
draws the five pictures into output/, and then holds each number and picture against the original. A replay that was
interrupted goes on where it was. The exit status is 0 when all that was run matches, 1 when it does not.
"""
if __name__ == '__main__':
    import command_line
    command_line.end_on_ctrl_c()  # the imports below take a second

import contextlib
import io
import os
import sys

import numpy as np
import pytensor

import backend
import command_line
import original
from checkpoints import open_checkpoint
from dA import Autoencoder, DenoisingAutoencoder, train
from files import make_folder
from logistic_sgd import predict, sgd_optimization_mnist
from pictures import save_image, tiles
from shared_randomstreams import RandomStreams


class _Tee(io.StringIO):
    """Keeps what is printed, and lets it through."""

    def __init__(self):
        super().__init__()
        self.out = sys.stdout

    def write(self, text):
        self.out.write(text)
        return super().write(text)


def replay_logistic(output_dir):
    """Run the page before, which built logistic_sgd.py. Returns its data, and the checks against it."""
    settings = original.record()['logistic_mini']['settings']
    model = os.path.join(output_dir, 'best_model.npz')
    with contextlib.redirect_stdout(_Tee()) as printed:
        trained = sgd_optimization_mnist(settings['learning_rate'], settings['n_epochs'], 'mini_mnist.pkl.gz',
                                         settings['batch_size'], settings['patience'], model)
    log = [line for line in printed.getvalue().splitlines() if line.startswith(('epoch', ' ', 'Optimization'))]
    classes, probabilities = predict(trained.datasets[2][0].get_value(borrow=True)[:25], model)
    print(*['(%d, %.3f)' % prediction for prediction in zip(classes, probabilities)], sep='\n')
    return trained.datasets, [original.check_log(log), original.check_predictions(classes, probabilities)]


def replay(datasets, settings, epochs, output_dir, checkpoint):
    """Run the page on its data, with its settings, for some or all of its epochs. Returns the checks against it."""
    full = epochs == settings['training_epochs']
    checks = []

    def save(name, X, is_of_trained_model=True):
        image = tiles(X)
        print('saved', save_image(image, output_dir, name))
        if full or not is_of_trained_model:
            checks.append(original.check_picture(name, image))

    # Data
    train_set_x, test_set_x = datasets[0][0], datasets[2][0]
    checks.append(original.check_data([(x.get_value(borrow=True), y.eval()) for x, y in datasets]))

    # Autoencoder
    rng = np.random.RandomState(settings['seed'])
    theano_rng = RandomStreams(rng.randint(2 ** 30))
    autoencoder = Autoencoder(numpy_rng=rng, theano_rng=theano_rng,
                              n_visible=settings['n_visible'], n_hidden=settings['n_hidden'])
    costs, seconds = train(autoencoder, train_set_x, 0., settings['learning_rate'], epochs,
                           settings['batch_size'], checkpoint=checkpoint)
    checks.append(original.check_costs('autoencoder', costs, seconds))
    save('filters_no_corruption.png', autoencoder.W.get_value(borrow=True).T)

    # The test digits and what it makes of them
    y = autoencoder.get_hidden_values(test_set_x[:100])
    z = autoencoder.get_reconstructed_input(y).eval()
    save('test_image.png', test_set_x.get_value(borrow=True)[:100], is_of_trained_model=False)
    save('autoencoded_image.png', z)

    # Noise
    rng = np.random.RandomState(settings['seed'])
    theano_rng = RandomStreams(rng.randint(2 ** 30))
    binomial = theano_rng.binomial(size=(10, 10), n=1, p=1 - settings['corruption_level'],
                                   dtype=pytensor.config.floatX)
    noise = binomial.eval()
    print(noise)
    checks.append(original.check_noise(noise))

    # Denoising autoencoder
    dA = DenoisingAutoencoder(numpy_rng=rng, theano_rng=theano_rng,
                              n_visible=settings['n_visible'], n_hidden=settings['n_hidden'])
    costs, seconds = train(dA, train_set_x, settings['corruption_level'], settings['learning_rate'], epochs,
                           settings['batch_size'], checkpoint=checkpoint)
    checks.append(original.check_costs('denoising_autoencoder', costs, seconds))
    save('filters_corruption_30.png', dA.W.get_value(borrow=True).T)

    y = dA.get_hidden_values(test_set_x[:100])
    z = dA.get_reconstructed_input(y).eval()
    save('dAed_image.png', z)
    return checks


def main():
    parser = command_line.ArgumentParser('Replay the page and compare each number and picture with the original.')
    parser.add_argument('--epochs', type=command_line.positive_int, default=200, help='passes over the training set')
    parser.add_argument('--output-dir', default='output', help='folder for the pictures')
    options = parser.parse_args()
    if pytensor.config.floatX != 'float64':
        parser.error(f'floatX is {pytensor.config.floatX}; the page was computed in float64')
    print('... computing', backend.use_fastest())

    try:
        settings = original.record()['settings']
        for name in original.PICTURES:
            original.picture(name)  # one that is damaged had better be known before the training
        make_folder(options.output_dir)
        datasets, checks = replay_logistic(options.output_dir)
        images = datasets[0][0].get_value(borrow=True)
        with open_checkpoint(os.path.join(options.output_dir, 'replay_checkpoint.npz'), images) as checkpoint:
            checks += replay(datasets, settings, options.epochs, options.output_dir, checkpoint)
            checkpoint.remove()
    except (OSError, ValueError, FloatingPointError) as error:
        parser.error(error)

    print('\nHeld against the original page:')
    for check in checks:
        print(check)
    if options.epochs != settings['training_epochs']:
        print(f'The pictures of the trained models are compared after {settings["training_epochs"]} epochs only.')
    matches = all(check.matches for check in checks)
    print('Everything matches.' if matches else
          'These do not match: ' + ', '.join(check.subject for check in checks if not check.matches))
    return 0 if matches else 1


if __name__ == '__main__':
    command_line.run(main)
