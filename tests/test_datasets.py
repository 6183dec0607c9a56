"""Reading data sets: each format, and what is refused."""
import os
import pickle
import re
import tracemalloc

import numpy as np
import pytensor
import pytest
from conftest import SMALL, assert_equal, zipped
from PIL import Image

from logistic_sgd import load_data
from theano_tutorial.errors import InputError
from theano_tutorial.files.datasets import SETS, check, load, read_image


def changed(k, images=None, labels=None):
    x, y = SMALL[k]
    return [*SMALL[:k], (x if images is None else images, y if labels is None else labels), *SMALL[k + 1:]]


@pytest.mark.parametrize('sets, message', [
    (changed(1, labels=np.arange(4)), r'the valid set has images \(5, 4\) and labels \(4,\); expected'),
    (changed(2, images=np.zeros((5, 2, 2))), r'the sets have images of different shapes: \[\(2, 2\), \(4,\)\]'),
    (changed(2, images=np.zeros((5, 2, 2, 1))), 'the test set has images'),
    ([(None, np.zeros(3))] * 3, r'the train set has images \(\)'),
    (changed(0, images=np.zeros((0, 4)), labels=np.arange(0)), 'the train set has images'),
    (changed(0, images=SMALL[0][0] * 300), 'the images are float32 from 0.* to 297.65625; expected floats in'),
    (changed(0, images=SMALL[0][0] - 1), 'the images are'),
    (changed(0, images=np.full((12, 4), np.nan)), 'the images are .* from nan to nan'),
    (changed(0, images=np.full((12, 4), '1')), 'the images are <U1, not numbers'),
    ([(np.full((9, 4), 256), None)] * 3, 'the images are int64 from 256 to 256'),
    ([(np.full((9, 4), -1), None)] * 3, 'the images are int64 from -1 to -1'),
    *[(changed(0, labels=SMALL[0][1] + off), 'the train labels are not all integers from 0 up')
      for off in (-1, 0.5, np.nan, np.inf, 2 ** 31)]])
def test_invalid_datasets(sets, message):
    with pytest.raises(InputError, match=f'^some.file: {message}'):
        check(sets, 'some.file')


def test_other_forms_of_the_same_data():
    images, labels = SMALL[0]
    for other in images.astype('>f4'), images.astype('f8'), np.asfortranarray(images), images.reshape(12, 2, 2):
        sets = [(other, labels.astype('>f8')), *((x.reshape(-1, *other.shape[1:]), y) for x, y in SMALL[1:])]
        assert_equal(check(sets, 'file'), SMALL)
        assert check(sets, 'file')[0][1].dtype == np.int64


def test_values(capsys):
    for values in [0., 0.25, 1.], [0, 1, 0], [False, True, True]:
        assert check([(np.array([values] * 3), None)] * 3, 'file')[0][0][0].tolist() == values
    assert capsys.readouterr().out == ''
    # One rule for all sets: the 1 of the last is divided as well.
    sets = check([(np.array([[k]] * 3), None) for k in (255, 3, 1)], 'file')
    assert [x[0, 0] * 256 for x, _ in sets] == [255, 3, 1]
    assert capsys.readouterr().out == '... dividing the pixels of file by 256\n'


def test_images_of_another_shape_than_wanted():
    with pytest.raises(InputError, match='^file: images of 3x4 pixels are not 4x3$'):
        check([(np.zeros((3, 3, 4)), None)] * 3, 'file', (4, 3))


def test_npz(tmp_path):
    path = tmp_path / 'data.npz'
    arrays = {f'{name}_{kind}': values for name, pair in zip(SETS, SMALL) for kind, values in zip('xy', pair)}
    np.savez(path, **arrays)
    assert_equal(load(path), SMALL)
    for content, message in ((dict(train_x=SMALL[0][0], other=1), 'no valid_x in it, but train_x, other'),
                             (arrays | dict(test_x=np.array([[print]])), 'not a valid .npz file .*allow_pickle=False')):
        np.savez(path, **content)
        with pytest.raises(InputError, match=f'data.npz: {message}'):
            load(path)


