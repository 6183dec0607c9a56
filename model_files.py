"""A logistic regression as a file: its arrays, and nothing that could run."""
import numpy as np

from files import load_arrays, save_arrays

FORMAT = 'logistic regression, version 1'


def save_model(path, W, b):
    """Write W, (n_in, n_out), and b, (n_out,), as .npz; `path` holds the old model or the new one, whatever happens.

    Raises OSError when it can not be written, ValueError when a number is not finite.
    """
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError(f'{path}: not saved, since not all numbers are finite; try a smaller learning rate')
    save_arrays(path, FORMAT, W=W, b=b)


def load_model(path):
    """The arrays W and b that save_model wrote.

    Raises OSError when the file can not be opened, ValueError naming it when it holds anything else.
    """
    arrays = load_arrays(path, FORMAT)
    if arrays.keys() != {'W', 'b'}:
        raise ValueError(f'{path}: it has {", ".join(arrays) or "nothing"}, where a model has W, b')
    W, b = arrays['W'], arrays['b']
    if W.ndim != 2 or W.size == 0 or b.shape != W.shape[1:] or {W.dtype, b.dtype} - {np.dtype('f4'), np.dtype('f8')}:
        raise ValueError(f'{path}: W of shape {W.shape} and b of shape {b.shape} are not those of a model')
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError(f'{path}: not all of its numbers are finite')
    return W, b
