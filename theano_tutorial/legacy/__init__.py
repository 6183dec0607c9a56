"""Code of Theano's time: Python 2 cells on Theano's names."""
