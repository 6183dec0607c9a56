import os
import threading
import zipfile

import numpy as np
import pytest
from conftest import posix

from theano_tutorial.errors import InputError
from theano_tutorial.files.storage import atomic_write, load_arrays, save_arrays


def test_an_error_keeps_the_old_file(tmp_path):
    (tmp_path / 'file').write_text('old')
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / 'file') as file:
        file.write(b'new')
        raise ZeroDivisionError
    assert (tmp_path / 'file').read_text() == 'old' and os.listdir(tmp_path) == ['file']


def test_many_writers_of_one_file(tmp_path):
    path, n, written = tmp_path / 'file', 8, []
    all_are_writing = threading.Barrier(n)

    def write(letter):
        with atomic_write(path) as file:
            file.write(letter)
            all_are_writing.wait(60)
            file.write((10 ** 6 - 1) * letter)
        written.append(letter)

    threads = [threading.Thread(target=write, args=(b'%d' % k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [b'%d' % k for k in range(n)] and os.listdir(tmp_path) == ['file']
    content = path.read_bytes()
    assert content == 10 ** 6 * content[:1] and content[:1] in written


@posix
def test_permissions_are_those_of_open(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / 'file') as file:
            file.write(b'new')
    finally:
        os.umask(before)
    assert (tmp_path / 'file').stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name != 'nt', reason='POSIX replaces open files')
def test_a_file_that_is_held_open(tmp_path, monkeypatch):
    path = tmp_path / 'file'
    path.write_text('old')
    with open(path), pytest.raises(OSError, match='file: not saved: it is .* open in'), atomic_write(path) as file:
        file.write(b'new')
    assert path.read_text() == 'old' and os.listdir(tmp_path) == ['file']
    with open(path) as held:
        monkeypatch.setattr('time.sleep', lambda seconds: held.close())
        with atomic_write(path) as file:
            file.write(b'new')
    assert path.read_text() == 'new' and os.listdir(tmp_path) == ['file']


@posix
def test_only_regular_files_are_replaced(tmp_path):
    (tmp_path / 'link').symlink_to('file')
    (tmp_path / 'folder').mkdir()
    for _ in range(2):
        save_arrays(tmp_path / 'link', 'test', a=np.arange(3))
    assert (tmp_path / 'link').is_symlink() and load_arrays(tmp_path / 'file', 'test')['a'].tolist() == [0, 1, 2]
    # A pipe stands for devices such as /dev/null, which root would lose if this failed.
    os.mkfifo(tmp_path / 'pipe')
    for path in tmp_path / 'pipe', tmp_path / 'folder':
        with pytest.raises(OSError, match=f'{path}: not a regular file'):
            save_arrays(path, 'test')
    assert sorted(os.listdir(tmp_path)) == ['file', 'folder', 'link', 'pipe'] and (tmp_path / 'pipe').is_fifo()


def test_arrays_are_loaded_as_they_were_saved(tmp_path):
    path, numbers = tmp_path / 'file', np.float32([[1, 2], [3, 4]])
    save_arrays(path, 'test, version 1', numbers=numbers, text=np.array('text'))
    loaded = load_arrays(path, 'test, version 1')
    assert loaded.keys() == {'numbers', 'text'} and loaded['text'] == 'text'
    np.testing.assert_array_equal(loaded['numbers'], numbers, strict=True)
    with pytest.raises(InputError, match="file: its format is 'test, version 1', not 'test, version 2'"):
        load_arrays(path, 'test, version 2')
    for value in np.nan, np.inf:
        with pytest.raises(FloatingPointError, match='file: not saved: non-finite values; try a smaller'):
            save_arrays(path, 'test', a=np.array([0, value]))
    assert os.listdir(tmp_path) == ['file'] and load_arrays(path, 'test, version 1')


def test_invalid_files(tmp_path):
    for values, message in (([None, print], 'not a valid test file .*Object arrays'),
                            ([0, np.nan], 'it contains infinite values or NaN')):
        np.savez(tmp_path / 'file.npz', format='test', a=np.array(values))
        with pytest.raises(InputError, match=f'file.npz: {message}'):
            load_arrays(tmp_path / 'file.npz', 'test')


@posix
def test_more_than_fits_into_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / 'file', 'w') as members:
        members.writestr('format.npy', b'')
        members.infolist()[0].file_size = 2 ** 50
    with pytest.raises(InputError, match='file: not enough memory'):
        load_arrays(tmp_path / 'file', 'test')
