"""Support code for dA.py, logistic_sgd.py, utils.py and replay.py, not needed to follow the page:

shared_randomstreams  Theano's module of this name on PyTensor: the same random numbers, bit for bit
nnet                  Theano's sigmoid, and a fast cross-entropy of it that stays finite
compute/              this machine: the fastest backend, its BLAS, and the loops that are compiled
files/                data sets, images, saved models and checkpoints
legacy/               code of Theano's time, such as the page's own cells: Python 2 on Theano's names
reference             what the original page printed and drew, and the comparison with it
notebook              the figures of the notebooks
command_line          the options and error messages of the scripts
errors                InputError

The modules import none of the four files, and importing them changes no setting of PyTensor, NumPy or BLAS.
"""


def load_ipython_extension(shell):
    """%load_ext theano_tutorial: from now on, cells are Python 2, `theano` leads to PyTensor, and html.table works."""
    from theano_tutorial.legacy import cells
    cells.load(shell)


def unload_ipython_extension(shell):
    """%unload_ext theano_tutorial: cells are Python 3 again."""
    from theano_tutorial.legacy import cells
    cells.unload()
