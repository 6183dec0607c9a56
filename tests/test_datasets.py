"""Reading data sets: each format, and what is refused."""
import os
import re
import tracemalloc

import numpy as np
import pytensor
import pytest
from conftest import SMALL, assert_equal, zipped
from PIL import Image

from logistic_sgd import load_data
from theano_tutorial.errors import InputError
from theano_tutorial.files.datasets import SETS, as_rows, check, load


def changed(k, images=None, labels=None):
    x, y = SMALL[k]
    return [*SMALL[:k], (x if images is None else images, y if labels is None else labels), *SMALL[k + 1:]]


@pytest.mark.parametrize('sets, message', [
    (changed(1, labels=np.arange(4)), r'the valid set has images \(5, 4\) and labels \(4,\); expected'),
    (changed(2, images=np.zeros((5, 2, 2))), r'the sets have images of different shapes: \[\(2, 2\), \(4,\)\]'),
    (changed(1, labels=np.zeros((5, 10))), r'the valid set has images \(5, 4\) and labels \(5, 10\)'),
    ([(None, np.zeros(3))] * 3, r'the train set has images \(\)'),
    (changed(0, images=np.zeros((0, 4)), labels=np.arange(0)), 'the train set has images'),
    (changed(0, images=SMALL[0][0] * 300), 'the images are float32 from 0.* to 297.65625; expected floats in'),
    (changed(0, images=SMALL[0][0] - 1), 'the images are'),
    (changed(0, images=np.full((12, 4), np.nan)), 'the images are .* from nan to nan'),
    (changed(2, images=np.full((5, 4), '1')), 'the images are <U1, not numbers'),
    # What is a fault in one set only: integers, be they 0 and 1, could be as dark as floats of 1 / 256.
    (changed(1, images=np.full((5, 4), 200, np.uint8)), r'the images are float32 from 0.* to 0.* \(train\), uint8 from '
     r'200 to 200 \(valid\), float32 from .* \(test\); expected floats in \[0, 1\] or integers .*, alike in all sets$'),
    (changed(1, images=np.ones((5, 4), np.uint8)), r'the images are .*, uint8 from 1 to 1 \(valid\)'),
    ([(np.full((9, 4), 256), None)] * 3, 'the images are int64 from 256 to 256'),
    ([(np.full((9, 4), -1), None)] * 3, 'the images are int64 from -1 to -1'),
    *[(changed(0, labels=SMALL[0][1] + off), 'the train labels are not all integers from 0 up')
      for off in (-1, 0.5, np.nan, 2 ** 31)]])
def test_invalid_datasets(sets, message):
    with pytest.raises(InputError, match=f'^some.file: {message}'):
        check(sets, 'some.file')


def test_other_forms_of_the_same_data():
    images, labels = SMALL[0]
    for other in (images.astype('f2'), images.astype('>f4'), images.astype('f8'), np.asfortranarray(images),
                  images.reshape(12, 2, 2)):
        sets = [(other, labels.astype('>f8')), *((x.reshape(-1, *other.shape[1:]), y) for x, y in SMALL[1:])]
        assert_equal(check(sets, 'file'), SMALL)
        assert check(sets, 'file')[0][1].dtype == np.int64
    for shape in (-1, 1, 2, 2), (-1, 2, 2, 1):  # a channel
        sets = check([(x.reshape(shape), y[:, np.newaxis]) for x, y in SMALL], 'file')
        assert_equal(sets, SMALL)
        assert sets.image_shape == (2, 2)
    with pytest.raises(InputError, match='^file: images of 3x4 pixels are not 4x3$'):
        check([(np.zeros((3, 3, 4)), None)] * 3, 'file', (4, 3))


def test_values(capsys):
    for values, scale in ([0., 0.25, 1.], 256), ([0., 1., 0.], 1), ([0, 1, 0], 1), ([False, True, True], 1):
        sets = check([(np.array([values] * 3), None)] * 3, 'file')
        assert (sets[0][0][0].tolist(), sets.pixel_scale) == (values, scale)
    assert capsys.readouterr().out == ''
    # One rule for all sets: the 1 of the last is divided as well.
    sets = check([(np.array([[k]] * 3), None) for k in (255, 3, 1)], 'file')
    assert [x[0, 0] * 256 for x, _ in sets] == [255, 3, 1] and sets.pixel_scale == 256
    assert capsys.readouterr().out == '... dividing the pixels of file by 256 (found 1 to 255)\n'


