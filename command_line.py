"""What the scripts share: options that are checked, errors of one line, an end without a traceback."""
import argparse
import contextlib
import os
import signal
import sys
import warnings


class ArgumentParser(argparse.ArgumentParser):
    """argparse, with defaults in --help and each error as one line and exit status 2."""

    def __init__(self, description):
        super().__init__(description=description, allow_abbrev=False,
                         formatter_class=argparse.ArgumentDefaultsHelpFormatter)

    def error(self, message):
        if isinstance(message, BrokenPipeError):
            raise message  # nobody is left to read it
        # A file may have had a say in it.
        text = ''.join(letter if letter.isprintable() else '?' for letter in ' '.join(str(message).split()))
        self.exit(2, f'{self.prog}: error: {text[:1000]}\n')


def positive_int(text):
    return _checked(text, int, lambda number: 0 < number < 2 ** 31, 'a whole number from 1 to 2147483647')


def positive_float(text):
    # float32 ends a little above 1e38.
    return _checked(text, float, lambda number: 0 < number < 1e38, 'a number above 0 and below 1e38')


def probability(text):
    return _checked(text, float, lambda number: 0 <= number <= 1, 'a number from 0 to 1')


def seed(text):
    return _checked(text, int, lambda number: 0 <= number < 2 ** 32, 'a whole number from 0 to 4294967295')


def _checked(text, kind, allowed, expected):
    with contextlib.suppress(ValueError):
        if allowed(number := kind(text)):
            return number
    raise argparse.ArgumentTypeError(f'{text!r} is not {expected}')


def end_on_ctrl_c():
    """From here to run(), Ctrl-C ends the script at once: while libraries are imported there is nothing to tidy up."""
    def end(_signal, _frame):
        os.write(2, b'interrupted\n')
        os._exit(130)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)


def run(main):
    """Call a script's main() and leave with its exit status; Ctrl-C, a closed pipe and the like give no traceback."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A training looks itself whether its numbers are finite, and says so in one line.
    warnings.filterwarnings('ignore', 'overflow|invalid value', RuntimeWarning)
    try:
        status = main()
        print(end='', flush=True)
    except BrokenPipeError:
        status = 1
    except OSError as error:
        # Files are seen to in main, so it is the output that can not be written.
        print(f'error: {error.strerror or error}', file=sys.stderr)
        status = 2
    except MemoryError:
        print('error: not enough memory', file=sys.stderr)
        status = 2
    except SystemExit as error:
        status = error.code
    except BaseException as error:
        # Under Numba a Ctrl-C comes out as the cause of another error.
        while not isinstance(error, KeyboardInterrupt):
            error = error.__cause__ or error.__context__
            if error is None:
                raise
        print('\ninterrupted' if sys.stderr.isatty() else 'interrupted', file=sys.stderr)
        status = 130
    try:
        sys.stdout.flush()
    except OSError:
        # The interpreter's own last flush must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
