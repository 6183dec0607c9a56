"""MRG_RandomStreams, with numbers that Theano 0.8.2 drew, and with the reference file in Theano's repository."""
import os
from pathlib import Path

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from conftest import assert_draws, gibbs_sampler
from scipy.special import expit

from theano_tutorial.legacy import mrg
from theano_tutorial.legacy.mrg import MRG_RandomStreams
from theano_tutorial.shared_randomstreams import RandomVariableOutsideScan


@pytest.mark.parametrize('k', range(4))
@pytest.mark.parametrize('backend, mode', [
    ('C', None), ('Numba', 'FAST_COMPILE'), pytest.param('Numba', None, marks=pytest.mark.slow)], indirect=['backend'])
def test_draws_of_theano(golden, k, backend, mode):
    run = golden['mrg_streams'][k]
    with pytensor.config.change_flags(floatX=run['floatX']):
        theano_rng = MRG_RandomStreams(run['seed'])
        variables = []
        for stream in run['streams']:
            arguments = dict(stream['arguments'])
            if 'size_of' in arguments:
                arguments['size'] = pytensor.shared(np.zeros(arguments.pop('size_of'))).shape
            variables.append(getattr(theano_rng, stream['name'])(**arguments))
        draw = pytensor.function([], variables, mode=mode)
    # A normal's log, cos and sin are rounded as the C library or the compiler does.
    assert_draws(draw, theano_rng, run['streams'], eps_of_normal=8)


# The first and the last of the file's numbers.
FIRST, LAST = [0.7353244530968368, 0.6142074400559068, 0.11007806099951267], 0.18852565623819828


def test_reference_file_of_theano(uncompiled):
    file = Path(os.environ.get('THEANO_REPOSITORY', '')) / 'theano/sandbox/samples_MRG31k3p_12_7_5.txt'
    theano_rng = MRG_RandomStreams(seed=12345)
    samples = []
    for _ in range(12):  # streams, of 7 substreams, which draw 5 numbers each
        draw = pytensor.function([], theano_rng.uniform(size=(7,), nstreams=7))
        samples.append(np.transpose([draw() for _ in range(5)]))
    samples = np.ravel(samples)
    assert samples[:3].tolist() == FIRST and samples[-1] == LAST
    if not file.exists():
        pytest.skip(f'{file} is not there; set THEANO_REPOSITORY to a copy of the repository Theano/Theano')
    np.testing.assert_array_equal(samples, np.loadtxt(file))


def test_without_numba():
    draw_in_numpy = getattr(mrg.draw, 'py_func', mrg.draw)
    for dtype, scale in mrg.SCALE.items():
        results = []
        for draw in mrg.draw, draw_in_numpy:
            states, out = np.random.RandomState(0).randint(0, mrg.M2, (6, 13)).astype(np.int32), np.empty(30, dtype)
            draw(states, out, scale)
            results.append((states.tolist(), out.tolist()))
        assert results[0] == results[1]
        one = np.empty(1, dtype)
        mrg.draw(np.zeros((6, 1), np.int32), one, scale)  # x = y, which gives the largest number
        assert one == np.array(2 ** 31 - 1, dtype) * scale < 1


@pytest.mark.parametrize('backend', ['C', pytest.param('Numba', marks=pytest.mark.slow)], indirect=True)
def test_gibbs_chain_of_an_rbm(backend):
    weights = np.random.RandomState(0).normal(size=(4, 3))
    theano_rng = MRG_RandomStreams(8)

    sample = gibbs_sampler(theano_rng, weights)
    other_rng = MRG_RandomStreams(8)
    uniform = pytensor.function([], [other_rng.uniform((3,)), other_rng.uniform((4,))], mode='FAST_COMPILE')
    for _ in range(2):
        v = np.zeros(4)
        for sampled in sample():
            for_h, for_v = uniform()
            h = for_h < expit(v @ weights)
            v = for_v < expit(h @ weights.T)
            np.testing.assert_array_equal(sampled, v)


def test_a_variable_made_outside_of_scan(uncompiled):
    outside = MRG_RandomStreams(6).uniform(size=(2,))
    with pytest.raises(RandomVariableOutsideScan, match='make it in the function of the step'):
        pytensor.scan(lambda: outside + 1, n_steps=3, return_updates=False).eval()


def test_gradients_of_theano_0_8(uncompiled):
    theano_rng = MRG_RandomStreams(3)
    mean = pt.dvector()
    draw = theano_rng.normal((3,), avg=mean, std=2.)  # Theano 1.0 raised here
    np.testing.assert_array_equal(pt.grad(draw.sum(), mean).eval({mean: np.zeros(3)}), np.ones(3))
    x = pt.dvector()
    hidden = x ** 2
    mask = theano_rng.binomial(hidden.shape, p=0.5, dtype='float64')
    dropped, gradient = pytensor.function([x], [mask, pt.grad((hidden * mask).sum(), x)])(np.arange(9.))
    np.testing.assert_array_equal(gradient, 2 * np.arange(9) * dropped)
    assert 0 < dropped.sum() < 9


def test_choice(uncompiled):
    pvals = np.array([[0.1, 0.2, 0.7], [0.25, 0.5, 0.25]])
    chosen = MRG_RandomStreams(9).choice(size=3, replace=False, p=pvals).eval()
    assert chosen.tolist() == MRG_RandomStreams(9).multinomial_wo_replacement(n=3, pvals=pvals).eval().tolist()
    assert np.sort(chosen).tolist() == [[0, 1, 2]] * 2
    with pytest.raises(AssertionError, match='n is 4, but pvals have fewer columns'):
        MRG_RandomStreams(9).choice(size=4, replace=False, p=pvals).eval()
    nothing_left = MRG_RandomStreams(9).choice(size=2, replace=False, p=np.array([[0., 0.]]))
    assert nothing_left.eval().tolist() == [[-1, -1]]


@pytest.mark.parametrize('seed', [0, -1, 2 ** 31 - 21069, 1.5, [1, 2], [0, 0, 0, 1, 1, 1], [1] * 5 + [2 ** 31 - 21069]])
def test_wrong_seeds(seed):
    with pytest.raises(ValueError, match='seed is .*; it must be an integer from 1 to 2147462578'):
        MRG_RandomStreams(seed)


V = pt.lvector()


@pytest.mark.parametrize('name, arguments, message', [
    ('uniform', dict(size=(0, 3)), 'all must be at least 1'),
    ('uniform', dict(size=(2,), nstreams=0), 'all must be at least 1'),
    ('uniform', dict(size=(2,), dtype='int32'), 'dtype is int32'),
    ('uniform', dict(size=(2, 1), low=[0., 1., 2.], high=3.), 'to which low and high do not fit'),
    ('uniform', dict(size=V), 'it must be given as ndim'),
    ('binomial', dict(), 'size is None'),
    ('binomial', dict(size=(2,), n=3), 'n is 3; it must be 1'),
    ('multinomial', dict(pvals=[0.5, 0.5]), 'pvals has 1 dimensions'),
    ('multinomial', dict(pvals=[[0.5, 0.5]], size=(1,)), 'the others must be None'),
    ('choice', dict(p=[[0.5, 0.5]]), 'they must be False and None')])
def test_wrong_arguments(name, arguments, message):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=message):
        getattr(MRG_RandomStreams(1), name)(**arguments)


def test_wrong_size_when_drawn(uncompiled):
    variable = MRG_RandomStreams(1).uniform(V, ndim=2)
    with pytest.raises(ValueError, match='the length of size is 3; ndim is 2'):
        variable.eval({V: [1, 2, 3]})
