"""Files: read only where they are files, never half-written, and as arrays with nothing in them that could run."""
import contextlib
import io
import math
import os
import stat
import tempfile
import warnings
import zipfile

import numpy as np

# More than any file here needs: all of MNIST in float64 is 443 million bytes.
MOST_BYTES = 2 ** 29
MOST_TEXT = 2 ** 14  # of an .npz file's directory, or a text in it


@contextlib.contextmanager
def open_file(path):
    """Open a file for reading bytes. Raises OSError naming it when that fails, or when it is no file or too large."""
    # Without O_NONBLOCK it would wait for somebody to write, if it is a pipe.
    with open(path, 'rb', opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f'{path}: not a regular file')
        if status.st_size > MOST_BYTES:
            raise OSError(f'{path}: more than {MOST_BYTES} bytes')
        yield file


def make_folder(path):
    """Make the folder where there is none, and make sure that it can be written to; OSError names it where not."""
    os.makedirs(path, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass


@contextlib.contextmanager
def written_beside(path):
    """The name of a temporary file in the folder of `path`, renamed to `path` when the block ends well.

    So `path` holds the old content or the new, never a part of it. On an error the temporary file is removed, and an
    OSError names `path`.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    beside = None
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f'{path}: not a regular file')
    try:
        handle, beside = tempfile.mkstemp(prefix=f'.{name}.', suffix='.part', dir=folder)
        os.close(handle)
        yield beside
        with open(beside, 'rb') as file:
            os.fsync(file.fileno())  # a power cut may not find the new name before the new content
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(beside, 0o666 & ~umask)
        os.replace(beside, path)
        beside = None
    except OSError as error:
        raise OSError(f'{path}: {error.strerror or error}') from error
    finally:
        if beside is not None:
            os.unlink(beside)


def save_arrays(path, format, **arrays):
    """Write arrays of numbers or text as .npz, with `format`, a name and version, as one more.

    Raises OSError when they can not be written or are too large; `path` then holds what it held.
    """
    # In memory first: a zip that can not be finished complains again when it is thrown away.
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, format=format, **arrays)
    if content.tell() > MOST_BYTES:
        raise OSError(f'{path}: not saved, since it would be more than {MOST_BYTES} bytes')
    with written_beside(path) as beside, open(beside, 'wb') as file:
        file.write(content.getbuffer())


def load_arrays(path, format):
    """The arrays that save_arrays wrote with the same `format`, by name; not to be written to.

    Raises OSError when the file can not be opened, ValueError naming it when it holds anything else.
    """
    with open_file(path) as file:
        try:
            # The zip's end, which says how long its directory is: that is read in one piece.
            file.seek(-42, os.SEEK_END)
            locator, end = file.read(20), file.read(22)
            if (locator[:4] == b'PK\6\7' or end[:4] != b'PK\5\6' or end[20:] != b'\0\0'
                    or int.from_bytes(end[12:16], 'little') > MOST_TEXT):
                raise ValueError('its end is not that of an .npz file')
            with zipfile.ZipFile(file) as members, warnings.catch_warnings(action='error'):
                infos = members.infolist()
                if any(info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size
                       for info in infos):
                    raise ValueError('it is compressed')
                if sum(info.file_size for info in infos) > MOST_BYTES:
                    raise ValueError(f'it has more than {MOST_BYTES} bytes')
                arrays = {info.filename.removesuffix('.npy'): _array(members.read(info)) for info in infos}
            found = str(arrays.pop('format'))
        # Damaged bytes lead the readers anywhere, so whatever they raise means the same.
        except Exception as error:
            fault = str(error)[:200]
            raise ValueError(f'{path}: no {format} that this program saved, or a damaged one: {fault}') from error
    if found != format:
        raise ValueError(f'{path}: its format is {found!r}; this program reads {format!r}')
    return arrays


def _array(content):
    """The array in the bytes of an .npy file, without a copy."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError('an array of another version')
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind == 'U' and dtype.itemsize > MOST_TEXT:
        raise ValueError('a long text')
    if dtype.kind not in 'biufU' or len(content) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(f'an array of shape {shape} and dtype {dtype} in {len(content) - file.tell()} bytes')
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order='F' if is_fortran else 'C')
