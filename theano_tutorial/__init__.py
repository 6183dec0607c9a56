"""Support code for dA.py, logistic_sgd.py, utils.py and replay.py, not needed to follow the page:

shared_randomstreams  Theano's RandomStreams on PyTensor, the same numbers to the last bit
mersenne_twister      the corruption mask, drawn fast
cross_entropy         the cross-entropy of a sigmoid and its gradient, finite and fast
jit, numba_backend    small compiled loops, and this project's Ops for PyTensor's Numba backend
backend               the fastest way this machine has to run a compiled function
datasets              reading data sets: pickles, .npz, .csv, folders of images
mnist                 all of MNIST: downloading, the IDX format
training              the checks and the progress bar of train() in dA.py
trained               saved autoencoders, and what they make of images
mini_mnist            makes data/mini_mnist.pkl.gz from MNIST
storage               atomic saves, .npz files without code in them
checkpoint            resumable training
reference             what the original page printed, and the comparison with it
command_line          the options and error messages of the scripts
notebook              the comparisons and figures of the notebooks
page                  runs the original page's own cells
python2               translates them to Python 3
theano_names          makes their `import theano` use PyTensor

None of these modules imports the four files, and importing them changes no setting of PyTensor, NumPy or BLAS.
"""


class InputError(ValueError):
    """A file or a setting that cannot be used. The scripts print its one-line message and exit."""


def load_ipython_extension(shell):
    """%load_ext theano_tutorial: from now on, cells are Python 2, `theano` leads to PyTensor, and html.table works."""
    from theano_tutorial import page
    page.load(shell)


def unload_ipython_extension(shell):
    """%unload_ext theano_tutorial: cells are Python 3 again."""
    from theano_tutorial import page
    page.unload()
