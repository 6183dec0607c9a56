"""Resumable training: train() saves its state after each epoch, and continues from it.

Whatever interrupts training, the file holds the last epoch that was completed. With the same backend and number of
threads the resumed training is the same to the last bit; with others, the printed costs are the same.
"""
import hashlib
import json
import os

import numpy as np
import pytensor

from theano_tutorial.errors import InputError
from theano_tutorial.files.storage import load_arrays, make_folder, save_arrays

FORMAT = 'checkpoint, version 3'
PARTS = ('data', 'W', 'b', 'b_prime', 'costs', 'rng_states')  # of each model, under 'CLASS.PART'


class Checkpoint:
    """The checkpoint file of the training of one model, or of models of different classes one after the other.

    path : the file; resumed from if it exists
    settings : the hyperparameters, a dict of numbers, strings, tuples and None; a file with others is refused

    Raises OSError if the file cannot be read, InputError (a ValueError) naming it if it is not a valid checkpoint, has
    other settings or training images, or already belongs to another model of the same class. Such a file is left as it
    is.
    """

    def __init__(self, path, settings):
        make_folder(os.path.dirname(path))
        self.path = path
        self.models = {}  # the model of each class, and the SHA-256 sum of its training images
        self.settings = json.loads(json.dumps(settings | {'floatX': pytensor.config.floatX}))  # tuples become lists
        try:
            self.arrays = load_arrays(path, FORMAT)
        except FileNotFoundError:
            self.arrays = {'settings': np.array(json.dumps(self.settings))}
        try:
            saved = json.loads(str(self.arrays['settings']))
            names = self.settings | saved
            differences = [f'{name} {saved.get(name, "not set")}, now {self.settings.get(name, "not set")}'
                           for name in names if saved.get(name) != self.settings.get(name)]
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise InputError(f'{path}: not a valid checkpoint file (its settings)') from None
        if differences:
            raise InputError(f'{path}: saved with {"; ".join(differences)}; use the same settings or another file')

    def restore(self, autoencoder, train_set_x):
        """Give the model the state in the file, if it is there. Returns the mean cost of each epoch so far, a list.

        train_set_x : the shared matrix that it is trained on; a file that was saved with other images is refused
        """
        name = type(autoencoder).__name__
        data = hashlib.sha256(np.ascontiguousarray(train_set_x.get_value(borrow=True))).hexdigest()
        if self.models.setdefault(name, (autoencoder, data))[0] is not autoencoder:
            raise InputError(f'{self.path}: it belongs to another {name}; use another file')
        if f'{name}.costs' not in self.arrays:
            return []
        rngs = _streams(autoencoder)
        try:
            saved_data, *parameters, costs, states = (self.arrays[f'{name}.{part}'] for part in PARTS)
            expected = [(values.shape, values.dtype) for values in autoencoder.__getstate__()]
            valid = ([(values.shape, values.dtype) for values in parameters] == expected
                     and costs.dtype.kind == states.dtype.kind == 'f'
                     and costs.ndim == 1 and states.shape[1:] == (627,))
            random_states = [_from_numbers(numbers) for numbers in states] if valid else []
        except (KeyError, TypeError, ValueError):
            valid = False
        if not valid:
            raise InputError(f'{self.path}: not a valid checkpoint of this {name}')
        if saved_data != data:
            raise InputError(f'{self.path}: saved with other training images; use the same data set or another file')
        autoencoder.__setstate__(parameters)
        for rng, random_state in zip(rngs, random_states):
            rng.set_value(random_state, borrow=True)
        print(f'... resuming {name} after epoch {len(costs) - 1} from {self.path}')
        return costs.tolist()

    def save(self, autoencoder, costs):
        """Save the state of a model that restore() was called with, and the mean cost of each epoch so far."""
        name = type(autoencoder).__name__
        states = [_to_numbers(rng.get_value(borrow=True)) for rng in _streams(autoencoder)]
        values = (self.models[name][1], *autoencoder.__getstate__(), np.array(costs), np.reshape(states, (-1, 627)))
        self.arrays |= {f'{name}.{part}': value for part, value in zip(PARTS, values)}
        save_arrays(self.path, FORMAT, **self.arrays)


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
