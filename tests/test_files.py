"""Reading and writing where files are hostile, damaged, of another kind, and disks full."""
import errno
import gzip
import io
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT

from checkpoints import FORMAT, Checkpoint
from files import MOST_BYTES, load_arrays, make_folder, open_file, save_arrays, written_beside
from mnist_files import read_idx, read_pickle
from model_files import load_model

READERS = [read_pickle, read_idx, load_model, lambda path: Checkpoint(path, {})]


@pytest.mark.parametrize('read', READERS)
def test_what_is_no_file(tmp_path, read):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'loop').symlink_to('loop')
    for path, fault in (('pipe', 'not a regular file'), ('.', 'Is a directory'), ('loop', 'symbolic links')):
        with pytest.raises(OSError, match=fault) as caught:
            read(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)
    with pytest.raises(OSError, match='/dev/zero: not a regular file'):
        read('/dev/zero')


@pytest.fixture
def nobody():
    """Not root, who may read everything, and a folder to look into."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'secret').touch(mode=0)
        os.chmod(folder, 0o555)
        if user == 0:
            os.seteuid(65534)
        yield Path(folder)
        os.seteuid(user)
        os.chmod(folder, 0o755)


@pytest.mark.parametrize('read', READERS)
def test_no_permission(nobody, read):
    with pytest.raises(PermissionError, match='secret'):
        read(nobody / 'secret')


def test_no_permission_to_write(nobody):
    with pytest.raises(OSError, match=f'{nobody / "file"}: Permission denied'):
        save_arrays(nobody / 'file', 'a test')
    with pytest.raises(PermissionError, match=str(nobody)):
        make_folder(nobody / 'folder')


def bombs():
    """Small files that announce, or unzip to, more than any machine should believe."""
    zeros = gzip.compress(bytes(2 ** 20))
    yield 'zeros', zeros * 600
    array = pickle.dumps(((np.zeros(3), np.zeros(3)),), 2)
    length = (MOST_BYTES - 2 ** 20).to_bytes(8, 'little')
    yield 'zeros in a pickle', gzip.compress(b'\x80\x04\x8e' + length) + zeros * 600
    yield 'a shape of bytes', gzip.compress(array.replace(b'K\x03\x85', b'J\xff\xff\xff\x7fU\x01x\x86', 1))
    yield 'wide text', gzip.compress(b'\x80\x02X' + (2 ** 28).to_bytes(4, 'little') + '\U0001f600'.encode()
                                     ) + gzip.compress(b'a' * 2 ** 20) * 300
    yield 'a long name', gzip.compress(b'\x80\x02c') + gzip.compress(b'a' * 2 ** 20) * 300
    yield 'a long dtype', gzip.compress(b'\x80\x02cnumpy\ndtype\nX\0\0\0\4' + b'f' * 2 ** 26 + b'\x85R.')
    yield 'a length', gzip.compress(b'\x80\x04\x8e' + (2 ** 62).to_bytes(8, 'little') + bytes(9))
    yield 'a place in the memo', gzip.compress(b'\x80\x02)r\xff\xff\xff\x7f.')
    yield 'opcodes', gzip.compress(b'\x80\x02') + gzip.compress(b')' * 2 ** 20) * 500
    yield 'a shape', gzip.compress(array.replace(b'K\x03\x85', b'J\xff\xff\xff\x7f\x85', 1))
    yield 'an IDX of many images', gzip.compress(b'\0\0\x08\3' + b'\x7f\xff\xff\xff' * 3)
    for shape in (2 ** 40,), (2 ** 62, 2 ** 62):
        npy = io.BytesIO()
        np.lib.format.write_array_header_1_0(npy, {'shape': shape, 'fortran_order': False, 'descr': '<f8'})
        yield f'an array of {shape}', zip_of(format=npy.getvalue(), W=npy.getvalue())
    yield 'a long text', zip_of(format=npy_of(np.array('x' * 2 ** 24)))
    yield 'deep settings', zip_of(format=npy_of(np.array(FORMAT)), settings=npy_of(np.array('[' * 4000)))
    yield 'a compressed array', zip_of(zipfile.ZIP_DEFLATED, W=bytes(2 ** 26))
    # The last: it may take as much as a file may hold.
    text = b'X' + (2 ** 25).to_bytes(4, 'little') + b'a' * 2 ** 25
    yield 'again and again', gzip.compress(b'\x80\x02c_codecs\nencode\nq\0' + text + b'q\1X\6\0\0\0latin1q\2('
                                           + b'h\0h\1h\2\x86R' * 60 + b't.')


def npy_of(array):
    npy = io.BytesIO()
    np.save(npy, array)
    return npy.getvalue()


def zip_of(compression=zipfile.ZIP_STORED, **members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w', compression) as file:
        for name, value in members.items():
            file.writestr(f'{name}.npy', value)
    return content.getvalue()


def test_bombs_are_refused_before_the_memory_is_taken(tmp_path):
    program = '''
import resource, sys
from checkpoints import Checkpoint
from mnist_files import read_idx, read_pickle
from model_files import load_model
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    for read in read_pickle, read_idx, load_model, lambda path: Checkpoint(path, {}):
        try:
            read(path)
        except ValueError as error:
            assert path in str(error) and len(str(error)) < 500, str(error)[:1000]
        else:
            print(path, 'was read')
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if taken > (2 ** 19 if 'again' in path else 2 ** 16):
            print(path, read, 'took', taken, 'kilobytes')
'''
    for name, content in bombs():
        (tmp_path / name).write_bytes(content)
    run = subprocess.run([sys.executable, '-c', program, *(str(tmp_path / name) for name, _ in bombs())], cwd=PROJECT,
                         capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ('', '')


def test_holes_are_not_read(tmp_path):
    # A sparse file takes no room on the disk, however long it says it is.
    for name, content in (('gz', gzip.compress(b'')), ('zip', zip_of(format=b''))):
        (tmp_path / name).write_bytes(content)
        os.truncate(tmp_path / name, 2 ** 40)
        for read in READERS:
            with pytest.raises(OSError, match=f'{name}: more than {MOST_BYTES} bytes'):
                read(tmp_path / name)
    # A directory of 300 megabytes, all hole, and a member that is larger than it unpacks to.
    whole = zip_of(W=bytes(100))
    end = whole[-22:-10] + (300 * 2 ** 20).to_bytes(4, 'little') + bytes(6)
    (tmp_path / 'directory').write_bytes(b'')
    os.truncate(tmp_path / 'directory', 300 * 2 ** 20)
    with open(tmp_path / 'directory', 'ab') as file:
        file.write(end)
    sizes = [size.to_bytes(4, 'little') for size in (100, 2 ** 28)]
    (tmp_path / 'larger').write_bytes(whole.replace(sizes[0] + sizes[0], sizes[1] + sizes[0]))
    for name, fault in ('directory', 'its end is not that'), ('larger', 'it is compressed'):
        with pytest.raises(ValueError, match=f'{name}: no logistic regression.*{fault}'):
            load_model(tmp_path / name)


def test_what_could_not_be_read_again_is_not_saved(tmp_path):
    with pytest.raises(OSError, match='file: not saved, since it would be more than'):
        save_arrays(tmp_path / 'file', 'a test', zeros=np.zeros(MOST_BYTES // 8))
    assert os.listdir(tmp_path) == []


def test_arrays_come_back(tmp_path):
    arrays = {'f8': np.arange(6.).reshape(2, 3), 'f4': np.float32([[1, 2], [3, 4]]).T, 'big': np.arange(3, dtype='>i4'),
              'fortran': np.asfortranarray(np.arange(6).reshape(2, 3)), 'nothing': np.zeros((0, 3)),
              'scalar': np.array(3.), 'text': np.array('text')}
    save_arrays(tmp_path / 'file', 'a test, version 1', **arrays)
    loaded = load_arrays(tmp_path / 'file', 'a test, version 1')
    assert loaded.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(loaded[name], values, strict=True)
    with np.load(tmp_path / 'file', allow_pickle=False) as again:
        assert str(again['format']) == 'a test, version 1' and again['fortran'].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="file: its format is 'a test, version 1'; this program reads"):
        load_arrays(tmp_path / 'file', 'a test, version 2')


def test_objects_are_neither_written_nor_read(tmp_path):
    with pytest.raises(ValueError, match='Object arrays cannot be saved'):
        save_arrays(tmp_path / 'file', 'a test', a=np.array([None]))
    assert os.listdir(tmp_path) == []
    np.savez(tmp_path / 'file.npz', format='a test', a=np.array([None, 1]))
    with pytest.raises(ValueError, match='file.npz: no a test that this program saved.* dtype object'):
        load_arrays(tmp_path / 'file.npz', 'a test')


def test_a_full_disk_leaves_the_old_file(tmp_path):
    # In a process of its own, in which no file may grow beyond 2000 bytes.
    program = '''
import resource, sys
import numpy as np
from checkpoints import Checkpoint
from dA import Autoencoder
from files import save_arrays
from model_files import save_model
from pictures import save_image, tiles
noise = np.random.RandomState(0).uniform(size=(10, 784))
autoencoder = Autoencoder(np.random.RandomState(0), n_hidden=10)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for name, write in (('picture.png', lambda path: save_image(tiles(noise), *path.rsplit('/', 1))),
                    ('model.npz', lambda path: save_model(path, noise, np.zeros(784))),
                    ('checkpoint.npz', lambda path: Checkpoint(path, {}).save(autoencoder, [1.], 1.))):
    try:
        write(f'{sys.argv[1]}/{name}')
    except OSError as error:
        print(error)
'''
    run = subprocess.run([sys.executable, '-c', program, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True)
    names = ['picture.png', 'model.npz', 'checkpoint.npz']
    assert run.stdout.splitlines() == [f'{tmp_path}/{name}: {os.strerror(errno.EFBIG)}' for name in names], run.stderr
    assert os.listdir(tmp_path) == []

    (tmp_path / 'picture.png').write_text('old')
    (tmp_path / 'model.npz').write_text('old')
    subprocess.run([sys.executable, '-c', program, str(tmp_path)], cwd=PROJECT, capture_output=True)
    assert sorted(os.listdir(tmp_path)) == ['model.npz', 'picture.png']
    assert (tmp_path / 'picture.png').read_text() == (tmp_path / 'model.npz').read_text() == 'old'


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    (tmp_path / 'file').write_text('old')
    with pytest.raises(ZeroDivisionError), written_beside(tmp_path / 'file') as beside:
        with open(beside, 'w') as file:
            file.write('new')
        raise ZeroDivisionError
    assert (tmp_path / 'file').read_text() == 'old' and os.listdir(tmp_path) == ['file']


def test_folders(tmp_path):
    make_folder(tmp_path / 'a' / 'b')
    make_folder(tmp_path / 'a' / 'b')
    (tmp_path / 'file').touch()
    with pytest.raises(FileExistsError, match='file'):
        make_folder(tmp_path / 'file')
    with pytest.raises(OSError, match='/proc'):
        make_folder('/proc')
    assert os.listdir(tmp_path / 'a' / 'b') == []


def test_a_file_is_read(tmp_path):
    (tmp_path / 'file').write_bytes(b'abc')
    (tmp_path / 'link').symlink_to('file')
    with open_file(tmp_path / 'link') as file:
        assert file.read() == b'abc'
