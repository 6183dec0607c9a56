"""Saved autoencoders: their .npz files."""
import json
import math

import numpy as np
import pytensor

from theano_tutorial.errors import InputError
from theano_tutorial.files.datasets import as_rows
from theano_tutorial.files.images import read_image
from theano_tutorial.files.storage import load_arrays, save_arrays

FORMAT = 'autoencoder, version 1'


def save(autoencoder, path, image_shape, pixel_scale=None, **settings):
    """Save the class's name, W, b, b_prime, what the images are like and the hyperparameters as .npz.

    image_shape, pixel_scale : those of the Datasets that the model was trained on, or None if they are not known
    settings : numbers and strings

    Raises OSError if the file cannot be written, FloatingPointError if a parameter is not finite.
    """
    W, b, b_prime = autoencoder.__getstate__()
    save_arrays(path, FORMAT, W=W, b=b, b_prime=b_prime, image_shape=np.array(image_shape or (), np.int64),
                pixel_scale=pixel_scale or 0, settings=json.dumps(settings), model_class=type(autoencoder).__name__)
    print('saved', path)


def read_images_trained_on(arrays, n_pixels):
    """image_shape and pixel_scale from the arrays of a saved model of any kind, or None for what they do not say.

    Raises TypeError or ValueError if they are not valid for images of n_pixels.
    """
    image_shape = tuple(arrays.get('image_shape', np.array([])).tolist())
    pixel_scale = int(arrays.get('pixel_scale', 0))
    if image_shape and (len(image_shape) != 2 or min(image_shape) < 1 or math.prod(image_shape) != n_pixels):
        raise ValueError(f'image_shape {image_shape}')
    if pixel_scale not in (0, 1, 256):
        raise ValueError(f'pixel_scale {pixel_scale}')
    return image_shape or None, pixel_scale or None


def load(path, *model_classes):
    """The model in a file, of the class that was saved, with the attributes image_shape, pixel_scale and settings.

    image_shape is a pair and pixel_scale 1 or 256, or they are None if they are not known; settings is a dict.

    model_classes : the classes that it can have; a file without a name of its class, as older ones are, has the last

    Raises OSError if the file cannot be read, InputError (a ValueError) naming it if it is not a valid autoencoder.
    """
    try:
        arrays = load_arrays(path, FORMAT)
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: no such model; dA.py saves it after training') from None
    classes = {model_class.__name__: model_class for model_class in model_classes}
    try:
        W, b, b_prime = (arrays[name] for name in ('W', 'b', 'b_prime'))
        settings = json.loads(str(arrays['settings']))
        name = str(arrays.get('model_class', model_classes[-1].__name__))
        is_float = {W.dtype.kind, b.dtype.kind, b_prime.dtype.kind} == {'f'}
        if not is_float or W.ndim != 2 or W.shape != b_prime.shape + b.shape or not W.size:
            raise ValueError(f'W {W.shape}, b {b.shape}, b_prime {b_prime.shape}')
        image_shape, pixel_scale = read_images_trained_on(arrays, len(W))
        if not 0 <= settings.get('corruption', 0.) <= 1:
            raise ValueError(f'corruption {settings["corruption"]}')
        if name not in classes:
            raise ValueError(f'a {name:.40}, not one of {", ".join(classes)}')
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f'{path}: not a valid autoencoder file ({error!r:.100})') from None
    shared = [pytensor.shared(values.astype(pytensor.config.floatX)) for values in (W, b, b_prime)]
    autoencoder = classes[name](np.random.RandomState(0), None, None, *W.shape, *shared)
    autoencoder.image_shape, autoencoder.pixel_scale, autoencoder.settings = image_shape, pixel_scale, settings
    return autoencoder


def apply(autoencoder, output, images):
    """The value of `output`, a symbolic variable that depends on autoencoder.x, for images: an array (n, ...).

    images : array, lists or shared variable, (n, n_visible), (n, height, width) or one image; floats in [0, 1], or
        integers from 0 to 255, which are divided by 256; for a model trained on the integers 0 and 1, only these

    Raises InputError (a ValueError) for images of another shape or with other values.
    """
    rows = as_rows(images, autoencoder.n_visible, autoencoder.image_shape, autoencoder.pixel_scale)
    return output.eval({autoencoder.x: rows.astype(autoencoder.x.dtype)})


def reconstruct_files(autoencoder, paths, corruption=None):
    """The pixels of image files, with each followed by its corrupted copy and the reconstruction: (3 n, n_visible).

    corruption : by default the one used in training. The noise is the same every time.

    Raises the errors of read_image, InputError (a ValueError) if the shape of the model's images is not known.
    """
    if not autoencoder.image_shape:
        raise InputError('the model was trained on vectors of unknown image shape; train with --image-shape HxW')
    if corruption is None:
        corruption = autoencoder.settings.get('corruption', 0.)
    x = np.array([read_image(path, autoencoder.image_shape).ravel() for path in paths], autoencoder.x.dtype)
    tilde_x = autoencoder.get_corrupted_input(autoencoder.x, corruption)
    z = autoencoder.get_reconstructed_input(autoencoder.get_hidden_values(tilde_x))
    return np.hstack([x, *pytensor.function([autoencoder.x], [tilde_x, z])(x)]).reshape(-1, x.shape[1])
