"""Resumable training: a hook for train() that saves the state after each epoch, and continues from it.

Whatever interrupts a training, the file holds the last epoch that was completed. With the same backend the resumed
training is the same to the last bit; with another, the printed costs are the same.
"""
import json
import os

import numpy as np
import pytensor

from theano_tutorial import InputError
from theano_tutorial.storage import load_arrays, make_folder, save_arrays

FORMAT = 'checkpoint, version 2'
PARTS = ('W', 'b', 'b_prime', 'costs', 'rng_states')  # of each model, under 'CLASS.PART'


class Checkpoint:
    """The checkpoint file of one training, or of several models one after the other.

    path : the file; resumed from if it exists
    settings : the hyperparameters, a dict of numbers and strings; a file with others is refused

    Raises OSError if the file cannot be read, InputError (a ValueError) naming it if it is not a valid checkpoint or
    has other settings. Such a file is left as it is.
    """

    def __init__(self, path, settings):
        make_folder(os.path.dirname(path))
        self.path = path
        self.settings = settings | {'floatX': pytensor.config.floatX}
        try:
            self.arrays = load_arrays(path, FORMAT)
        except FileNotFoundError:
            self.arrays = {'settings': np.array(json.dumps(self.settings))}
        try:
            saved = json.loads(str(self.arrays['settings']))
            differences = [f'{name} {saved[name]}, not {value}' for name, value in self.settings.items()
                           if saved[name] != value]
        except (KeyError, TypeError, ValueError, RecursionError):
            raise InputError(f'{path}: not a valid checkpoint file (its settings)') from None
        if differences:
            raise InputError(f'{path}: saved with {"; ".join(differences)}; use the same settings or another file')

    def __call__(self, autoencoder, costs):
        """Restore the model, if the file has it, while there are no costs; save it after an epoch."""
        name = type(autoencoder).__name__
        rngs = [rng for rng, _ in autoencoder.theano_rng.state_updates]
        if costs:
            states = [_words(rng.get_value(borrow=True)) for rng in rngs]
            values = (*autoencoder.__getstate__(), np.array(costs), np.array(states, np.uint32).reshape(-1, 625))
            self.arrays |= {f'{name}.{part}': value for part, value in zip(PARTS, values)}
            save_arrays(self.path, FORMAT, **self.arrays)
        elif f'{name}.costs' in self.arrays:
            try:
                *parameters, saved_costs, states = (self.arrays[f'{name}.{part}'] for part in PARTS)
                shapes = [values.shape for values in autoencoder.__getstate__()]
                valid = ([values.shape for values in parameters] == shapes and saved_costs.ndim == 1
                         and states.dtype == np.uint32 and states.shape == (len(rngs), 625)
                         and states[:, -1].max(initial=0) <= 624)
            except KeyError:
                valid = False
            if not valid:
                raise InputError(f'{self.path}: not a valid checkpoint of this {name}')
            autoencoder.__setstate__(parameters)
            for rng, words in zip(rngs, states):
                rng.set_value(_generator(words), borrow=True)
            costs += saved_costs.tolist()
            print(f'... resuming {name} after epoch {len(costs) - 1} from {self.path}')


def _words(generator):
    """The state of a Generator of MT19937 as uint32 (625,): the key, and the position in it."""
    state = generator.bit_generator.state['state']
    return [*state['key'], state['pos']]


def _generator(words):
    bits = np.random.MT19937(0)
    bits.state = {'bit_generator': 'MT19937', 'state': {'key': words[:-1], 'pos': int(words[-1])}}
    return np.random.Generator(bits)
