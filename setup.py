import warnings

from setuptools import setup

# That a folder theano_tutorial in the working directory is imported first: it is the one that is installed.
warnings.filterwarnings('ignore', 'Editable installation')

with open('README.md', encoding='utf-8') as readme:
    long_description = readme.read()

FAST = ['scipy-openblas32', 'threadpoolctl']
NOTEBOOKS = ['ipykernel', 'latex2mathml', 'matplotlib', 'nbconvert']

setup(
    name='denoising-autoencoder-tutorial',
    version='2.0.0',
    description='The Theano tutorial page on the denoising autoencoder, reproduced on PyTensor digit for digit',
    long_description=long_description,
    long_description_content_type='text/markdown',
    license='BSD-3-Clause',
    license_files=['LICENSE'],
    python_requires='>=3.11,<3.15',  # as PyTensor's
    # The scripts are run from the checkout; only what they share is installed, with the data in it.
    packages=['theano_tutorial', *(f'theano_tutorial.{room}' for room in ('compute', 'files', 'legacy', 'data'))],
    package_dir={'theano_tutorial.data': 'data'},
    package_data={'theano_tutorial.compute': ['*.h'], 'theano_tutorial.data': ['*.pkl.gz', '*.md', 'original/*']},
    install_requires=[
        'pytensor>=3.0',
        # Not declared by etuples, which PyTensor before 3.3 requires: see docs/upstream.md.
        'packaging',
        # The oldest with which the tests pass on Python 3.11, see tox in pyproject.toml. The page's cells import six.
        'numpy>=2.0', 'pillow>=9.2', 'six>=1.16', 'tqdm>=4.20',
        # The last with wheels for Intel Macs, for which pip would otherwise try to build the newest.
        'numba<0.63; sys_platform == "darwin" and platform_machine == "x86_64"',
    ],
    extras_require={
        'fast': FAST,
        'bench': ['matplotlib', 'torch', 'jax', *FAST],
        'experiments': ['dask[distributed]', 'filelock', 'joblib>=1.5', 'matplotlib', *FAST],
        'mnist': ['pooch'],
        'notebooks': ['jupyterlab', *NOTEBOOKS],
        'test': ['dask[distributed]', 'filelock', 'hypothesis', 'joblib>=1.5', 'mypy', 'playwright', 'pooch', 'pytest',
                 'pytest-xdist', 'ruff', 'tox', *FAST, *NOTEBOOKS],
    },
    classifiers=[
        'Programming Language :: Python :: 3 :: Only',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
