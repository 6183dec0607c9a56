"""The page's claims, each as grids of runs and the table that answers it.

A grid is a dict from the arguments of a function of experiments.runs to lists of values; what it leaves out has its
default. A grid without a learning rate gets the one that was best on the validation set, in runs with other seeds than
those reported.
"""
import inspect
import itertools
import os
from typing import NamedTuple

from experiments import results
from experiments.runs import FUNCTIONS

DIMENSIONS = [2, 10, 25, 50, 100, 200]
SIZES = [10, 25, 50, 100, 200, 500]
ENCODER_SEEDS = [1, 2, 3, 4, 5]
NETWORK_SEEDS = list(range(1, 11))
RATES = {'encoder': [0.03, 0.1, 0.3], 'network': [0.1, 0.3, 1., 3., 10.]}
TUNING_SEEDS = {'encoder': [101], 'network': [101, 102]}  # never reported
TUNING_MEASURE = {'encoder': 'valid_cost', 'network': 'valid_error'}


class Claim(NamedTuple):
    """A function of experiments.runs, the grids to run it over, and the measures, each a table with a line for `by`."""
    function: str
    grids: list
    by: list
    measures: list


ORDER = ['raw', 'pca', 'random', 'plain', 'denoising']
AUTOENCODERS = dict(model=['autoencoder'], corruption=[0., 0.3], seed=ENCODER_SEEDS)
STARTS = dict(start=['random', 'plain', 'denoising', 'rescaled'], seed=NETWORK_SEEDS)
PCA = dict(model=['pca'], n_hidden=DIMENSIONS)
CLAIMS = {
    # "Can be used to reduce dimensions, as principal component analysis can"
    'compression': Claim(
        'encoder', [PCA, {**AUTOENCODERS, 'n_hidden': DIMENSIONS}],
        ['n_hidden'], ['test_squared_error', 'test_cost']),
    # "Can extract features from data without labels"
    'features': Claim(
        'encoder', [dict(model=['raw']), PCA, {**AUTOENCODERS, 'n_hidden': DIMENSIONS}],
        ['n_hidden'], ['test_probe_error']),
    # "Can be used as the initial weights of a network of several layers"
    'start': Claim(
        'network', [dict(STARTS, n_layers=[1, 2], n_labels=[5000]), dict(STARTS, n_layers=[2], n_labels=[500])],
        ['n_labels', 'n_layers', 'epoch'], ['valid_error', 'test_error']),
    # "Are the creepy filters random, and 100 hidden units more than the digits need?"
    'size': Claim(
        'encoder', [{**AUTOENCODERS, 'n_hidden': SIZES},
                    {**AUTOENCODERS, 'n_hidden': [10, 100, 500], 'corruption': [0.5, 0.7], 'seed': [1, 2, 3]},
                    # The page's own settings, trained for as long as there.
                    {**AUTOENCODERS, 'n_hidden': [100], 'learning_rate': [0.1], 'epochs': [200], 'seed': [1, 2, 3]}],
        ['epochs', 'n_hidden'], ['test_cost', 'test_probe_error', 'correlation', 'unmoved',
                                 'test_cost_without_unmoved', 'test_cost_without_moved']),
    # "The denoising model's filters are sharper, and its digits clearer"
    'clearness': Claim(
        'encoder', [dict(model=['pca'], n_hidden=[100]), {**AUTOENCODERS, 'n_hidden': [100]}],
        ['n_hidden'], ['filter_pixels', 'test_sharpness_0.0', 'test_squared_error_0.0',
                       'test_sharpness_0.3', 'test_squared_error_0.3', 'test_squared_error_0.5'])}


def parameters(function):
    """The arguments of a function of experiments.runs, with their defaults, a dict."""
    return {name: parameter.default for name, parameter in inspect.signature(FUNCTIONS[function]).parameters.items()}


def key(function, row):
    """What tells one run from another: the values of all arguments."""
    return tuple(row.get(name, '') for name in parameters(function))


def runs(claim, **values):
    """The runs of a claim, dicts with all arguments; learning_rate is None where it is to be chosen.

    values : lists that replace those of the grids, for the arguments that a grid has, and for dataset and epochs
    """
    found = []
    for grid in claim.grids:
        grid = grid | {name: value for name, value in values.items() if name in {*grid, 'dataset', 'epochs'}}
        trained = grid.get('model') not in (['raw'], ['pca'])
        rest = parameters(claim.function) | {'learning_rate': None if trained else 0.}
        found += [rest | dict(zip(grid, combination)) for combination in itertools.product(*grid.values())]
    return found


def tuning(function, run):
    """The runs that choose the learning rate of this run: several rates, other seeds."""
    if run['learning_rate'] is not None:
        return []
    if run.get('corruption'):
        run = run | {'corruption': 0.3}  # and all levels above 0 share what is best there
    return [run | {'learning_rate': rate, 'seed': seed} for rate in RATES[function] for seed in TUNING_SEEDS[function]]


def tuned(function, run, rows):
    """The run with the learning rate that gave the lowest measure on the validation set, after the last epoch."""
    finished = {key(function, row): row for row in rows}  # of a run with several rows the last
    candidates = [(row[TUNING_MEASURE[function]], row['learning_rate'])
                  for row in (finished.get(key(function, candidate)) for candidate in tuning(function, run)) if row]
    if not candidates:
        return run
    means = {rate: sum(value for value, r in candidates if r == rate) for _, rate in candidates}
    return run | {'learning_rate': min(means, key=means.get)}


def name(row):
    """What a row is about: 'raw', 'pca', 'random', 'plain', 'denoising', 'denoising, rescaled', 'denoising 0.5' ..."""
    if 'start' in row:
        return 'denoising, rescaled' if row['start'] == 'rescaled' else row['start']
    if row['model'] == 'autoencoder':
        words = f'denoising {row["corruption"]:g}'.removesuffix(' 0.3') if row['corruption'] else 'plain'
    else:
        words = row['model']
    return f'{words}, rescaled' if row['scale'] == 'rescaled' else words


def rows(claim_name, folder=results.FOLDER, **values):
    """The stored rows of a claim at the chosen learning rates, with their names in the column `name`, sorted by these.

    values : as for runs
    """
    claim = CLAIMS[claim_name]
    stored = results.read(os.path.join(folder, f'{claim.function}.csv'))
    wanted = {key(claim.function, tuned(claim.function, run, stored)) for run in runs(claim, **values)}
    found = [row | {'name': name(row)} for row in stored if key(claim.function, row) in wanted]
    if claim_name != 'clearness':  # if the images have no noise, only models that were trained with it have two scales
        found = [row for row in found if row.get('scale') != 'rescaled' or row['corruption']]
    return sorted(found, key=lambda row: (ORDER.index(row['name'].split()[0].strip(',')), row.get('corruption', 0.),
                                          row['name']))