DARK = np.array([[0, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]], np.uint8)


@pytest.mark.parametrize('scale, images, divisor', [
    (256, DARK, 256), (256, DARK.tolist(), 256), (256, DARK.astype(bool), 1), (256, DARK / 2, 1), (1, DARK, 1),
    (1, DARK / 2, 1), (None, DARK, 1), (None, DARK * 200, 256)])
def test_the_scale_of_a_model(scale, images, divisor):
    rows = as_rows(images, 6, None, scale)
    np.testing.assert_array_equal(rows, np.array(images) / divisor)
    for k in range(2) if scale else ():  # alone, an image is what it is among others
        np.testing.assert_array_equal(as_rows(images[k], 6, None, scale), rows[k:k + 1])


@pytest.mark.parametrize('scale, images, expected', [
    (256, DARK * 256., 'integers from 0 to 255'), (1, DARK * 200, 'integers of 0 and 1, as those of the training')])
def test_images_that_do_not_have_the_scale_of_a_model(scale, images, expected):
    with pytest.raises(InputError, match=rf'^images: the images are .*; expected floats in \[0, 1\] or {expected}$'):
        as_rows(images, 6, None, scale)


def test_the_shape_of_a_model():
    x = np.random.RandomState(2).uniform(size=(5, 6))
    for shape in (5, 6), (5, 2, 3), (5, 1, 2, 3), (5, 2, 3, 1):
        np.testing.assert_array_equal(as_rows(x.reshape(shape), 6, (2, 3)), x)
    for image in x[0], x[0].reshape(2, 3), x[:1].reshape(1, 2, 3), pytensor.shared(x[:1]):
        np.testing.assert_array_equal(as_rows(image, 6, (2, 3)), x[:1])
    for shape in (5, 7), (7,), (2, 2), (0, 6), (5, 3, 2), (3, 2), (5, 1, 6), (5, 1, 3, 2):
        with pytest.raises(InputError, match=re.escape(f'the model is for images (n, 6) or (n, 2, 3), not {shape}')):
            as_rows(np.zeros(shape), 6, (2, 3))
    np.testing.assert_array_equal(as_rows(x.reshape(5, 1, 3, 2), 6), x)  # where no height and width are known
    for shape in (5, 7), (5, 3, 2, 2):
        with pytest.raises(InputError, match=re.escape(f'the model is for images (n, 6), not {shape}')):
            as_rows(np.zeros(shape), 6)


def test_npz(tmp_path):
    path = tmp_path / 'data.npz'
    arrays = {f'{name}_{kind}': values for name, pair in zip(SETS, SMALL) for kind, values in zip('xy', pair)}
    np.savez(path, **arrays)
    assert_equal(load(path), SMALL)
    for content, message in ((dict(train_x=SMALL[0][0], other=1), 'it has no test_x; it has train_x, other'),
                             ({name: arrays[name] for name in arrays if name != 'valid_x'}, 'it has no valid_x; '),
                             (arrays | dict(X_test=SMALL[2][0]), 'X_test is there twice: train_x, '),
                             (arrays | dict(test_x=np.array([[print]])), 'not a valid .npz file .*allow_pickle=False')):
        np.savez(path, **content)
        with pytest.raises(InputError, match=f'data.npz: {message}'):
            load(path)


def test_npz_of_keras(tmp_path, capsys):
    path, (x, y) = tmp_path / 'mnist.npz', SMALL[0]
    arrays = dict(x_train=(x * 256).astype(np.uint8).reshape(12, 2, 2), y_train=y[:, np.newaxis],
                  X_test=(SMALL[2][0] * 256).astype(np.uint8).reshape(5, 2, 2, 1), y_test=SMALL[2][1])
    np.savez(path, **arrays)
    sets = load(path)
    order = np.random.RandomState(0).permutation(12)
    assert_equal(sets, [(x[order[:11]], y[order[:11]]), (x[order[11:]], y[order[11:]]), SMALL[2]])
    assert capsys.readouterr().out.startswith(f'... dividing 12 training images of {path}: 11 train, 1 valid\n')
    np.savez(path, **arrays, x_val=(SMALL[1][0] * 256).astype(np.uint8).reshape(5, 2, 2), y_val=SMALL[1][1])
    assert_equal(load(path), SMALL)


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
                          ('', '0 images; expected at least 3'), ('1,nan\n' * 5, 'the images are float64 from nan')]:
        (tmp_path / 'c.csv').write_text(text)
        with pytest.raises(InputError, match=f'c.csv: {message}'):
            load('c.csv')


