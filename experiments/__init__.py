"""Experiments that test the page's claims, see README.md in this folder:

runs      what one run trains and measures
claims    the claims, the grid of runs for each, and the choice of the learning rates
results   the CSV files, means and intervals, tables
sweep     the command: independent runs on all cores or on a Dask cluster
figures   the figures of notebooks/claims.ipynb

And one of another kind: theano_tutorials runs public tutorials, see docs/theano_tutorials.md.
"""
