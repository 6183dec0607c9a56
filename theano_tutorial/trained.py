"""Trained autoencoders: their .npz files, and what they make of images."""
import json
import math
import os

import numpy as np
import pytensor

from theano_tutorial import InputError
from theano_tutorial.datasets import as_rows, read_image
from theano_tutorial.storage import load_arrays, save_arrays, save_image

FORMAT = 'autoencoder, version 1'


def save(autoencoder, path, image_shape, **settings):
    """Save W, b, b_prime, the image shape (None if unknown) and the hyperparameters, numbers and strings, as .npz.

    Raises OSError if the file cannot be written, FloatingPointError if a parameter is not finite.
    """
    W, b, b_prime = autoencoder.__getstate__()
    save_arrays(path, FORMAT, W=W, b=b, b_prime=b_prime, image_shape=np.array(image_shape or (), np.int64),
                settings=json.dumps(settings))
    print('saved', path)


class SavedModels:
    """The saved models of one class: what can be done with their files.

    model_class : Autoencoder or DenoisingAutoencoder of dA.py
    tile_raster_images : that of utils.py

    The two are not part of the package.
    """

    def __init__(self, model_class, tile_raster_images):
        self.model_class = model_class
        self.tile_raster_images = tile_raster_images

    def load(self, model='output/dA.npz'):
        """The saved model, with the attributes image_shape, (height, width) or None if unknown, and settings, a dict.

        Raises OSError if the file cannot be read, InputError (a ValueError) naming it if it is not a valid autoencoder.
        """
        W, b, b_prime, image_shape, settings = _read(model)
        autoencoder = self.model_class(np.random.RandomState(0), None, None, *W.shape)
        autoencoder.__setstate__((W, b, b_prime))
        autoencoder.image_shape, autoencoder.settings = image_shape or None, settings
        return autoencoder

    def encode(self, images, model='output/dA.npz'):
        """y, the hidden values of images: an array (n, n_hidden).

        images : array, lists or shared variable, (n, n_visible), (n, height, width) or one image; floats in [0, 1], or
            integers from 0 to 255, which are divided by 256

        Raises the errors of load, and InputError (a ValueError) for images of another size or with other values.
        """
        return self._apply(lambda autoencoder: autoencoder.get_hidden_values(autoencoder.x), images, model)

    def reconstruct(self, images, model='output/dA.npz'):
        """z, the reconstructions of images that are not corrupted: an array (n, n_visible). See encode."""
        return self._apply(lambda autoencoder: autoencoder.feedforward(), images, model)

    def _apply(self, output, images, model):
        autoencoder = self.load(model)
        rows = as_rows(images, autoencoder.n_visible, model).astype(pytensor.config.floatX)
        return pytensor.function([autoencoder.x], output(autoencoder))(rows)

    def reconstruct_files(self, reconstruct, model='output/dA.npz', corruption=None, output_dir='output'):
        """Save input, corrupted input and reconstruction of the image files `reconstruct`, a row each, as one picture.

        corruption : probability that a pixel is set to 0; None for that of the training

        The noise is the same every time. Raises the errors of load and read_image, InputError if the shape is unknown.
        """
        autoencoder = self.load(model)
        if not autoencoder.image_shape:
            raise InputError(f'{model}: trained on vectors of unknown image shape; train with --image-shape HxW')
        if corruption is None:
            corruption = autoencoder.settings.get('corruption', 0.)
        images = np.array([read_image(file, autoencoder.image_shape) for file in reconstruct], pytensor.config.floatX)
        x = images.reshape(len(images), -1)
        tilde_x = autoencoder.get_corrupted_input(autoencoder.x, corruption)
        z = autoencoder.get_reconstructed_input(autoencoder.get_hidden_values(tilde_x))
        rows = np.stack([x, *pytensor.function([autoencoder.x], [tilde_x, z])(x)], axis=1).reshape(-1, x.shape[1])
        save_image(self.tile_raster_images(rows, autoencoder.image_shape, (len(images), 3), (1, 1),
                                           scale_rows_to_unit_interval=False),
                   os.path.join(output_dir, 'reconstruction.png'))


def _read(path):
    """W, b, b_prime, the image shape and the settings in a file. Raises the errors of SavedModels.load."""
    try:
        arrays = load_arrays(path, FORMAT)
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: no such model; dA.py saves it after training') from None
    try:
        W, b, b_prime = (arrays[name] for name in ('W', 'b', 'b_prime'))
        image_shape = tuple(arrays['image_shape'].tolist())
        settings = json.loads(str(arrays['settings']))
        is_float = {W.dtype.kind, b.dtype.kind, b_prime.dtype.kind} == {'f'}
        if not is_float or W.ndim != 2 or W.shape != b_prime.shape + b.shape or not W.size:
            raise ValueError(f'W {W.shape}, b {b.shape}, b_prime {b_prime.shape}')
        if image_shape and (len(image_shape) != 2 or min(image_shape) < 1 or math.prod(image_shape) != len(W)):
            raise ValueError(f'image_shape {image_shape}')
        if not 0 <= settings.get('corruption', 0.) <= 1:
            raise ValueError(f'corruption {settings["corruption"]}')
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f'{path}: not a valid autoencoder file ({error!r:.100})') from None
    return W, b, b_prime, image_shape, settings
