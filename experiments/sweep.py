"""Run the experiments that test a claim, over their grid, and print the tables.

    python -m experiments.sweep CLAIM [--grid n_hidden=10,100] [--jobs N] [--dask ADDRESS]

Runs are independent. joblib divides them among the cores, or among the workers of a Dask cluster. A finished run is
added to the CSV file of its function at once, and skipped at the next start.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys

import joblib
from tqdm import tqdm

from experiments import claims, results

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMAND = [sys.executable, '-m', 'experiments.runs']
ATTEMPTS = 2
ONE_THREAD = {f'{library}_NUM_THREADS': '1' for library in ('OMP', 'OPENBLAS', 'MKL', 'NUMBA', 'VECLIB')}


def execute(run):
    """Execute a run in a process of its own, and once more if it fails. Returns (run, its rows, None or the error)."""
    for _ in range(ATTEMPTS):
        process = subprocess.run(COMMAND, input=json.dumps(run), capture_output=True, text=True, cwd=PROJECT,
                                 env=os.environ | ONE_THREAD)
        if process.returncode == 0:
            return run, json.loads(process.stdout), None
    last_line = (process.stderr.strip().splitlines() or [''])[-1]
    return run, [], f'exit status {process.returncode}: {last_line}'


@contextlib.contextmanager
def dask_backend(address, jobs):
    """Let joblib use the Dask cluster at an address, or a new one of single-threaded processes here, 'local'."""
    import dask
    import distributed
    with contextlib.ExitStack() as stack:
        if address == 'local':
            # Dask, too, tries a run once more if its worker dies; an existing cluster has a setting of its own.
            stack.enter_context(dask.config.set({'distributed.scheduler.allowed-failures': ATTEMPTS - 1}))
            address = stack.enter_context(distributed.LocalCluster(
                n_workers=jobs if jobs > 0 else joblib.cpu_count(), threads_per_worker=1, dashboard_address=None))
        client = stack.enter_context(distributed.Client(address))
        stack.enter_context(joblib.parallel_config('dask', client=client))
        backend, _ = joblib.parallel.get_active_backend()
        submit = backend.submit

        def submit_and_report(batch, callback=None):
            """joblib waits forever for a run that Dask gives up, since it is called back for results only."""
            future = submit(batch, callback)
            run, = batch.items[0][1]
            future.add_done_callback(
                lambda done: done.exception() and callback([(run, [], str(done.exception()))]))
            return future

        backend.submit = submit_and_report
        yield


def sweep(function, runs, path, jobs=-1, dask=None):
    """Execute the runs that are not in the CSV file at `path`, and add their rows to it. Returns the failed ones.

    function : name of the function of experiments.runs
    runs : dicts of its arguments
    jobs : number of processes; -1 for one for each core
    dask : address of a Dask scheduler, or 'local' for a new cluster on this machine; None for no cluster
    """
    finished = {claims.key(function, row) for row in results.read(path)}
    todo = {claims.key(function, run): {'function': function, **run} for run in runs}
    todo = [run for key, run in todo.items() if key not in finished]
    failed = []
    # The threads of the default backend only wait for the processes of execute().
    with dask_backend(dask, jobs) if dask else joblib.parallel_config('threading', n_jobs=jobs):
        # No run waits at a worker: Dask would count the worker's death against it, too.
        parallel = joblib.Parallel(return_as='generator_unordered', batch_size=1, pre_dispatch='n_jobs')
        outcomes = parallel(joblib.delayed(execute)(run) for run in todo)
        for run, rows, error in tqdm(outcomes, total=len(todo), unit='run', disable=None):
            arguments = {name: value for name, value in run.items() if name != 'function'}
            if error is None:
                results.add(path, [arguments | row for row in rows])
            else:
                failed.append(arguments)
                tqdm.write(f'failed {ATTEMPTS} times: {arguments}: {error}', file=sys.stderr)
    return failed


def run_claim(name, values, folder, jobs=-1, dask=None):
    """Choose the learning rates of a claim, execute its runs, print its tables. Returns the runs that failed."""
    claim = claims.CLAIMS[name]
    path = os.path.join(folder, f'{claim.function}.csv')
    runs = claims.runs(claim, **values)
    failed = sweep(claim.function, [choice for run in runs for choice in claims.tuning(claim.function, run)],
                   path, jobs, dask)
    stored = results.read(path)
    runs = [claims.tuned(claim.function, run, stored) for run in runs]
    failed += sweep(claim.function, [run for run in runs if run['learning_rate'] is not None], path, jobs, dask)
    rows = claims.rows(name, folder, **values)
    for measure in claim.measures:
        print(f'\n{measure}\n{results.table(rows, claim.by, measure)}')
    return failed


def grid_argument(text):
    """'n_hidden=10,100' as ('n_hidden', [10, 100])."""
    name, _, values = text.partition('=')
    if not values:
        raise argparse.ArgumentTypeError(f'{text!r} is not NAME=VALUE,VALUE...')
    return name, [results.parse(value) for value in values.split(',')]


def main():
    parser = argparse.ArgumentParser(prog='python -m experiments.sweep', description=__doc__.split('\n\n')[0])
    parser.add_argument('claim', choices=claims.CLAIMS)
    parser.add_argument('--dataset', default='mini_mnist.pkl.gz', metavar='FILE',
                        help='as for dA.py: mnist.pkl.gz is all of MNIST (default: mini_mnist.pkl.gz)')
    parser.add_argument('--grid', action='append', default=[], type=grid_argument, metavar='NAME=VALUE,...',
                        help='values in place of those of the grid, for instance n_hidden=10,100 or seed=1,2')
    parser.add_argument('--jobs', type=int, default=-1, metavar='N', help='number of processes (default: all cores)')
    parser.add_argument('--dask', metavar='ADDRESS', help='scheduler of a Dask cluster, or "local" for a new one here')
    parser.add_argument('--results', default=results.FOLDER, metavar='DIR',
                        help='folder of the CSV files (default: experiments/results)')
    options = parser.parse_args()
    os.makedirs(options.results, exist_ok=True)
    values = {'dataset': [options.dataset], **dict(options.grid)}
    sys.exit(1 if run_claim(options.claim, values, options.results, options.jobs, options.dask) else 0)


if __name__ == '__main__':
    main()
