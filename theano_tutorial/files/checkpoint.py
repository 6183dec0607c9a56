"""Resumable training: train() saves its state after each epoch, and continues from it.

Whatever interrupts training, the file holds the last epoch that was completed. With the same backend the resumed
training is the same to the last bit; with another, the printed costs are the same.
"""
import json
import os

import numpy as np
import pytensor

from theano_tutorial.errors import InputError
from theano_tutorial.files.storage import load_arrays, make_folder, save_arrays

FORMAT = 'checkpoint, version 2'
PARTS = ('W', 'b', 'b_prime', 'costs', 'rng_states')  # of each model, under 'CLASS.PART'


class Checkpoint:
    """The checkpoint file of the training of one model, or of models of different classes one after the other.

    path : the file; resumed from if it exists
    settings : the hyperparameters, a dict of numbers, strings, tuples and None; a file with others is refused

    Raises OSError if the file cannot be read, InputError (a ValueError) naming it if it is not a valid checkpoint, has
    other settings, or already belongs to another model of the same class. Such a file is left as it is.
    """

    def __init__(self, path, settings):
        make_folder(os.path.dirname(path))
        self.path = path
        self.models = {}  # the model of each class
        self.settings = json.loads(json.dumps(settings | {'floatX': pytensor.config.floatX}))  # tuples become lists
        try:
            self.arrays = load_arrays(path, FORMAT)
        except FileNotFoundError:
            self.arrays = {'settings': np.array(json.dumps(self.settings))}
        try:
            saved = json.loads(str(self.arrays['settings']))
            names = self.settings | saved
            differences = [f'{name} {saved.get(name)}, not {self.settings.get(name)}' for name in names
                           if saved.get(name) != self.settings.get(name)]
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise InputError(f'{path}: not a valid checkpoint file (its settings)') from None
        if differences:
            raise InputError(f'{path}: saved with {"; ".join(differences)}; use the same settings or another file')

    def restore(self, autoencoder):
        """Give the model the state in the file. Returns the mean cost of each epoch so far; without a file, none."""
        name = self._register(autoencoder)
        if f'{name}.costs' not in self.arrays:
            return []
        rngs = _streams(autoencoder)
        try:
            *parameters, costs, states = (self.arrays[f'{name}.{part}'] for part in PARTS)
            expected = [(values.shape, values.dtype) for values in autoencoder.__getstate__()]
            valid = ([(values.shape, values.dtype) for values in parameters] == expected
                     and costs.dtype.kind == states.dtype.kind == 'f'
                     and costs.ndim == 1 and states.shape[1:] == (627,))
            random_states = [_from_numbers(numbers) for numbers in states] if valid else []
        except (KeyError, TypeError, ValueError):
            valid = False
        if not valid:
            raise InputError(f'{self.path}: not a valid checkpoint of this {name}')
        autoencoder.__setstate__(parameters)
        for rng, random_state in zip(rngs, random_states):
            rng.set_value(random_state, borrow=True)
        print(f'... resuming {name} after epoch {len(costs) - 1} from {self.path}')
        return costs.tolist()

    def save(self, autoencoder, costs):
        """Save the state of the model and the mean cost of each epoch so far."""
        name = self._register(autoencoder)
        states = [_to_numbers(rng.get_value(borrow=True)) for rng in _streams(autoencoder)]
        values = (*autoencoder.__getstate__(), np.array(costs), np.reshape(states, (-1, 627)))
        self.arrays |= {f'{name}.{part}': value for part, value in zip(PARTS, values)}
        save_arrays(self.path, FORMAT, **self.arrays)

    def _register(self, autoencoder):
        """The name of the model's class. Raises InputError if the file belongs to another model of that class."""
        name = type(autoencoder).__name__
        if self.models.setdefault(name, autoencoder) is not autoencoder:
            raise InputError(f'{self.path}: it belongs to another {name}; use another file')
        return name


def _streams(autoencoder):
    # The streams of this training are the last ones: an earlier one with the same model left others before them.
    return [rng for rng, _ in reversed(autoencoder.theano_rng.state_updates)]


def _to_numbers(random_state):
    """The state of a RandomState as float64 (627,): 624 words, the position, and the pending normal number if any."""
    _, key, *rest = random_state.get_state()
    return [*key, *rest]


def _from_numbers(numbers):
    *key, position, has_gauss, gauss = numbers
    if not 0 <= position <= 624:  # numpy would believe any position
        raise ValueError(f'position {position}')
    random_state = np.random.RandomState(0)
    random_state.set_state(('MT19937', np.array(key, np.uint32), int(position), int(has_gauss), gauss))
    return random_state
