"""python -m theano_tutorial FILE: run code of Theano's time, and compare a notebook with the output stored in it."""
import argparse
import io
import sys

from theano_tutorial.command_line import is_interrupt
from theano_tutorial.compute import backend
from theano_tutorial.errors import InputError
from theano_tutorial.legacy import runner

WARNING = 'FILE IS RUN AS CODE, with all of your permissions. Run only a file that you trust.'


def main(arguments=None):
    """Run the file on the command line. Returns the exit status, 2 for what cannot be run."""
    parser = argparse.ArgumentParser(
        prog='python -m theano_tutorial', allow_abbrev=False,
        description='Run a notebook, a copy of cells or a script that was written for Theano or Aesara, in Python 2 or '
                    '3, on PyTensor. What the cells of a notebook print, and the values of their last lines, are '
                    'compared with what is stored; the exit status is 0 if all of it is the same and every cell ran.')
    parser.add_argument('--save', metavar='OUT.ipynb', help='write the notebook with its new outputs to OUT.ipynb')
    parser.add_argument('--python', type=int, choices=(2, 3),
                        help='the version of Python in which FILE is written, if it cannot be detected')
    parser.add_argument('file', metavar='FILE', help='.ipynb, .py, or a text or HTML copy of cells')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='arguments of a script')
    text = parser.format_help
    parser.format_help = lambda: f'{WARNING}\n\n{text()}'
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        print('... computing', backend.use_fastest(), file=sys.stderr)
        return runner.run(options.file, options.arguments, options.save, options.python)
    except (OSError, InputError) as error:
        message = f'{error.filename}: {error.strerror}' if isinstance(error, OSError) and error.filename else error
        parser.exit(2, f'{parser.prog}: error: {message}\n')
    except BaseException as error:
        if not is_interrupt(error):
            raise
        parser.exit(130, 'interrupted\n')


if __name__ == '__main__':
    sys.exit(main())
