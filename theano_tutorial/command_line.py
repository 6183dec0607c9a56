"""Run a script's main(): its arguments are the options of the command line."""
import argparse
import contextlib
import inspect
import io
import json
import math
import re
import sys
import warnings

import numpy as np
import pytensor

from theano_tutorial.compute import backend
from theano_tutorial.errors import InputError
from theano_tutorial.files.checkpoint import Checkpoint
from theano_tutorial.files.storage import make_folder


def checked(kind, is_valid, expected):
    """A type for argparse: kind(text), if it is valid; the message says what was expected."""
    def convert(text):
        with contextlib.suppress(ValueError):
            if is_valid(value := kind(text)):
                return value
        raise argparse.ArgumentTypeError(f'{text!r} is not {expected}')
    return convert


positive_int = checked(int, range(1, 2 ** 31).__contains__, 'an integer from 1 to 2147483647')
path = checked(str, bool, 'a path')  # not empty, as a shell variable that is not set
# 28x28, and (28, 28), as Python prints a default.
shape = checked(lambda text: tuple(map(int, re.split('[x,]', text.strip('()')))),
                lambda sizes: len(sizes) == 2 and all(0 < size < 10 ** 6 for size in sizes),
                'a height and a width, as in 28x28')
OPTIONS: dict[str, dict] = {
    'dataset': dict(metavar='PATH', type=path, help='pickle, .npz or .csv file, or a folder of images; '
                                                    'mnist.pkl.gz, all of MNIST, is downloaded if missing'),
    'image_shape': dict(metavar='HxW', type=shape, help='height and width; the images of a folder are scaled to it; '
                                                        'for other data, needed if the images are not square'),
    'only': dict(choices=['both', 'plain', 'denoising'], help='which autoencoder to train'),
    'epochs': dict(metavar='N', type=positive_int, help='number of epochs'),
    'batch_size': dict(metavar='N', type=positive_int, help='number of images in a minibatch'),
    # float32 ends a little above 1e38.
    'learning_rate': dict(metavar='X', help='step size of gradient descent', type=checked(
        float, lambda value: 1e-38 <= value <= 1e38, 'a number above 0 and below 1e38')),
    'patience': dict(metavar='N', help='minimum number of minibatches before stopping', type=checked(
        int, range(2, 2 ** 31).__contains__, 'an integer from 2 to 2147483647')),
    'n_hidden': dict(metavar='N', type=positive_int, help='number of hidden units'),
    'corruption': dict(metavar='P', help='probability that a pixel is set to 0', type=checked(
        float, lambda value: 0 <= value <= 1, 'a number from 0 to 1')),
    'seed': dict(metavar='N', help='seed of the initial weights and the noise', type=checked(
        int, range(2 ** 32).__contains__, 'an integer from 0 to 4294967295')),
    'model': dict(metavar='FILE', type=path, help='.npz file of the model'),
    'output_dir': dict(metavar='DIR', type=path, help='folder to save to'),
    'reconstruct': dict(metavar='IMAGE', type=path, nargs='+',
                        help='image files, which are scaled to the size of the training images'),
    'page': dict(metavar='FILE', type=path, help='a copy of the page: text, HTML, a notebook (.ipynb), or the .py or '
                 '.md file that nbconvert makes of one; its cells are run in place of dA.py, AS CODE, with all your '
                 'permissions'),
    'checkpoint': dict(metavar='FILE', type=path,
                       help='save the state to FILE after each epoch; resume from FILE if it exists'),
}
# Other arguments, by the type of their default or, in a tuple or list, of its elements.
KINDS: dict[type, dict] = {
    int: dict(metavar='N', type=checked(int, lambda value: True, 'an integer, as the default is')),
    float: dict(metavar='X', type=checked(float, math.isfinite, 'a finite number')),
    str: dict(metavar='TEXT')}
UNTYPED = dict(help=argparse.SUPPRESS, type=checked(
    str, lambda value: False, 'possible here; the argument needs a default that is a number, a string, True, False, or '
                              'a tuple or list of integers, floats or strings'))
REQUIRED = inspect.Parameter.empty  # what inspect has for a default that is missing


