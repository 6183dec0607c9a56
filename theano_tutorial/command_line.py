"""Run a script's main(): its keyword arguments are the options of the command line."""
import argparse
import inspect
import io
import re
import sys
import warnings

from theano_tutorial.compute import backend
from theano_tutorial.errors import InputError
from theano_tutorial.files.checkpoint import Checkpoint
from theano_tutorial.files.storage import make_folder


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


def shape(text):
    """(height, width) of a text like 28x28."""
    if not re.fullmatch('[1-9][0-9]{0,5}x[1-9][0-9]{0,5}', text):
        raise argparse.ArgumentTypeError(f'{text!r} is not a height and a width, as in 28x28')
    return tuple(map(int, text.split('x')))


positive_int = number(int, 1, 2 ** 31 - 1, 'an integer from 1 to 2147483647')
OPTIONS: dict[str, dict] = {
    'dataset': dict(metavar='PATH', help='pickle, .npz or .csv file, or a folder of images; '
                                         'mnist.pkl.gz, all of MNIST, is downloaded'),
    'image_shape': dict(metavar='HxW', type=shape, help='height and width of the images; those of a folder are scaled'),
    'only': dict(choices=['both', 'plain', 'denoising'], help='which autoencoder to train'),
    'epochs': dict(metavar='N', type=positive_int, help='number of epochs; in logistic_sgd.py the maximum'),
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
    'model': dict(metavar='FILE',
                  help='model file (.npz): dA.py reads it for --reconstruct; logistic_sgd.py writes it'),
    'output_dir': dict(metavar='DIR', help='folder for the images and models'),
    'reconstruct': dict(metavar='IMAGE', nargs='+',
                        help='only save input, corrupted input and reconstruction of image files'),
    'page': dict(metavar='FILE', help='a copy of the page, as text, HTML or a notebook (.ipynb), whose cells are run '
                                      'in place of dA.py; they are run AS CODE, with all of your permissions'),
    'hook': dict(metavar='FILE', help='save the state to FILE after each epoch; resume from FILE if it exists'),
}


def run(main, **others):
    """Call main() with the options of the command line, and exit with the status that it returns.

    Each keyword argument of main is an option, described in OPTIONS; one that is not there is of the type of its
    default. `hook` becomes --checkpoint. A function in `others` is called in place of main if the option of its name is
    given. An invalid option or file ends the script with one line and status 2, Ctrl-C with status 130.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')  # a path may have letters that the Windows code page lacks
    parser = argparse.ArgumentParser(description=main.__doc__, allow_abbrev=False)
    parser.error = lambda message: parser.exit(2, f'{parser.prog}: error: {message}\n')
    defaults: dict = {}
    for function in main, *others.values():
        for parameter in inspect.signature(function).parameters.values():
            defaults.setdefault(parameter.name, parameter.default)
    for name, default in defaults.items():
        has_default = default not in (None, inspect.Parameter.empty)
        option = dict(OPTIONS.get(name) or _added(default if has_default else ''))
        if has_default:
            option['help'] += f' (default: {default})'
        parser.add_argument(_flag(name), dest=name, default=argparse.SUPPRESS, **option)
    options = vars(parser.parse_args())
    function = next((others[name] for name in others if name in options), main)
    signature = inspect.signature(function)
    for name in options:
        if name not in signature.parameters:
            relation = 'needs' if function is main else 'cannot be combined with'
            parser.error(f'{_flag(name)} {relation} {" or ".join(map(_flag, others))}')
    call = signature.bind(**options)
    call.apply_defaults()
    options = call.arguments

    # train() itself checks that its numbers are finite.
    warnings.filterwarnings('ignore', 'overflow|invalid value', RuntimeWarning)
    try:
        print('... computing', backend.use_fastest())
        make_folder(options['output_dir'])
        if options.get('hook'):
            settings = {name: value for name, value in options.items()
                        if name not in ('epochs', 'only', 'output_dir', 'page', 'hook')}
            options['hook'] = Checkpoint(options['hook'], settings)
        status = function(**options)
    except (OSError, InputError, FloatingPointError, MemoryError) as error:
        message = str(error) or 'not enough memory'
        if isinstance(error, OSError) and error.filename:
            message = f'{error.filename}: {error.strerror}'
        message = ' '.join(message.split())
        parser.exit(2, f'{parser.prog}: error: {message}\n')
    except BaseException as error:
        if not is_interrupt(error):
            raise
        parser.exit(130, 'interrupted\n')
    sys.exit(status)


def _added(default):
    """The option for an argument that a user has added to main(): of the type of its default; --no-NAME if boolean."""
    kind = dict(action=argparse.BooleanOptionalAction) if isinstance(default, bool) else dict(type=type(default))
    return dict(help='', **kind)


def is_interrupt(error):
    """Whether an exception is Ctrl-C: a KeyboardInterrupt, or, as under Numba, one that it caused."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _flag(name):
    return '--checkpoint' if name == 'hook' else f'--{name.replace("_", "-")}'