PIXELS = np.random.RandomState(1).randint(0, 256, (12, 16))
LABELS = np.arange(12).reshape(12, 1) % 3


@pytest.mark.parametrize('table, image_shape, message', [
    (np.vstack([np.arange(16), PIXELS]), None, 'the first line looks like a header .*; remove it'),
    (np.vstack([np.arange(1, 17), PIXELS / 256]), None, 'the first line looks like a header'),
    (np.hstack([np.arange(12).reshape(12, 1), PIXELS]), None, 'the first column looks like an index .*; r'),
    (np.hstack([np.arange(12, 0, -1).reshape(12, 1), PIXELS]), (1, 17), 'the first column looks like an index'),
    (np.hstack([LABELS, PIXELS / 256]), None, '17 numbers in a line, .*: the first looks like a label or an index'),
    (np.hstack([PIXELS, LABELS]), (2, 8), '17 numbers in a line, one more than 2x8: the first or the last looks')],
    ids=range(6))
def test_numbers_in_a_csv_file_that_are_no_pixels(tmp_path, table, image_shape, message):
    np.savetxt(tmp_path / 'a.csv', table, delimiter=',')
    with pytest.raises(InputError, match=f'a.csv: {message}'):
        load(tmp_path / 'a.csv', image_shape)


def test_vectors_of_other_lengths_in_a_csv_file(tmp_path):
    for table, image_shape in (PIXELS[:, :10], (2, 5)), (PIXELS[:, :10] / 256, None):
        np.savetxt(tmp_path / 'a.csv', table, delimiter=',')
        assert load(tmp_path / 'a.csv', image_shape).image_shape == image_shape


def draw(path, shape=(4, 6), seed=0):
    pixels = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_a_folder_of_images(tmp_path, capsys):
    pixels = [draw(tmp_path / f'{k:02d}.png', seed=k) for k in range(20)]
    for name in '.DS_Store', '._00.png', 'Thumbs.db', 'Desktop.ini':
        (tmp_path / name).write_text('no image')
    sets = load(tmp_path)
    assert capsys.readouterr().out == f'... dividing 20 images of {tmp_path}: 16 train, 2 valid, 2 test\n'
    assert (sets.image_shape, sets.n_classes, [len(x) for x, _ in sets]) == ((4, 6), None, [16, 2, 2])
    # Always the same order.
    order = np.random.RandomState(0).permutation(20)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in sets]),
                                  np.array(pixels)[order].reshape(20, 24) / np.float32(256))


def fill(folder, *names):
    """Make two images of one shade in each of these folders: 0 in the first, then 10, 20 ... Returns the folder."""
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for n in range(2):
            Image.new('L', (3, 2), 10 * k).save(folder / name / f'{n}.png')
    return folder


def test_folders_are_classes(tmp_path, capsys):
    fill(tmp_path, '10', '2')
    left_out = ['2/@eaDir', '2/empty', '@eaDir', '__MACOSX', 'a', 'b']
    (tmp_path / 'b' / 'empty').mkdir(parents=True)
    for name in left_out + ['.git', '2/.ipynb_checkpoints']:
        (tmp_path / name).mkdir(exist_ok=True)
    for junk in '2/@eaDir/0.png', '@eaDir/0.png', '__MACOSX/x.png', '.git/x.png', 'a/._0.png':
        draw(tmp_path / junk)
    sets = load(tmp_path)
    assert (sets.class_names, sets.n_classes, sets.image_shape) == (['10', '2'], 2, (2, 3))
    images, labels = map(np.concatenate, zip(*sets))
    np.testing.assert_array_equal(images, [[10 * label / 256] * 6 for label in labels])
    assert sorted(labels) == [0, 0, 1, 1]
    assert capsys.readouterr().out.splitlines()[:-1] == [
        *(f'... leaving out the folder {tmp_path / name}' for name in left_out[:4] + ['a', 'b/empty', 'b']),
        '... classes: 0 10, 1 2']


def test_folders_of_sets(tmp_path, capsys):
    sets = load(fill(tmp_path, 'Training/cat', 'Training/dog', 'val/dog', 'TESTING/cat', 'TESTING/dog', 'val/@eaDir'))
    assert (sets.class_names, sets.n_classes) == (['cat', 'dog'], 2)
    shades = [[0, 0, 10, 10], [20, 20], [30, 30, 40, 40]]
    assert_equal([((x * 256).tolist(), y) for x, y in sets], [
        ([[shade] * 6 for shade in part], labels)
        for part, labels in zip(shades, ([0, 0, 1, 1], [1, 1], [0, 0, 1, 1]))])
    assert 'dividing' not in capsys.readouterr().out


