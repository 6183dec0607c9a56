"""Seconds for an epoch of the page: this project, two floors, and the libraries that one would compare it with.

    python benchmarks/bench.py [--rounds N] [--theano-python PYTHON]

Each contender lives in a process of its own, with one thread unless its name says otherwise. They run an epoch each in
turn, again and again, so that a slow moment of the machine meets all alike. The cost of a plain model's first epoch
must be the page's, or the contender is refused. Contenders whose library is missing are left out, and named.
"""
import argparse
import os
import platform
import statistics
import subprocess
import sys
from importlib import metadata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from contenders import CONTENDERS  # noqa: E402

from command_line import ArgumentParser, positive_int, run  # noqa: E402
from files import make_folder, written_beside  # noqa: E402
from original import record  # noqa: E402

FLOORS = ('five GEMMs', 'practical floor')
CASES = [(dtype, corruption) for dtype in ('float64', 'float32') for corruption in (0., 0.3)]
LIBRARIES = ('pytensor', 'numpy', 'numba', 'scipy-openblas32', 'torch', 'jax')


class Contender:
    def __init__(self, name, command):
        environment = os.environ | {f'{blas}_NUM_THREADS': '1' for blas in ('OPENBLAS', 'MKL', 'OMP')}
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
    """Seconds of each contender's epochs: {name: [seconds, ...]}, and the contenders left out: {name: reason}."""
    commands = {name: [sys.executable, os.path.join(HERE, 'contenders.py'), name, dtype, str(corruption)]
                for name in CONTENDERS}
    if theano_python:
        commands['Theano'] = [theano_python, os.path.join(HERE, 'theano_contender.py'), dtype, str(corruption)]
    contenders, left_out = [], {}
    for name, command in commands.items():
        contender = Contender(name, command)
        try:
            _, cost = contender.epoch()  # and compile
            expected = float(record()['autoencoder']['costs'][0][1])
            if not corruption and name != 'five GEMMs' and abs(cost / expected - 1) > 1e-6:
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


def processor():
    try:
        with open('/proc/cpuinfo') as file:
            return next(line.split(':')[1].strip() for line in file if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def title(dtype, corruption):
    return f'{"denoising" if corruption else "plain"} {dtype}'


def table(results):
    """A Markdown table: median seconds, the span from least to most, and the median as a multiple of the five GEMMs."""
    names = list(dict.fromkeys(name for result in results.values() for name in result))
    lines = ['| seconds an epoch | ' + ' | '.join(title(*case) for case in results) + ' |',
             '| --- |' + ' --- |' * len(results)]
    for name in names:
        cells = []
        for result in results.values():
            if name not in result:
                cells.append('')
                continue
            median, floor = (statistics.median(result[key]) for key in (name, 'five GEMMs'))
            cells.append(f'{median:.3f} ({min(result[name]):.3f} to {max(result[name]):.3f}), {median / floor:.2f} x')
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def plot(results, path):
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, len(results), figsize=(3.2 * len(results), 4), sharey=True, layout='constrained')
    for axis, (case, result) in zip(axes, results.items()):
        names = list(result)[::-1]
        medians = [statistics.median(result[name]) for name in names]
        colours = ['#0072b2' if 'ours' in name else '#999999' if name in FLOORS else '#e69f00' for name in names]
        axis.barh(names, medians, color=colours)
        axis.set_title(title(*case))
        axis.set_xlabel('seconds an epoch (median)')
    with written_beside(path) as beside:
        figure.savefig(beside, format='png', dpi=100)


def main():
    parser = ArgumentParser('Time an epoch of the page: this project, two floors, NumPy, PyTorch, JAX and Theano.')
    parser.add_argument('--rounds', type=positive_int, default=15, help='epochs timed of each contender')
    parser.add_argument('--theano-python', default=argparse.SUPPRESS, help='a Python 2.7 that has Theano')
    parser.add_argument('--output-dir', default='output', help='folder for the plot')
    options = parser.parse_args()
    try:
        make_folder(options.output_dir)
    except OSError as error:
        parser.error(error)

    results, left_out = {}, {}
    for case in CASES:
        print('... timing', title(*case), file=sys.stderr)
        results[case], missing = measure(*case, options.rounds, getattr(options, 'theano_python', None))
        left_out |= missing
    versions = [f'{name} {metadata.version(name)}' for name in LIBRARIES
                if any(True for _ in metadata.distributions(name=name))]
    print(f'{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {", ".join(versions)}; '
          f'median of {options.rounds} epochs (least to most), multiple of the five GEMMs\n')
    print(table(results))
    for name, reason in left_out.items():
        print(f'\nLeft out: {name}: {reason}')
    path = os.path.join(options.output_dir, 'benchmark.png')
    try:
        plot(results, path)
    except (ImportError, OSError) as error:
        parser.error(f'no plot: {error}')
    print('\nsaved', path)


if __name__ == '__main__':
    run(main)
