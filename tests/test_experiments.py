"""The experiments: small cells of the stored tables are re-run, and sweeps survive the death of a process."""
import os
import sys
import threading

import numpy as np
import pytest
from conftest import posix

pytest.importorskip('joblib', reason='the extra "experiments" is not installed')

from experiments import claims, results, sweep  # noqa: E402  after importorskip

# Reads a run as experiments.runs does; dies for seed 3 the first time, and always for seed 2, there with Dask's worker.
FRAGILE = '''
import json, os, sys
run = json.load(sys.stdin)
marker = f'seed {run["seed"]}'
first = not os.path.exists(marker)
open(marker, 'a').write('x')
if run['seed'] == 2 and 'local' in sys.argv:
    os.kill(os.getppid(), 9)
if run['seed'] == 2 or run['seed'] == 3 and first:
    os.abort()
print(json.dumps([{'test_cost': run['seed'] * 1.5}]))
'''


def stored(name):
    return results.read(os.path.join(results.FOLDER, f'{name}.csv'))


def grid():
    return [claims.parameters('encoder') | {'model': 'pca', 'learning_rate': 0.} | {'seed': seed}
            for seed in (1, 2, 3, 4)]


CELLS = {'compression': dict(model='autoencoder', n_hidden=10, corruption=0.3),
         'features': dict(model='pca', n_hidden=10),
         'start': dict(start='denoising', n_layers=2, n_labels=500),
         'size': dict(model='autoencoder', n_hidden=10, corruption=0., epochs=60),
         'clearness': dict(model='pca', n_hidden=100)}


@pytest.mark.slow
@pytest.mark.parametrize('name', claims.CLAIMS)
def test_a_cell_again(name):
    claim, cell = claims.CLAIMS[name], CELLS[name]
    rows = stored(claim.function)
    run = next(run for run in claims.runs(claim) if cell.items() <= run.items())
    run = claims.tuned(claim.function, run, rows)
    _, again, error = sweep.execute({'function': claim.function, **run})
    assert error is None
    cells = [row for row in rows if claims.key(claim.function, row | {'seed': run['seed']}) ==
             claims.key(claim.function, run) and row['seed'] < 100]
    measures = [measure for measure in claim.measures if measure in cells[-1]]
    assert measures
    for measure in measures:
        # The last row: of a network the last epoch, of an encoder the rescaled input.
        values = [row[measure] for row in cells
                  if (row.get('epoch'), row.get('scale')) == (cells[-1].get('epoch'), cells[-1].get('scale'))]
        mean, half = results.mean(values)
        one_more_run = np.nan_to_num(half) * np.sqrt(len(values) + 1)
        assert again[-1][measure] == pytest.approx(mean, rel=1e-3, abs=one_more_run + 1e-6), (measure, values)


def test_no_row_is_missing_and_none_is_double():
    for name, claim in claims.CLAIMS.items():
        rows = stored(claim.function)
        keys = [(claims.key(claim.function, row), row.get('epoch'), row.get('scale')) for row in rows]
        assert len(set(keys)) == len(keys)
        missing = {claims.key(claim.function, claims.tuned(claim.function, run, rows)) for run in claims.runs(claim)}
        assert not missing - {key for key, *_ in keys}, name


def test_interval():
    assert results.mean([1, 2, 3]) == pytest.approx((2, 4.3027 / 3 ** 0.5), abs=1e-4)  # a table of Student's t
    assert np.isnan(results.mean([1])[1])


@pytest.mark.parametrize('dask', [None, pytest.param('local', marks=[pytest.mark.slow, posix])])
def test_a_run_that_dies_costs_itself_only(tmp_path, monkeypatch, capsys, dask):
    path, command = tmp_path / 'encoder.csv', [sys.executable, '-c', FRAGILE, dask or '']
    monkeypatch.setattr(sweep, 'COMMAND', command)
    monkeypatch.setattr(sweep, 'PROJECT', str(tmp_path))
    if dask:
        # joblib alone would wait forever for a run that Dask gives up.
        preload = f'from experiments import sweep\nsweep.COMMAND, sweep.PROJECT = {command}, {str(tmp_path)!r}'
        options = pytest.importorskip('distributed').config['distributed']['worker']
        monkeypatch.setitem(options, 'preload', [preload])
    failed = sweep.sweep('encoder', grid(), path, jobs=2, dask=dask)
    assert [run['seed'] for run in failed] == [2]
    assert "'seed': 2" in capsys.readouterr().err
    assert {row['seed']: row['test_cost'] for row in results.read(path)} == {1: 1.5, 3: 4.5, 4: 6.}
    assert (tmp_path / 'seed 2').stat().st_size == 2
    before = (tmp_path / 'seed 1').stat().st_size
    sweep.sweep('encoder', grid(), path, jobs=2, dask=dask)  # the finished runs are skipped
    assert (tmp_path / 'seed 1').stat().st_size == before and (tmp_path / 'seed 2').stat().st_size == 4
    assert not [name for name in os.listdir(tmp_path) if name.endswith('.part')]


def test_two_sweeps_at_once(tmp_path):
    path = tmp_path / 'encoder.csv'
    threads = [threading.Thread(target=lambda: [results.add(path, [{'seed': 1}]) for _ in range(20)])
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.read(path) == [{'seed': 1}] * 60
