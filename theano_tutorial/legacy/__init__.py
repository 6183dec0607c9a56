"""Code of Theano's time:

copies, commands       the cells in a file, and the commands to Jupyter in them
python2, gone          Python 2 on Python 3, and what Python and NumPy dropped
theano_names           Theano's names on PyTensor, with a table of those that are elsewhere, or different:
tensor, nnet, conv, mrg  those that are written here
cells                  runs a copy of the page, and cells in Jupyter
runner, stored         run any notebook or script, and compare a notebook with the output stored in it
"""