def test_folders_of_sets_without_validation_or_classes(tmp_path, capsys):
    sets = load(fill(tmp_path, 'test', 'train'))
    assert [(x[:, 0] * 256).tolist() for x, _ in sets] == [[10], [10], [0, 0]]
    assert (sets.class_names, sets.n_classes) == (None, None)
    assert capsys.readouterr().out == f'... dividing 2 training images of {tmp_path}: 1 train, 1 valid\n'


@pytest.mark.parametrize('names, message', [
    (('train/a', 'valid/a'), 'it holds the folders train, valid; expected train, valid and test, or train and test,'),
    (('extra', 'test', 'train'), 'it holds the folders extra, test, train; expected'),
    (('train/a', 'test/a', 'test/b'), 'b.0.png: class b, but the training set has a$'),
    (('train/a', 'test'), '0.png: no class, but the training set has a$'),
    (('train', 'test/a'), '0.png: class a, but the training set has no classes$'),
    (('a', 'b/c'), 'b: it holds folders; expected the images of one class'),
    (('a', 'b', 'b/c'), 'b: it holds both files and folders')], ids=range(7))
def test_invalid_layouts(tmp_path, names, message):
    fill(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_invalid_folders(tmp_path):
    def refuse(message):
        with pytest.raises(InputError, match=f'^{re.escape(str(tmp_path))}.*{message}'):
            load(tmp_path)

    (tmp_path / 'a').mkdir()
    refuse('no images in this folder')
    draw(tmp_path / '1.png')
    refuse('1 images; expected at least 3')
    draw(tmp_path / '2.png', (8, 6))
    draw(tmp_path / '3.png')
    refuse('2.png: 8x6, where 1.png is 4x6; to scale all images, set --image-shape')
    assert load(tmp_path, [4, 6]).image_shape == (4, 6)
    (tmp_path / '2.png').unlink()
    (tmp_path / '4.txt').write_text('text')
    refuse('4.txt: not an image that Pillow can read')


def test_not_enough_memory(tmp_path, monkeypatch):
    def refuse(name, message, **options):
        with pytest.raises(InputError, match=rf'^{re.escape(str(tmp_path / name))}: not enough memory \({message}'):
            load(tmp_path / name, **options)

    (tmp_path / 'images').mkdir()
    for k in range(3):
        draw(tmp_path / 'images' / f'{k}.png')
    huge = dict(image_shape=(10 ** 7, 10 ** 7))
    if os.name == 'posix':
        refuse('images', 'it needs at least 1200000000 MB; the machine has [0-9]+ MB\\)$', **huge)
        # A machine with 1.96 MB of memory. The 240,000 numbers take 0.96 MB as float32, and 1.92 MB in floatX.
        monkeypatch.setattr(os, 'sysconf', lambda name: 1400)
        images = np.zeros((8, 10 ** 4), np.uint8)
        np.savez_compressed(tmp_path / 'data.npz', train_x=images, valid_x=images, test_x=images)
        refuse('data.npz', 'it needs at least 3 MB')
        with pytensor.config.change_flags(floatX='float32'):
            assert load(tmp_path / 'data.npz').image_shape == (100, 100)
        # Little of these files is read.
        zipped(tmp_path / 'data.pkl.gz', bytes(10 ** 8))
        (tmp_path / 'data.csv').write_text('0,' * 10 ** 6 + '0\n')
        tracemalloc.start()
        refuse('data.pkl.gz', 'it needs at least 2 MB')
        refuse('data.csv', 'it needs at least 16 MB')
        assert tracemalloc.get_traced_memory()[1] < 2 ** 22
        tracemalloc.stop()
    monkeypatch.delattr(os, 'sysconf', raising=False)  # as on Windows
    refuse('images', 'Unable to allocate 1.07 PiB for an array', **huge)
    # The images fit, and the copy in floatX does not.
    images = np.broadcast_to(np.float32(0), (2 ** 25, 2 ** 25))
    monkeypatch.setattr('theano_tutorial.files.datasets.load', lambda *_: [(images, None)] * 3)
    with pytest.raises(InputError, match=r'^file: not enough memory \(Unable to allocate 8.00 PiB for an array'):
        load_data('file')
