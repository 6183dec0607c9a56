"""Time an epoch of the page: this project, its five matrix products alone, and other libraries.

    python -m benchmarks.bench [--rounds N] [--theano-python PYTHON]

Each implementation runs in its own process, with one thread unless its name ends with "all cores"; JAX with one thread
is pinned to one core. They take turns, an epoch each, so that a slow moment of the machine affects all alike. An
implementation is left out, with the reason, if its library is missing or if the cost of the plain model's first epoch
is not the page's.
"""
import argparse
import math
import os
import statistics
import subprocess
import sys
from importlib import metadata

import threadpoolctl

from benchmarks.contenders import CONTENDERS
from theano_tutorial.compute import backend
from theano_tutorial.files.storage import atomic_write, make_folder
from theano_tutorial.reference import record

HERE = os.path.dirname(os.path.abspath(__file__))
FLOOR = 'five GEMMs'
CASES = [(dtype, corruption) for dtype in ('float64', 'float32') for corruption in (0., 0.3)]
LIBRARIES = ('numba', 'scipy-openblas32', 'torch', 'jax')


class Contender:
    def __init__(self, name, command):
        environment = dict(os.environ)
        for blas in 'OPENBLAS', 'MKL', 'OMP':
            if name.endswith('all cores'):
                environment.pop(f'{blas}_NUM_THREADS', None)
            else:
                environment[f'{blas}_NUM_THREADS'] = '1'
        self.name = name
        self.seconds = []
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def epoch(self):
        """Run one epoch. Returns its seconds and cost; RuntimeError when the process is gone."""
        try:
            self.process.stdin.write('\n')
            self.process.stdin.flush()
            seconds, cost = self.process.stdout.readline().split()
        except (BrokenPipeError, ValueError):
            errors = self.process.stderr.read().strip().splitlines()
            raise RuntimeError(errors[-1] if errors else 'it ended') from None
        return float(seconds), float(cost)

    def close(self):
        self.process.kill()
        self.process.communicate()


def measure(dtype, corruption, rounds, theano_python):
    """Seconds of each implementation's epochs: {name: [seconds, ...]}, and those left out: {name: reason}."""
    commands = {name: [sys.executable, '-m', 'benchmarks.contenders', name, dtype, str(corruption)]
                for name in CONTENDERS}
    if theano_python:
        commands['Theano'] = [theano_python, os.path.join(HERE, 'theano_contender.py'), dtype, str(corruption)]
    expected = None if corruption else float(record()['autoencoder']['costs'][0][1])
    return take_turns(commands, rounds, expected, 1e-6)


def take_turns(commands, rounds, expected, tolerance):
    """Seconds of each command's epochs and the commands left out, as measure returns them.

    expected, tolerance : the cost of the first epoch, and by which share it may differ; None for any
    """
    contenders, left_out = [], {}
    for name, command in commands.items():
        contender = Contender(name, command)
        try:
            _, cost = contender.epoch()  # and compile
            if expected and not name.startswith(FLOOR) and abs(cost / expected - 1) > tolerance:
                raise RuntimeError(f'its cost is {cost}, not {expected}')
            contenders.append(contender)
        except RuntimeError as error:
            left_out[name] = str(error)
            contender.close()
    try:
        for _ in range(rounds):
            for contender in contenders:
                contender.seconds.append(contender.epoch()[0])
    finally:
        for contender in contenders:
            contender.close()
    return {contender.name: contender.seconds for contender in contenders}, left_out


def title(dtype, corruption):
    return f'{"denoising" if corruption else "plain"} {dtype}'


def medians(result):
    """{name: median}, and the floor: the least median of those that only compute the matrix products."""
    values = {name: statistics.median(seconds) for name, seconds in result.items()}
    return values, min((median for name, median in values.items() if name.startswith(FLOOR)), default=math.nan)


def table(results):
    """A Markdown table: median (minimum to maximum) in seconds, and the median as a multiple of the floor."""
    names = list(dict.fromkeys(name for result in results.values() for name in result))
    lines = ['| seconds per epoch | ' + ' | '.join(title(*case) for case in results) + ' |',
             '| --- |' + ' --- |' * len(results)]
    for name in names:
        cells = []
        for result in results.values():
            if name not in result:
                cells.append('')
                continue
            values, floor = medians(result)
            spread = f' ({min(result[name]):.3f} to {max(result[name]):.3f})' if len(result[name]) > 1 else ''
            cells.append(f'{values[name]:.3f}{spread}, {values[name] / floor:.2f} x')
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def plot(results, path):
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, len(results), figsize=(3.2 * len(results), 5), sharex=True, sharey=True,
                                   layout='constrained')
    for axis, (case, result) in zip(axes, results.items()):
        names = list(result)[::-1]
        values, _ = medians(result)
        colours = ['#0072b2' if 'ours' in name else '#999999' if name.startswith(FLOOR) else '#e69f00'
                   for name in names]
        axis.barh(names, [values[name] for name in names], color=colours)
        axis.set_xscale('log')
        axis.set_xticks([0.03, 0.1, 0.3, 1, 3], ['0.03', '0.1', '0.3', '1', '3'])
        axis.minorticks_off()
        axis.set_title(title(*case))
        axis.set_xlabel('seconds per epoch (median)')
    with atomic_write(path) as file:
        figure.savefig(file, format='png', dpi=100)


def main():
    parser = argparse.ArgumentParser(
        prog='bench', description='Time an epoch of the page: this project, NumPy, PyTorch, JAX and Theano.')
    parser.add_argument('--rounds', type=int, default=15, help='epochs to time of each implementation (default: 15)')
    parser.add_argument('--theano-python', help='a Python 2.7 with Theano 0.8.2')
    parser.add_argument('--output-dir', default='output', help='folder for the plot (default: output)')
    options = parser.parse_args()
    make_folder(options.output_dir)

    results, left_out = {}, {}
    for case in CASES:
        print('... timing', title(*case), file=sys.stderr)
        results[case], missing = measure(*case, options.rounds, options.theano_python)
        if case[0] == 'float64':
            page = record()['denoising_autoencoder' if case[1] else 'autoencoder']
            results[case]["the page's VPS, 2016"] = [page['seconds_page'] / record()['settings']['training_epochs']]
        left_out |= missing
    kernels = {info['architecture'] for info in threadpoolctl.threadpool_info() if info['internal_api'] == 'openblas'}
    versions = [f'{name} {metadata.version(name)}' for name in LIBRARIES
                if any(True for _ in metadata.distributions(name=name))]
    print(f'{", ".join([backend.versions(), *versions])}, OpenBLAS for {"/".join(kernels)}; '
          f'median of {options.rounds} epochs (minimum to maximum), multiple of the fastest five GEMMs\n')
    print(table(results))
    for name, reason in left_out.items():
        print(f'\nLeft out: {name}: {reason}')
    path = os.path.join(options.output_dir, 'benchmark.png')
    plot(results, path)
    print('\nsaved', path)


if __name__ == '__main__':
    main()
