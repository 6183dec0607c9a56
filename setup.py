from setuptools import setup

with open('README.md', encoding='utf-8') as readme:
    long_description = readme.read()

NOTEBOOKS = ['ipykernel', 'latex2mathml', 'matplotlib', 'nbconvert']

setup(
    name='denoising-autoencoder-tutorial',
    version='1.0.0',
    description='The Theano tutorial page on the denoising autoencoder, running again on PyTensor, digit for digit',
    long_description=long_description,
    long_description_content_type='text/markdown',
    license='BSD-3-Clause',
    license_files=['LICENSE'],
    python_requires='>=3.11',
    py_modules=['backend', 'checkpoints', 'command_line', 'dA', 'files', 'logistic_sgd', 'mnist_download',
                'mnist_files', 'model_files', 'original', 'pictures', 'replay', 'rewrites',
                'shared_randomstreams', 'utils'],
    # The folder data/ of the checkout, under a name that can be nobody else's among the installed packages.
    packages=['denoising_autoencoder_data'],
    package_dir={'denoising_autoencoder_data': 'data'},
    package_data={'denoising_autoencoder_data': ['*.pkl.gz', '*.md', 'original/*']},
    install_requires=['pytensor>=3.0', 'numpy', 'pillow', 'six', 'tqdm'],
    extras_require={
        'fast': ['scipy-openblas32', 'threadpoolctl'],
        'bench': ['matplotlib', 'scipy-openblas32', 'threadpoolctl', 'torch', 'jax'],
        'mnist': ['pooch'],
        'notebooks': ['jupyterlab', *NOTEBOOKS],
        'test': ['pytest', 'hypothesis', 'playwright', 'pooch', 'ruff', 'scipy-openblas32', 'threadpoolctl', 'tox',
                 *NOTEBOOKS],
    },
    classifiers=[
        'Programming Language :: Python :: 3 :: Only',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
