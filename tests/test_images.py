"""Reading image files: what their pixels become, and what is refused."""
import struct
import zlib

import numpy as np
import PIL
import pytest
from PIL import Image

from theano_tutorial.errors import InputError
from theano_tutorial.files.images import read_image

PIXELS = np.random.RandomState(0).randint(0, 256, (4, 6)).astype(np.uint8)


def png(path, bits, colour, row, transparent):
    """Write a PNG of one row of 8 * len(row) // bits pixels of one number, or a third of that, with a tRNS chunk."""
    def chunk(name, content):
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', zlib.crc32(name + content))

    width = 8 * len(row) // bits // (3 if colour == 2 else 1)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>2I5B', width, 1, bits, colour, 0, 0, 0))
                     + chunk(b'tRNS', transparent) + chunk(b'IDAT', zlib.compress(b'\0' + row)) + chunk(b'IEND', b''))
    return path


def test_kinds_of_images(tmp_path):
    path = tmp_path / 'image.png'
    white = np.full((2, 3), 255, np.uint8)
    grey = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    palette = Image.new('P', (3, 2), 1)
    palette.putpalette([0, 0, 0, 64, 64, 64])
    for image, options, expected in (
            (grey, {}, PIXELS), (grey.convert('RGB'), {}, PIXELS), (grey, {'exif': exif}, np.rot90(PIXELS, -1)),
            (palette, {}, np.full((2, 3), 64, np.uint8)), (palette, {'transparency': 1}, white),
            (Image.new('RGBA', (3, 2), (0, 0, 0, 0)), {}, white), (Image.new('LA', (3, 2), (0, 0)), {}, white)):
        image.save(path, **options)
        np.testing.assert_array_equal(read_image(path), expected / np.float32(256), strict=True)
    grey.save(path)
    scaled = read_image(path, (8, 12))
    assert scaled.shape == (8, 12) and abs(scaled.mean() - PIXELS.mean() / 256) < 0.05


def test_transparent_shades_and_colours_of_png(tmp_path):
    path = tmp_path / 'image.png'
    for bits, row, transparent, expected in (
            (16, struct.pack('>3H', 0, 1000, 1001), 1000, [0, 65535 / 65536, 1001 / 65536]),
            (8, b'\3\4', 3, [255 / 256, 4 / 256]), (4, b'\x37', 3, [255 / 256, 7 * 17 / 256]),
            (2, b'\x1b', 1, [0, 255 / 256, 170 / 256, 255 / 256]), (1, b'\x0f', 0, [255 / 256] * 8)):
        found = read_image(png(path, bits, 0, row, struct.pack('>H', transparent)))
        np.testing.assert_array_equal(found, np.float32([expected]), strict=True)
    black_and_grey = struct.pack('>6B', 0, 0, 0, 64, 64, 64)
    found = read_image(png(path, 8, 2, black_and_grey, struct.pack('>3H', 0, 0, 0)))
    np.testing.assert_array_equal(found, [[255 / 256, 64 / 256]])
    with pytest.raises(InputError, match='image.png: its transparent colour has 16 bits, of which Pillow reads 8'):
        read_image(png(path, 16, 2, struct.pack('>3H', 0, 1, 2), struct.pack('>3H', 0, 1, 2)))


@pytest.mark.skipif(int(PIL.__version__.split('.')[0]) < 13, reason='Pillow 9 lacks the format')
def test_a_photo_with_a_preview(tmp_path):
    grey = Image.fromarray(PIXELS)
    grey.save(tmp_path / 'image.mpo', save_all=True, append_images=[grey.resize((3, 2))])
    assert read_image(tmp_path / 'image.mpo').shape == (4, 6)


def test_integers_of_16_and_12_bits(tmp_path):
    levels = np.array([[0, 2 ** 15, 2 ** 16 - 1]], np.uint16)
    (tmp_path / 'image.pgm').write_bytes(b'P5 3 1 65535\n' + levels.astype('>u2').tobytes())
    for name in 'image.png', 'image.tif':
        Image.fromarray(levels).save(tmp_path / name)
    for name in 'image.png', 'image.tif', 'image.pgm':
        np.testing.assert_array_equal(read_image(tmp_path / name), levels / np.float32(2 ** 16), strict=True)
    # A TIFF of two pixels, 0x800 and 0xfff: width, height, bits, no compression, black is 0, offset and length.
    tags = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (279, 3)]
    (tmp_path / 'image.tif').write_bytes(b'II*\0' + struct.pack('<I', 12) + b'\x80\x0f\xff\0' + struct.pack(
        '<H', len(tags)) + b''.join(struct.pack('<2HIHxx', tag, 3, 1, value) for tag, value in tags) + bytes(4))
    np.testing.assert_array_equal(read_image(tmp_path / 'image.tif'), [[2048 / 4096, 4095 / 4096]])


def test_floats_stay_as_they_are(tmp_path):
    path = tmp_path / 'floats.tif'
    floats = np.random.RandomState(0).uniform(size=(5, 7)).astype(np.float32)
    floats[0, :4] = 0, 1, np.nextafter(np.float32(1), np.float32(0)), 1e-30
    Image.fromarray(floats).save(path)
    np.testing.assert_array_equal(read_image(path), floats, strict=True)
    Image.fromarray(np.ones((5, 7), np.float32)).save(path)
    for side in range(1, 20):  # means of pixels, which are not rounded up
        np.testing.assert_array_equal(read_image(path, (side, 2 * side)), np.ones((side, 2 * side)))


@pytest.mark.parametrize('pixels, found', [
    (np.float32([[0, 255]]), 'floats from 0.0 to 255.0'), (np.float32([[-0.5, 1]]), 'floats from -0.5 to 1.0'),
    (np.float32([[0, np.nan]]), 'floats from nan to nan'),
    (np.int32([[0, 255]]), '32-bit integers from 0 to 255, for which')])
def test_pixels_of_unknown_scale(tmp_path, pixels, found):
    Image.fromarray(pixels).save(tmp_path / 'image.tif')
    for image_shape in None, (3, 3):
        with pytest.raises(InputError, match=rf'image.tif: its pixels are {found}.*; expected .* \[0, 1\]'):
            read_image(tmp_path / 'image.tif', image_shape)


def test_what_is_the_matter(tmp_path, monkeypatch):
    def refuse(message):
        with pytest.raises(InputError, match=f'image: {message}'):
            read_image(tmp_path / 'image')

    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_image(tmp_path / 'nowhere')
    grey = Image.fromarray(PIXELS)
    Image.new('LAB', (3, 2)).save(tmp_path / 'image', 'TIFF')
    refuse('Pillow cannot convert its mode, LAB, to grey; save it as RGB')
    grey.save(tmp_path / 'image', 'TIFF', save_all=True, append_images=[grey, grey])
    refuse('it contains 3 images; save each in a separate file')
    grey.save(tmp_path / 'image', 'PNG')
    for limit in 20, 10:  # where Pillow warns and where it raises an error
        monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', limit)
        refuse('it has more than 0 million pixels, the maximum; scale it down')
    monkeypatch.undo()
    (tmp_path / 'image').write_bytes((tmp_path / 'image').read_bytes()[:-30])
    refuse(r'not an image that Pillow can read \(OSError\)$')
