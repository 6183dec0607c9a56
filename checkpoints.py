"""Checkpoints: a training that was stopped goes on where it was, and prints what it would have printed.

After each epoch the file gets the parameters, the costs so far, and where each stream of noise is. Ctrl-C and SIGTERM
let the epoch end and be saved first; whatever ends the program otherwise, the file holds the last epoch that ended. The
numbers are the same to the last bit on the same backend, and as printed on another.
"""
import contextlib
import glob
import hashlib
import json
import os
import signal
import sys

import numpy as np
import pytensor

from files import load_arrays, make_folder, save_arrays

FORMAT = 'checkpoint, version 1'
PARTS = ('W', 'b', 'b_prime', 'costs', 'seconds', 'streams')  # of each model


def open_checkpoint(path, images, **settings):
    """A Checkpoint of a training on `images` for a `with` block, or None there where `path` is None."""
    if path is None:
        return contextlib.nullcontext()
    folder, name = os.path.split(os.path.realpath(path))
    make_folder(folder)
    # What a kill during a save left there.
    for part in glob.glob(f'.{glob.escape(name)}.????????.part', root_dir=folder, include_hidden=True):
        os.unlink(os.path.join(folder, part))
    return Checkpoint(path, settings | {'floatX': pytensor.config.floatX,
                                        'data of SHA-256': hashlib.sha256(np.ascontiguousarray(images)).hexdigest()})


class Checkpoint:
    """The file of a training, of one model or of one after the other.

    path: where it is, or is to be. settings: what the numbers depend on, a dict that JSON can hold.

    In a `with` block, the first Ctrl-C or SIGTERM in a training stops it once the epoch is saved; a second, at once.
    Raises OSError when the file can not be read, ValueError when it is damaged or was saved with other settings; both
    name it, and leave it as it is.
    """

    def __init__(self, path, settings):
        self.path = path
        self.settings = settings
        self.arrays = {}
        self.training_epochs = 0  # of the training that goes on
        self.stopped_by = None
        if os.path.lexists(path):
            try:
                self.arrays = load_arrays(path, FORMAT)
            except ValueError as error:
                raise ValueError(f'{error}; remove it to start anew') from error
            try:
                saved = json.loads(str(self.arrays.pop('settings')))
                differences = [f'{name} {saved[name]}, not {value}' for name, value in settings.items()
                               if saved[name] != value]
            except (KeyError, TypeError, ValueError, RecursionError):
                raise ValueError(f'{path}: its settings are damaged; remove it to start anew') from None
            if differences:
                raise ValueError(f'{path}: saved with {"; ".join(differences)}: take the same settings or another file')

    def restore(self, autoencoder, training_epochs):
        """Put the model, and its streams of noise, where the file has them, if it has this model.

        Call it when get_cost_updates has made the streams. Returns the list of costs and the seconds so far.
        Raises ValueError naming the file when it has anything else than such a model, or more epochs.
        """
        name = type(autoencoder).__name__
        if f'{name}.costs' not in self.arrays:
            self.training_epochs = training_epochs
            return [], 0.
        try:
            *parameters, costs, seconds, streams = (self.arrays[f'{name}.{part}'] for part in PARTS)
            dtypes = [*len(parameters) * [pytensor.config.floatX], 'float64', 'float64']
            for values, dtype in zip((*parameters, costs, seconds), dtypes, strict=True):
                if values.dtype != dtype or not np.isfinite(values).all():
                    raise ValueError(f'not all of its numbers are {dtype} and finite')
            rngs = [rng for rng, _ in autoencoder.theano_rng.state_updates]
            # 624 words, and how many of them are used: numpy would believe any number.
            if streams.dtype != np.uint32 or streams.shape != (len(rngs), 625) or streams[:, -1].max(initial=0) > 624:
                raise ValueError('its streams of noise are not those of the model')
            if costs.ndim != 1 or seconds.ndim != 0:
                raise ValueError('its costs are no list')
            if len(costs) > training_epochs:
                raise ValueError(f'it has {len(costs)} epochs already, and {training_epochs} are asked for')
            autoencoder.__setstate__(tuple(parameters))
        except KeyError as error:
            raise ValueError(f'{self.path}: it has no {error}; remove it to start anew') from None
        except ValueError as error:
            raise ValueError(f'{self.path}: {error}; remove it to start anew') from None
        for rng, words in zip(rngs, streams):
            bits = np.random.MT19937(0)
            bits.state = {'bit_generator': 'MT19937', 'state': {'key': words[:-1], 'pos': int(words[-1])}}
            rng.set_value(np.random.Generator(bits), borrow=True)
        if len(costs) < training_epochs:
            self.training_epochs = training_epochs
        print(f'... {name} goes on after {len(costs)} epochs in {self.path}', file=sys.stderr)
        return costs.tolist(), float(seconds)

    def save(self, autoencoder, costs, seconds):
        """Write the model as it is after an epoch; then stop, if that was asked for. Raises OSError naming the file."""
        states = [rng.get_value(borrow=True).bit_generator.state['state'] for rng, _ in
                  autoencoder.theano_rng.state_updates]
        streams = np.array([[*state['key'], state['pos']] for state in states], np.uint32).reshape(-1, 625)
        values = (*autoencoder.__getstate__(), np.array(costs, float), np.array(seconds, float), streams)
        name = type(autoencoder).__name__
        self.arrays |= {f'{name}.{part}': value for part, value in zip(PARTS, values)}
        save_arrays(self.path, FORMAT, settings=json.dumps(self.settings), **self.arrays)
        if self.stopped_by:
            print(f'... saved in {self.path}; the same command goes on from there', file=sys.stderr)
            if self.stopped_by == signal.SIGINT:
                raise KeyboardInterrupt
            sys.exit(128 + self.stopped_by)
        if len(costs) == self.training_epochs:
            self.training_epochs = 0

    def remove(self):
        """Remove the file."""
        os.unlink(self.path)

    def __enter__(self):
        self.handlers = {number: signal.signal(number, self._ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
                         if signal.getsignal(number) is not signal.SIG_IGN}
        return self

    def __exit__(self, *_):
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def _ask_to_stop(self, number, _frame):
        self.__exit__()
        if self.training_epochs:
            self.stopped_by = number
        else:
            signal.raise_signal(number)  # nothing is in the making that would have to be saved