def run(main, **others):
    """Call main() with the options of the command line, and exit with the status that it returns, if that is an int.

    Each argument of main is an option: the one in OPTIONS if the default is valid for it, else one of the default's
    type. A line `name : text` in main's docstring is its help. --checkpoint FILE becomes a Checkpoint. A function in
    `others` is called in place of main if the option of its name is given. An invalid option or file ends the script
    with one line and status 2, Ctrl-C with status 130.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')  # a path may have letters that the Windows code page lacks
    parsers = {function: _parser(function) for function in (main, *others.values())}
    helps = [parser.format_help for parser in parsers.values()]
    given = [argument.split('=')[0] for argument in sys.argv[1:]]
    function = next((others[name] for name in others if _flag(name) in given), main)
    parser = parsers[function]
    parser.format_help = lambda: '\n'.join(text() for text in helps)
    found, unknown = parser.parse_known_args()
    if unknown:
        flag = unknown[0].split('=')[0]
        relation = 'needs' if function is main else 'cannot be combined with'
        parser.error(f'{flag} {relation} {" or ".join(map(_flag, others))}'
                     if any(flag in map(_flag, _defaults(other)) for other in parsers)
                     else f'unrecognized arguments: {" ".join(unknown)}; see {parser.prog} --help')
    options = _defaults(function)
    for name, value in vars(found).items():
        options[name] = tuple(value) if isinstance(options[name], tuple) else value

    # train() itself checks that its numbers are finite.
    warnings.filterwarnings('ignore', 'overflow|invalid value', RuntimeWarning)
    try:
        if pytensor.config.floatX == 'float16':
            raise InputError('floatX is float16; expected float32 or float64')
        print('... computing', backend.use_fastest())
        if 'output_dir' in options:
            make_folder(options['output_dir'])
        if isinstance(options.get('checkpoint'), str):
            settings = {name: _setting(name, value) for name, value in options.items()
                        if name not in ('dataset', 'epochs', 'only', 'output_dir', 'page', 'checkpoint')}
            options['checkpoint'] = Checkpoint(options['checkpoint'], settings)
        call = inspect.signature(function).bind_partial()
        call.arguments.update(options)
        status = function(*call.args, **call.kwargs)
    except (OSError, InputError, FloatingPointError, MemoryError) as error:
        message = str(error) or 'not enough memory'
        if isinstance(error, OSError) and error.filename:
            message = f'{error.filename}: {error.strerror}'
        parser.error(message)
    except BaseException as error:
        if not is_interrupt(error):
            raise
        parser.exit(130, 'interrupted\n')
    sys.exit(status if type(status) is int else 0)


def _parser(function):
    """The parser of the options that are the arguments of a function."""
    text, *parts = re.split(r'\n(\w+(?:, \w+)*) : ', inspect.getdoc(function) or '')
    helps = {name: part.split('\n\n')[0] for names, part in zip(parts[::2], parts[1::2]) for name in names.split(', ')}
    parser = argparse.ArgumentParser(description=text, allow_abbrev=False)
    parser.error = lambda message: parser.exit(2, f'{parser.prog}: error: {" ".join(message.split())}\n')
    for name, default in _defaults(function).items():
        option = {'help': ''} | _option(name, default)
        if option['help'] != argparse.SUPPRESS:
            shown = '' if default is None or default is REQUIRED else f' (default: {default})'
            option['help'] = (helps.get(name, option['help']) + shown).replace('%', '%%')
        option |= dict(dest=name, default=argparse.SUPPRESS, required=default is REQUIRED)
        try:
            parser.add_argument(_flag(name), **option)
        except argparse.ArgumentError as error:
            parser.error(f'{error}; rename the argument of {function.__name__}()')
    return parser


def _option(name, default):
    """The option for an argument: what argparse needs to know of it."""
    option = OPTIONS.get(name, {})
    with contextlib.suppress(argparse.ArgumentTypeError, ValueError):  # the latter from an array as default
        if option and (default is None or default is REQUIRED or option.get('type', str)(str(default)) == default):
            return option
    if isinstance(default, bool | np.bool_):
        return dict(action=argparse.BooleanOptionalAction)
    values = default if type(default) in (tuple, list) else [default]
    kinds = {type(value.item() if isinstance(value, np.generic) else value) for value in values}
    if len(kinds) != 1 or not kinds <= KINDS.keys():
        return UNTYPED
    return KINDS[kinds.pop()] | (dict(nargs='+') if values is default else {})


def _setting(name, value):
    """The value of an argument as JSON has it. Raises InputError if it has none."""
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=np.generic.item))
    except (TypeError, ValueError):
        raise InputError(f'--checkpoint cannot save the setting {name}: {value!r:.80}') from None


def _defaults(function):
    """The default of each argument of a function, a dict; *args and **kwargs are no options."""
    return {parameter.name: parameter.default for parameter in inspect.signature(function).parameters.values()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)}


def is_interrupt(error):
    """Whether an exception is Ctrl-C: a KeyboardInterrupt, or, as under Numba, one that it caused."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _flag(name):
    return f'--{name.replace("_", "-")}'
