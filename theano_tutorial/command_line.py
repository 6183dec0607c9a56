"""Run a script's main(): its keyword arguments are the options of the command line."""
import argparse
import inspect
import io
import os
import sys
import warnings

from theano_tutorial import InputError, backend
from theano_tutorial.checkpoint import Checkpoint
from theano_tutorial.storage import make_folder


def number(kind, low, high, expected):
    """A type for argparse: `kind`, int or float, from low to high; the message says what was expected."""
    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:  # NaN is not in any range
            raise argparse.ArgumentTypeError(f'{text!r} is not {expected}')
        return value
    return convert


positive_int = number(int, 1, 2 ** 31 - 1, 'an integer from 1 to 2147483647')
OPTIONS = {
    'dataset': dict(metavar='FILE', help='gzipped pickle of the train, valid and test sets; '
                                         'mnist.pkl.gz, all of MNIST, is downloaded'),
    'epochs': dict(metavar='N', type=positive_int, help='number of epochs; for logistic_sgd.py the maximum'),
    'batch_size': dict(metavar='N', type=positive_int, help='examples in a minibatch'),
    # float32 ends a little above 1e38.
    'learning_rate': dict(metavar='X', type=number(float, 1e-38, 1e38, 'a number above 0 and below 1e38'),
                          help='step size of gradient descent'),
    'patience': dict(metavar='N', type=number(int, 2, 2 ** 31 - 1, 'an integer from 2 to 2147483647'),
                     help='minimum number of minibatches before stopping'),
    'n_hidden': dict(metavar='N', type=positive_int, help='number of hidden units'),
    'corruption': dict(metavar='P', type=number(float, 0, 1, 'a number from 0 to 1'),
                       help='probability that a pixel is set to 0'),
    'seed': dict(metavar='N', type=number(int, 0, 2 ** 32 - 1, 'an integer from 0 to 4294967295'),
                 help='seed of the initial weights and the noise'),
    'model': dict(metavar='FILE', help='where to save the best model, .npz'),
    'output_dir': dict(metavar='DIR', help='folder for the images'),
    'hook': dict(metavar='FILE', help='save the state to FILE after each epoch; resume from FILE if it exists'),
}


def run(main):
    """Call main() with the options of the command line, and exit with the status that it returns.

    Each keyword argument of main is an option, described in OPTIONS, and its default the option's; `hook` becomes
    --checkpoint. A wrong option or file ends with one line and status 2, Ctrl-C with status 130.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')  # a path may have letters that the Windows code page lacks
    parser = argparse.ArgumentParser(description=main.__doc__, allow_abbrev=False,
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for name, parameter in inspect.signature(main).parameters.items():
        flag = '--checkpoint' if name == 'hook' else f'--{name.replace("_", "-")}'
        default = argparse.SUPPRESS if parameter.default is None else parameter.default
        parser.add_argument(flag, dest=name, default=default, **OPTIONS[name])
    options = vars(parser.parse_args())

    # train() itself checks that its numbers are finite.
    warnings.filterwarnings('ignore', 'overflow|invalid value', RuntimeWarning)
    try:
        print('... computing', backend.use_fastest())
        make_folder(options['output_dir'])
        if 'model' in options:
            make_folder(os.path.dirname(options['model']))
        if 'hook' in options:
            settings = {name: value for name, value in options.items() if name not in ('epochs', 'output_dir', 'hook')}
            options['hook'] = Checkpoint(options['hook'], settings)
        status = main(**options)
    except (OSError, InputError, FloatingPointError, MemoryError) as error:
        message = ' '.join(str(error).split()) or 'not enough memory'
        parser.exit(2, f'{parser.prog}: error: {message}\n')
    except BaseException as error:
        # Under Numba, Ctrl-C arrives as the cause of another error.
        cause: BaseException | None = error
        while not isinstance(cause, KeyboardInterrupt):
            if cause is None:
                raise
            cause = cause.__cause__ or cause.__context__
        parser.exit(130, 'interrupted\n')
    sys.exit(status)
