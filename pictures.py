"""Pictures of weights and digits, and their files."""
import math
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from files import written_beside
from utils import tile_raster_images


def tiles(X):
    """A picture of the rows of X, (n, pixels), as square tiles, ten in a row, one pixel apart."""
    side = math.isqrt(X.shape[1])
    return Image.fromarray(tile_raster_images(
        X=X, img_shape=(side, side), tile_shape=(math.ceil(len(X) / 10), 10), tile_spacing=(1, 1)))


def captioned_tiles(X, captions):
    """A picture of the rows of X, (n, pixels), as square tiles, five in a row, each with its caption below."""
    side = math.isqrt(X.shape[1])
    font = ImageFont.load_default(size=12)
    width, height, text_height = 2 * side + 8, 2 * side + 22, 18
    picture = Image.new('L', (5 * width, math.ceil(len(X) / 5) * height))
    draw = ImageDraw.Draw(picture)
    for k, (row, caption) in enumerate(zip(X, captions)):
        left, top = k % 5 * width, k // 5 * height
        tile = Image.fromarray(tile_raster_images(row[np.newaxis], (side, side), (1, 1)))
        picture.paste(tile.resize((2 * side, 2 * side)), (left + 4, top + 2))
        draw.text((left + width / 2, top + height - text_height / 2), caption, fill=255, font=font, anchor='mm')
    return picture


def save_image(image, folder, name):
    """Save a picture as PNG `name` in `folder`. Returns its path; OSError names the file when it can not be written."""
    path = os.path.join(folder, name)
    with written_beside(path) as beside:
        image.save(beside, format='PNG')
    return path