def test_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.random.RandomState(0).permutation(200).reshape(50, 4)
    np.savetxt('a.CSV', rows / 256, delimiter=',')
    np.savetxt('b.csv', rows, '%d', delimiter=',', encoding='utf-8-sig')
    first, second = load('a.CSV'), load('b.csv')
    assert_equal([(x, []) for x, _ in first], [(x, []) for x, _ in second])
    assert [len(x) for x, _ in first] == [40, 5, 5] and first.n_classes is None
    assert sorted(np.concatenate([x for x, _ in first]).ravel() * 256) == list(range(200))
    for text, message in [('a,b\n1,2\n', 'not lines of numbers, .*string \'a\''), ('1,2\n1\n', 'not lines of numbers'),
                          ('', '0 images; expected at least 3'), ('1,nan\n' * 5, 'the images are float64 from nan'),
                          ('1,inf\n' * 5, 'the images are float64 from 1.0 to inf'),
                          ('1,2.5\n' * 5, 'the images are float64 from 1.0 to 2.5')]:
        (tmp_path / 'c.csv').write_text(text)
        with pytest.raises(InputError, match=f'c.csv: {message}'):
            load('c.csv')


def draw(path, shape=(4, 6), seed=0):
    pixels = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_a_folder_of_images(tmp_path):
    pixels = [draw(tmp_path / f'{k:02d}.png', seed=k) for k in range(20)]
    (tmp_path / '.DS_Store').write_text('no image')
    (tmp_path / 'Thumbs.db').write_text('no image')
    sets = load(tmp_path)
    assert (sets.image_shape, sets.n_classes, [len(x) for x, _ in sets]) == ((4, 6), None, [16, 2, 2])
    # Always the same order.
    order = np.random.RandomState(0).permutation(20)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in sets]),
                                  np.array(pixels)[order].reshape(20, 24) / np.float32(256))


def test_folders_are_classes(tmp_path):
    for label, name in enumerate('abc'):
        (tmp_path / name).mkdir()
        for k in range(10):
            Image.new('RGB', (3, 2), (80 * label,) * 3).save(tmp_path / name / f'{k}.{("png", "bmp", "jpg")[k % 3]}')
    sets = load(tmp_path)
    assert sets.n_classes == 3 and sets.image_shape == (2, 3)
    for x, y in sets:
        np.testing.assert_array_equal(np.round(x * 256 / 80), np.repeat(y, 6).reshape(-1, 6))
    assert np.bincount(np.concatenate([y for _, y in sets])).tolist() == [10, 10, 10]


