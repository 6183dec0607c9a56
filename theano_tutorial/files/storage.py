"""Files: atomic saves, .npz files of arrays without code, and errors for what does not fit into memory."""
import contextlib
import gzip
import io
import os
import secrets
import tempfile
import time
import zipfile

import numpy as np
from PIL import Image

from theano_tutorial.errors import InputError


@contextlib.contextmanager
def memory_for(path):
    """Raise InputError naming `path` if there is not enough memory for the block."""
    try:
        yield
    except MemoryError as error:
        raise InputError(f'{path}: not enough memory ({error})'.removesuffix(' ()')) from None


def check_memory(n_bytes):
    """Raise MemoryError if the machine has less memory. Linux would grant it, and end the process that uses it."""
    if hasattr(os, 'sysconf'):  # not on Windows, where the allocation itself fails
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
        if n_bytes > memory > 0:
            raise MemoryError(f'it needs at least {n_bytes / 1e6:.0f} MB; the machine has {memory / 1e6:.0f} MB')


def make_folder(path):
    """Create a folder if it does not exist, and check that files can be created in it. Raises OSError naming it."""
    os.makedirs(path or os.curdir, exist_ok=True)
    with tempfile.TemporaryFile(dir=path or os.curdir):
        pass


@contextlib.contextmanager
def atomic_write(path):
    """Open a temporary file beside `path` for writing bytes, and rename it to `path` if the block succeeds.

    Its folder is created if need be. `path` holds the old content or the new at any moment, also if the process is
    killed, the disk is full, or several processes write to it at the same time (the last one wins). Raises OSError
    naming `path`; symbolic links are followed, and only regular files are replaced.
    """
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    os.makedirs(folder, exist_ok=True)
    # Not by tempfile, whose files are for the user only; open() gives them the usual permissions.
    temporary = os.path.join(folder, f'.{name}.{secrets.token_hex(8)}.part')
    if os.path.exists(target) and not os.path.isfile(target):
        raise OSError(f'{path}: not a regular file')
    try:
        try:
            with open(temporary, 'xb') as file:
                yield file
                file.flush()
                os.fsync(file.fileno())  # the content must be on the disk before the new name is
            _replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise OSError(f'{path}: {error.strerror or error}') from error


def _replace(source, target):
    """os.replace, tried for about two seconds: on Windows a virus scanner or a backup may hold the target open."""
    for delay in 0.1, 0.2, 0.4, 0.8, None:
        try:
            return os.replace(source, target)
        except PermissionError as error:
            if os.name != 'nt':
                raise
            if delay is None:
                raise PermissionError('not saved: it is read-only or open in another program') from error
            time.sleep(delay)


def save_image(pixels, path):
    """Save a uint8 array (height, width) as a PNG file. Raises OSError naming it if it cannot be written."""
    with atomic_write(path) as file:
        Image.fromarray(pixels).save(file, format='PNG')


def save_arrays(path, format, **arrays):
    """Save arrays of numbers or text as .npz, with `format`, a name and a version, among them.

    Raises OSError if the file cannot be written, FloatingPointError if a number is infinite or NaN; `path` then keeps
    its old content.
    """
    if not all(np.isfinite(values).all() for values in arrays.values() if np.asarray(values).dtype.kind == 'f'):
        raise FloatingPointError(f'{path}: not saved: non-finite values; try a smaller learning rate')
    with atomic_write(path) as file:
        np.savez(file, **arrays, format=format)  # last: zipfile may skip members after a damaged one


def load_arrays(path, format):
    """The arrays that save_arrays wrote with the same `format`, a dict.

    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it holds anything else.
    """
    arrays = open_npz(path, f'a valid {format.split(",")[0]} file')
    found = str(arrays.pop('format', 'missing'))
    if found != format:
        other = f', but as {found!r:.100}' if found != 'missing' else ''
        raise InputError(f'{path}: not saved as {format!r}{other}')
    if not all(np.isfinite(values).all() for values in arrays.values() if values.dtype.kind == 'f'):
        raise InputError(f'{path}: it contains infinite values or NaN')
    return arrays


def open_npz(path, kind='a valid .npz file'):
    """The arrays of an .npz file, a dict; no code in it is run.

    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if it is not `kind` or does not fit
    into memory.
    """
    with open(path, 'rb') as file, memory_for(path):
        try:
            with zipfile.ZipFile(file) as members:
                check_memory(sum(member.file_size for member in members.infolist()))
            file.seek(0)
            with np.load(file, allow_pickle=False) as members:
                return dict(members)
        except MemoryError:
            raise
        except Exception as error:  # damaged bytes can make zipfile and numpy raise anything
            raise InputError(f'{path}: not {kind} ({error!r:.200})') from error


def read_gzip(path, parse, kind):
    """parse(content) of a file, unzipped if it is gzipped.

    Raises OSError if the file cannot be opened, InputError (a ValueError) naming it if anything else fails.
    """
    with open(path, 'rb') as file, memory_for(path):
        zipped = file.read(2) == b'\x1f\x8b'
        file.seek(0)
        try:
            with gzip.open(file) if zipped else contextlib.nullcontext(file) as unzipped:
                content = io.BytesIO()
                while piece := unzipped.read(2 ** 18):
                    content.write(piece)
                    check_memory(2 * content.tell())  # also for what is made of it
            return parse(content.getvalue())
        except MemoryError:
            raise
        except Exception as error:  # damaged bytes can make gzip, pickle and numpy raise anything
            reason = f' ({error!s:.200})' if ' ' in str(error) else ''  # KeyError: 35 says nothing
            raise InputError(f'{path}: not {kind}{reason}') from error


def data_file(name):
    """The path of a file in the project's data folder. Raises FileNotFoundError naming it."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for folder in os.path.join(package, 'data'), os.path.join(os.path.dirname(package), 'data'):  # installed; checkout
        if os.path.isfile(path := os.path.join(folder, name)):
            return path
    raise FileNotFoundError(f"{name}: no such file in the project's data folder")
