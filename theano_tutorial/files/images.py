"""Image files: read one, and find those in a folder."""
import os
import warnings

import numpy as np
from PIL import Image, ImageOps

from theano_tutorial.errors import InputError

# Folders of these names are sets, not classes. In lower case, as all names here.
SET_NAMES = {'train': 'train', 'training': 'train', 'valid': 'valid', 'val': 'valid', 'validation': 'valid',
             'test': 'test', 'testing': 'test'}
# What file managers and archivers leave behind; hidden files and folders are left out as well.
JUNK = {'thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', 'picasa.ini', 'icon\r', '__macosx', '@eadir',
        '$recycle.bin', 'system volume information', 'lost+found'}


def read_image(path, image_shape=None):
    """An image file as float32 (height, width) in [0, 1]: in grey, on a white ground, scaled to image_shape.

    Integers of 8 bits are divided by 256, those of 16 bits by 65536; floats must be in [0, 1] and stay as they are.
    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it is not one such image.
    """
    with open(path, 'rb') as file, warnings.catch_warnings(action='error', category=Image.DecompressionBombWarning):
        try:
            grey = _grey(Image.open(file), path)
            if image_shape:
                grey = np.array(Image.fromarray(grey).resize(image_shape[::-1], Image.Resampling.BILINEAR))
            return grey
        except (InputError, MemoryError):
            raise
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise InputError(f'{path}: it has more than {Image.MAX_IMAGE_PIXELS / 1e6:.0f} million pixels, the '
                             'maximum; scale it down') from None
        except Exception as error:  # damaged bytes can make Pillow raise anything
            raise InputError(f'{path}: not an image that Pillow can read ({type(error).__name__})') from error


def _grey(image, path):
    """The pixels of an opened image, float32 (height, width) in [0, 1]. Raises InputError naming `path`."""
    n_images = getattr(image, 'n_frames', 1)
    if n_images > 1 and image.format not in ('MPO', 'PSD'):  # a photo with its preview, a picture with its layers
        raise InputError(f'{path}: it contains {n_images} images; save each in a separate file')
    file_format, transparent = image.format, image.info.get('transparency')
    bits = image.tag_v2.get(258, (16,))[0] if file_format == 'TIFF' else 16  # some scanners' files have 12
    kind = image.tile[0][3] if file_format == 'PNG' else None  # how many bits a pixel has before Pillow makes 8 of them
    image = ImageOps.exif_transpose(image)

    if image.mode == 'F':
        grey = np.array(image)
        if not (grey.min() >= 0 and grey.max() <= 1):  # NaN is neither
            raise InputError(f'{path}: its pixels are floats from {grey.min()} to {grey.max()}; expected floats in '
                             '[0, 1], or integers of 8 or 16 bits')
        return grey
    if image.mode.startswith('I'):
        pixels = np.asarray(image)
        # In this mode, Pillow has the 16 bits of these two formats, and the 32 bits of others.
        if image.mode == 'I' and file_format not in ('PNG', 'PPM'):
            raise InputError(f'{path}: its pixels are 32-bit integers from {pixels.min()} to {pixels.max()}, for which '
                             'the value of white is unknown; expected integers of 8 or 16 bits, or floats in [0, 1]')
        grey = pixels.astype(np.float32) / 2 ** bits
        return grey if transparent is None else np.where(pixels == transparent, np.float32(1 - 2 ** -16), grey)

    if transparent is not None and kind in ('L;2', 'L;4'):
        image.info['transparency'] *= {'L;2': 85, 'L;4': 17}[kind]  # to the shade that Pillow has made of it
    if transparent is not None and kind == 'RGB;16B':
        raise InputError(f'{path}: its transparent colour has 16 bits, of which Pillow reads 8; save it with an alpha '
                         'channel')
    try:
        if image.mode == 'P' or image.getbands()[-1] == 'A' or transparent is not None:
            image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), image.convert('RGBA'))
        return np.asarray(image.convert('L')) / np.float32(256)
    except ValueError:
        raise InputError(f'{path}: Pillow cannot convert its mode, {image.mode}, to grey; save it as RGB') from None


def find_images(path):
    """The image files in a folder: {set: [(file, name of its class), ...]}, sorted by class and by name.

    The sets are train, valid and test, or train and test, if there are folders of such names, else only None. The name
    of the class is None where there are no folders of classes. Folders that are left out are printed.

    Raises OSError if a folder cannot be read, InputError (a ValueError) naming it if it holds anything else.
    """
    _, folders = tree = _tree(path)
    sets = [SET_NAMES.get(name.casefold()) for name in folders]
    if len(sets) - sets.count(None) < 2:
        return {None: _by_class(path, tree)}
    if sorted(map(str, sets)) not in (['test', 'train'], ['test', 'train', 'valid']):
        raise InputError(f'{path}: it holds the folders {", ".join(folders)}; expected train, valid and test, or train '
                         'and test, or one folder for each class')
    return {part: _by_class(os.path.join(path, name), folders[name]) for part, name in zip(sets, folders)}


def _tree(folder):
    """([file, ...], {name: the same of the folder of this name}), sorted. Folders without files are left out."""
    files, folders = [], {}
    for name in sorted(os.listdir(folder)):
        entry = os.path.join(folder, name)
        ignored = name.startswith('.') or name.casefold() in JUNK
        if not os.path.isdir(entry):
            files += [] if ignored else [entry]
            continue
        folders[name] = ([], {}) if ignored else _tree(entry)
        if not any(folders[name]):
            del folders[name]
            if not name.startswith('.'):
                print(f'... leaving out the folder {entry}')
    if files and folders:
        raise InputError(f'{folder}: it holds both files and folders; expected images, or one folder for each class')
    return files, folders


def _by_class(path, tree):
    files, folders = tree
    pairs = [(file, None) for file in files]
    for name, (files, nested) in folders.items():
        if nested:
            raise InputError(f'{os.path.join(path, name)}: it holds folders; expected the images of one class')
        pairs += [(file, name) for file in files]
    if not pairs:
        raise InputError(f'{path}: no images in this folder')
    return pairs
