"""Checkpoints: a training that was stopped goes on where it was, and prints what it would have printed.

After each epoch the file gets the parameters, the costs so far, and where each stream of noise is. Ctrl-C and SIGTERM
let the epoch end and be saved first; whatever ends the program otherwise, the file holds the last epoch that ended.
"""
import contextlib
import hashlib
import json
import os
import signal
import sys

import numpy as np
import pytensor

from files import load_arrays, save_arrays

FORMAT = 'checkpoint, version 1'
PARTS = ('W', 'b', 'b_prime', 'costs', 'seconds', 'streams')  # of each model


def open_checkpoint(path, images, **settings):
    """A Checkpoint of a training on `images` for a `with` block, or None there where `path` is None."""
    if path is None:
        return contextlib.nullcontext()
    return Checkpoint(path, settings | {'floatX': pytensor.config.floatX,
                                        'data of SHA-256': hashlib.sha256(np.ascontiguousarray(images)).hexdigest()})


class Checkpoint:
    """The file of a training, of one model or of one after the other.

    path: where it is, or is to be. settings: what the numbers depend on, a dict that JSON can hold.

    In a `with` block, the first Ctrl-C or SIGTERM stops the training once the epoch is saved; a second, at once.
    Raises OSError when the file can not be read, ValueError when it is damaged or was saved with other settings; both
    name it, and leave it as it is.
    """

    def __init__(self, path, settings):
        self.path = path
        self.settings = settings
        self.arrays = {}
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
            except (KeyError, TypeError, ValueError):
                raise ValueError(f'{path}: its settings are damaged; remove it to start anew') from None
            if differences:
                raise ValueError(f'{path}: saved with {"; ".join(differences)}: take the same settings or another file')

    def restore(self, autoencoder, training_epochs):
        """Put the model, and its streams of noise, where the file has them, if it has this model.

        Call it when get_cost_updates has made the streams. Returns the list of costs and the seconds so far.
        Raises ValueError naming the file when it has anything else than such a model, or more epochs.
        """
        self._stop_if_asked()
        name = type(autoencoder).__name__
        if f'{name}.costs' not in self.arrays:
            return [], 0.
        try:
            *parameters, costs, seconds, streams = (self.arrays[f'{name}.{part}'] for part in PARTS)
            numbers = [*parameters, costs, seconds]
            if any(values.dtype.kind != 'f' or not np.isfinite(values).all() for values in numbers):
                raise ValueError('not all of its numbers are finite')
            rngs = [rng for rng, _ in autoencoder.theano_rng.state_updates]
            # 624 words, and how many of them are used: numpy would believe any number.
            if streams.dtype != np.uint32 or streams.shape != (len(rngs), 625) or streams[:, -1].max(initial=0) > 624:
                raise ValueError('its streams of noise are not those of the model')
            if costs.ndim != 1 or seconds.ndim != 0:
                raise ValueError('its costs are no list')
            autoencoder.__setstate__(tuple(parameters))
        except KeyError as error:
            raise ValueError(f'{self.path}: it has no {error}; remove it to start anew') from None
        except ValueError as error:
            raise ValueError(f'{self.path}: {error}; remove it to start anew') from None
        if len(costs) > training_epochs:
            raise ValueError(f'{self.path}: it has {len(costs)} epochs already, not {training_epochs}; '
                             'ask for as many, or remove it to start anew')
        for rng, words in zip(rngs, streams):
            bits = np.random.MT19937(0)
            bits.state = {'bit_generator': 'MT19937', 'state': {'key': words[:-1], 'pos': int(words[-1])}}
            rng.set_value(np.random.Generator(bits), borrow=True)
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
        self._stop_if_asked()

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
        self.stopped_by = number
        self.__exit__()

    def _stop_if_asked(self):
        if self.stopped_by == signal.SIGINT:
            raise KeyboardInterrupt
        if self.stopped_by:
            sys.exit(128 + self.stopped_by)
