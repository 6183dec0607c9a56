"""What a web worker runs in Pyodide: one of the two trainings of dA.py, or the comparison of replay.py.

Everything that is printed reaches the page through worker.mjs, and so do the pictures, after the lines `saved ...`.
"""
import importlib
import os
import traceback

import numpy as np
import tqdm

import dA
import replay
from theano_tutorial import reference
from theano_tutorial.compute import backend

EDITOR = 'the editor'  # takes the place of a file name in errors
OUTPUT = 'output'
FILES = {'plain': 'autoencoder.npz', 'denoising': 'dA.npz'}

tqdm.tqdm.monitor_interval = 0  # it would start a thread, and there are none
os.makedirs(OUTPUT, exist_ok=True)
print('... computing', backend.use_fastest())


class Progress:
    """In the place of a checkpoint: train() calls it after each epoch."""

    def __init__(self, report):
        self.report = report

    def restore(self, autoencoder, train_set_x):
        return []

    def save(self, autoencoder, costs):
        self.report(len(costs))


def train(only, classes, settings, report):
    """Train one model. Returns what is printed.

    only : 'plain' or 'denoising'
    classes : None, or Python code that is run in dA.py's namespace, after its own
    settings : dict of main's arguments
    report : function of the number of epochs done, called after each
    """
    importlib.reload(dA)  # without the classes of an earlier call
    with reference.Recording(OUTPUT) as run:
        if classes:
            exec(compile(classes, EDITOR, 'exec'), vars(dA))
        dA.main(only=only, output_dir=OUTPUT, checkpoint=Progress(report), **settings)
    return run.printed


def weights(only):
    """W, b and b_prime of the model that was trained last, one after the other: the bytes of float64."""
    with np.load(f'{OUTPUT}/{FILES[only]}', allow_pickle=False) as arrays:
        return b''.join(arrays[name].astype('<f8').tobytes() for name in ('W', 'b', 'b_prime'))


def compare(printed, epochs, pictures):
    """Train the logistic regression, and compare everything with the original. Returns whether all of it matches.

    printed : what both trainings printed
    pictures : those of the other worker, a dict from file names to bytes
    """
    for name, content in pictures.items():
        with open(f'{OUTPUT}/{name}', 'wb') as file:
            file.write(content)
    logistic = replay.train_logistic_regression(OUTPUT)
    files = {name: name for name in os.listdir(OUTPUT)}
    return replay.compare(logistic, printed, epochs, OUTPUT, files) == 0


def describe(error):
    """(number of the line in the editor or 0, type and first line of the message, traceback) of an exception."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == EDITOR]
    if isinstance(error, SyntaxError) and error.filename == EDITOR:
        lines.append(error.lineno)
        message = error.msg
    else:
        message = str(error).strip().partition('\n')[0]
    text = f'{type(error).__name__}: {message}'.removesuffix(': ')
    return lines[-1] if lines else 0, text, ''.join(traceback.format_exception(error))