def test_kinds_of_images(tmp_path):
    path = tmp_path / 'image.png'
    pixels = draw(path)
    scaled = read_image(path, (8, 12))
    assert scaled.shape == (8, 12) and abs(scaled.mean() - pixels.mean() / 256) < 0.05
    grey, white = Image.fromarray(pixels), np.full((2, 3), 255, np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    palette = Image.new('P', (3, 2), 1)
    palette.putpalette([0, 0, 0, 64, 64, 64])
    for image, options, expected in (
            (grey, {}, pixels), (grey.convert('RGB'), {}, pixels), (grey, {'exif': exif}, np.rot90(pixels, -1)),
            (palette, {}, np.full((2, 3), 64, np.uint8)), (palette, {'transparency': 1}, white),
            (Image.new('RGBA', (3, 2), (0, 0, 0, 0)), {}, white), (Image.new('LA', (3, 2), (0, 0)), {}, white)):
        image.save(path, **options)
        np.testing.assert_array_equal(read_image(path), expected / np.float32(256), strict=True)
    Image.fromarray(np.array([[0, 2 ** 15, 2 ** 16 - 1]], np.uint16)).save(path)
    np.testing.assert_allclose(read_image(path), [[0, 0.5, 1]], atol=1e-4)
    Image.fromarray(np.array([[0, 0.25, 1]], np.float32)).save(tmp_path / 'floats.tif')
    np.testing.assert_array_equal(read_image(tmp_path / 'floats.tif'), [[0, 0.25, 1]])


def test_invalid_folders(tmp_path):
    def refuse(message, **options):
        with pytest.raises(InputError, match=message) as caught:
            load(tmp_path, **options)
        assert str(tmp_path) in str(caught.value) and '\n' not in str(caught.value)

    refuse('no images in this folder')
    (tmp_path / 'a').mkdir()
    refuse('no images in this folder')
    draw(tmp_path / '1.png')
    refuse('it holds both files and folders')
    (tmp_path / 'a').rmdir()
    refuse('1 images; expected at least 3')
    draw(tmp_path / '2.png', (8, 6))
    draw(tmp_path / '3.png')
    refuse('2.png: 8x6, where 1.png is 4x6; give --image-shape to scale all images')
    assert load(tmp_path, [4, 6]).image_shape == (4, 6)
    (tmp_path / '2.png').unlink()
    (tmp_path / '4.txt').write_text('text')
    refuse('4.txt: not an image that Pillow can read')
    (tmp_path / '4.txt').write_bytes((tmp_path / '1.png').read_bytes()[:-30])
    refuse('4.txt: not an image that Pillow can read')


def test_not_enough_memory_in_one_line(tmp_path, run):
    (tmp_path / 'images').mkdir()
    for k in range(200):
        draw(tmp_path / 'images' / f'{k}.png', (1, 1))
    done = run('dA.py', '--dataset', 'images', '--image-shape', '999999x999999')  # 800 TB
    assert done.returncode == 2 and re.fullmatch(r'dA\.py: error: images: not enough memory \(.+\)\n', done.stderr)


def test_not_enough_memory(tmp_path, monkeypatch):
    def refuse(name, message, **options):
        with pytest.raises(InputError, match=rf'^{re.escape(str(tmp_path / name))}: not enough memory \({message}'):
            load(tmp_path / name, **options)

    (tmp_path / 'images').mkdir()
    for k in range(3):
        draw(tmp_path / 'images' / f'{k}.png')
    huge = dict(image_shape=(10 ** 7, 10 ** 7))
    if os.name == 'posix':
        refuse('images', 'it takes 1200000000 MB or more, of [0-9]+ MB\\)$', **huge)
        # A machine with 1.96 MB of memory. The 240,000 numbers take 0.96 MB as float32, and as much again or 1.92 MB in
        # floatX.
        monkeypatch.setattr(os, 'sysconf', lambda name: 1400)
        images = np.zeros((8, 10 ** 4), np.uint8)
        np.savez_compressed(tmp_path / 'data.npz', train_x=images, valid_x=images, test_x=images)
        zipped(tmp_path / 'data.pkl.gz', pickle.dumps([(images, None)] * 3))
        refuse('data.npz', 'it takes 3 MB')
        refuse('data.pkl.gz', 'it takes 3 MB')
        with pytensor.config.change_flags(floatX='float32'):
            assert load(tmp_path / 'data.npz').image_shape == (100, 100)
        # Little of these files is read.
        zipped(tmp_path / 'data.pkl.gz', bytes(10 ** 8))
        (tmp_path / 'data.csv').write_text('0,' * 10 ** 6 + '0\n')
        tracemalloc.start()
        refuse('data.pkl.gz', 'it takes 2 MB')
        refuse('data.csv', 'it takes 16 MB')
        assert tracemalloc.get_traced_memory()[1] < 2 ** 22
        tracemalloc.stop()
    monkeypatch.delattr(os, 'sysconf', raising=False)  # as on Windows
    refuse('images', 'Unable to allocate 1.07 PiB for an array', **huge)
    # The images fit, and the copy in floatX does not.
    images = np.broadcast_to(np.float32(0), (2 ** 25, 2 ** 25))
    monkeypatch.setattr('theano_tutorial.files.datasets.load', lambda *_: [(images, None)] * 3)
    with pytest.raises(InputError, match=r'^file: not enough memory \(Unable to allocate 8.00 PiB for an array'):
        load_data('file')
