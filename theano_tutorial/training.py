"""What train() of dA.py needs around its loop: valid images, a progress bar, a stop at numbers that are not finite."""
import numpy as np
import pytensor
from tqdm import tqdm

from theano_tutorial import InputError


def as_shared(images, n_visible, batch_size):
    """A shared matrix of floatX: `images` itself if it is one, else an array (n, n_visible) as one.

    Raises InputError (a ValueError) for another shape, if the values are not all in [0, 1], or if batch_size is not
    from 1 to n.
    """
    values = images.get_value(borrow=True) if hasattr(images, 'get_value') else np.asarray(images)
    if values.dtype.kind not in 'biuf' or values.ndim != 2 or values.shape[1] != n_visible:
        raise InputError(f'the model is for images (n, {n_visible}) of numbers, not {values.dtype} {values.shape}')
    if not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):  # NaN is neither
        raise InputError(f'the images are from {values.min()} to {values.max()}; expected finite values in [0, 1]')
    if not 1 <= batch_size <= len(values):
        raise InputError(f'batch size {batch_size} is not from 1 to {len(values)}, the number of training images')
    if hasattr(images, 'get_value') and values.dtype == pytensor.config.floatX:
        return images
    return pytensor.shared(values.astype(pytensor.config.floatX, 'C'))


def remaining_epochs(training_epochs, autoencoder, costs, hook):
    """Yield the number of each epoch that is to be trained, with a progress bar if stderr is a terminal.

    costs : the mean cost of each epoch so far, a list, to which the loop appends
    hook : hook(autoencoder, costs) is called before the first epoch, when it may restore both, and after each; or None

    Raises FloatingPointError if a cost or a parameter is not finite, before hook is called.
    """
    if hook:
        hook(autoencoder, costs)
    for epoch in tqdm(range(len(costs), training_epochs), unit='epoch', leave=False, disable=None):
        yield epoch
        if not all(np.isfinite(values).all() for values in (costs, *autoencoder.__getstate__())):
            raise FloatingPointError(f'non-finite cost or parameter in epoch {epoch}; try a smaller learning rate')
        if hook:
            hook(autoencoder, costs)
