import re

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from conftest import assert_draws, gibbs_sampler
from scipy.special import expit

from theano_tutorial.compute.mersenne_twister import bernoulli
from theano_tutorial.shared_randomstreams import RandomStreams, RandomVariableOutsideScan


def states(seed, n):
    """The numpy RandomStates of the first n calls of a distribution, by Theano's rule."""
    seedgen = np.random.RandomState(seed)
    return [np.random.RandomState(seedgen.randint(2 ** 30)) for _ in range(n)]


# Except for the mask, Numba calls the same Python as C does; it compiles each such call for seconds, every time.
@pytest.mark.parametrize('k', range(6))
@pytest.mark.parametrize('backend, mode', [
    ('C', None), ('Numba', 'FAST_COMPILE'), pytest.param('Numba', None, marks=pytest.mark.slow)], indirect=['backend'])
def test_draws_of_theano(golden, k, backend, mode):
    run = golden['streams'][k]
    with pytensor.config.change_flags(floatX=run['floatX']):
        theano_rng = RandomStreams(run['seed'])
        variables = [getattr(theano_rng, stream['name'])(**stream['arguments']) for stream in run['streams']]
        draw = pytensor.function([], variables, mode=mode)
    assert_draws(draw, theano_rng, run['streams'])


MATRIX = np.arange(6.).reshape(2, 3)
# What golden.json lacks: the method of RandomStreams, its arguments, and the same draw of a RandomState.
DISTRIBUTIONS = [
    ('choice', dict(size=(2,), a=[5, 6, 9], replace=False, p=[0.1, 0.2, 0.7]),
     lambda rng: rng.choice([5, 6, 9], 2, False, [0.1, 0.2, 0.7])),
    ('multinomial', dict(n=10 ** 6, pvals=[0.7, 0.29999, 0.00001]),  # Theano's allowance for a last one that is tiny
     lambda rng: rng.multinomial(10 ** 6, np.array([0.7, 0.29999, 0.00001]) * (1 - 5e-5))),
    ('shuffle_row_elements', dict(input=pt.as_tensor_variable(MATRIX)),
     lambda rng: [row[rng.permutation(3)] for row in MATRIX]),
    ('shuffle_row_elements', dict(input=pytensor.shared(MATRIX[0])), lambda rng: MATRIX[0][rng.permutation(3)])]


@pytest.mark.parametrize('backend', ['C', pytest.param('Numba', marks=pytest.mark.slow)], indirect=True)
def test_distributions(backend):
    theano_rng = RandomStreams(11)
    draw = pytensor.function([], [getattr(theano_rng, name)(**arguments) for name, arguments, _ in DISTRIBUTIONS])
    random_states = states(11, len(DISTRIBUTIONS))
    for _ in range(3):
        for values, random_state, (_, arguments, numpy_draw) in zip(draw(), random_states, DISTRIBUTIONS, strict=True):
            np.testing.assert_array_equal(values, numpy_draw(random_state), err_msg=str(arguments))


def test_one_trial_of_any_probability(backend):
    probabilities = (0., 5e-324, 1e-17, 1e-9, 0.1, 0.3, 0.5, np.nextafter(0.5, 1), 0.7, 1 - 1e-9, 1 - 2 ** -53, 1.)
    theano_rng = RandomStreams(9)
    draw = pytensor.function([], [theano_rng.binomial(size=(1000, 300), n=1, p=p) for p in probabilities])
    random_states = states(9, len(probabilities))
    for _ in range(2):
        for values, random_state, p in zip(draw(), random_states, probabilities, strict=True):
            np.testing.assert_array_equal(values, random_state.binomial(1, p, (1000, 300)))


def test_symbolic_parameters_and_size(uncompiled):
    n, p, size = pt.lscalar(), pt.dvector(), pt.lvector()
    draw = pytensor.function([n, p, size], RandomStreams(3).binomial(size=size, n=n, p=p, ndim=2))
    [random_state] = states(3, 1)
    p_value = [0., 0.2, 1.]
    for trials, shape in (1, (4, 3)), (30, (2, 3)), (0, (1, 3)), (1, (4, 3)):
        np.testing.assert_array_equal(draw(trials, p_value, shape), random_state.binomial(trials, p_value, shape))
    for wrong in [4], [2, -3]:
        with pytest.raises(ValueError, match='size is .*; its length must be 2, and no number negative'):
            draw(1, p_value, wrong)
    x = pt.dscalar()
    draw = pytensor.function([x], RandomStreams(3).binomial(n=9, p=[x, 0.5]))
    np.testing.assert_array_equal(draw(0.2), states(3, 1)[0].binomial(9, [0.2, 0.5]))


def test_shapes(uncompiled):
    theano_rng = RandomStreams(1)
    assert [theano_rng.uniform(size=size).eval().shape for size in (3, (), (0, 4))] == [(3,), (), (0, 4)]
    assert theano_rng.uniform(low=np.zeros((2, 1)), high=np.ones(3)).eval().shape == (2, 3)
    for column in theano_rng.uniform(size=(10, 1)), theano_rng.uniform(size=(pytensor.shared(10), 1)), \
            theano_rng.uniform(low=pt.col(dtype='float64'), high=np.ones((10, 1))):
        assert column.broadcastable == (False, True)
    for arguments, message in ((dict(size=(2, 2), ndim=3), 'ndim is 3, but size has length 2'),
                               (dict(size=(2,), low=MATRIX), 'size has length 1, but the parameters have 2 dimensions'),
                               (dict(size=(-1,)), '-1 in size'), (dict(size=(2, -2), low=MATRIX), '-2 in size'),
                               (dict(size=pt.lvector()), 'must be given as ndim')):
        with pytest.raises(ValueError, match=message):
            theano_rng.uniform(**arguments)
    for size in (2.5, 3), pt.dvector(), np.array([[2, 3]]):
        with pytest.raises(TypeError, match=f'size is {re.escape(str(size))}; it must be a vector of integers'):
            theano_rng.uniform(size=size, ndim=2)
    with pytest.raises(TypeError, match='dtype is None'):
        theano_rng.binomial(size=(2,), dtype=None)


def test_updates(uncompiled):
    theano_rng = RandomStreams(4)
    first, second, third = (theano_rng.uniform(size=(5,)) for _ in range(3))
    assert theano_rng.updates() == [first.update, second.update, third.update]
    assert theano_rng.updates([second * 2]) == [second.update] and theano_rng.updates([pt.dvector()]) == []
    # By default a stream advances if the function draws from it. What `updates` says takes precedence.
    draw = pytensor.function([], [first, second], updates=[(second.rng, second.rng), third.update])
    one, two, three = states(4, 3)
    two = two.uniform(size=5)
    for _ in range(3):
        np.testing.assert_array_equal(draw(), [one.uniform(size=5), two])
        three.uniform(size=5)
    np.testing.assert_array_equal(theano_rng[third.rng].uniform(size=5), three.uniform(size=5))  # not of a copy
    np.testing.assert_array_equal(third.eval(), three.uniform(size=5))
    other = np.random.RandomState(8)
    theano_rng[third.rng] = other
    assert theano_rng[third.rng] is other
    np.testing.assert_array_equal(third.eval(), other.uniform(size=5))
    with pytest.raises(TypeError, match='must be a numpy.random.RandomState, not Generator'):
        third.rng.set_value(np.random.default_rng())


def test_debug_mode():
    low = pt.dvector()
    draw = pytensor.function([low], RandomStreams(4).uniform(low=low, high=2.), mode='DebugMode')
    np.testing.assert_array_equal(draw([0., 1.]), states(4, 1)[0].uniform([0., 1.], 2.))


def test_seed(uncompiled):
    theano_rng = RandomStreams(77)
    draw = pytensor.function([], theano_rng.uniform(size=(6,)))
    first = draw()
    theano_rng.seed()  # with 77
    np.testing.assert_array_equal(draw(), first)
    assert (RandomStreams().uniform(size=(6,)).eval() != RandomStreams().uniform(size=(6,)).eval()).all()


def test_a_variable_made_outside_of_scan(uncompiled):
    outside = RandomStreams(6).uniform(size=(2,))
    with pytest.raises(RandomVariableOutsideScan, match='make it in the function of the step'):
        pytensor.scan(lambda: outside + 1, n_steps=3, return_updates=False).eval()


@pytest.mark.parametrize('name, parameter, value', [
    ('binomial', 'p', -0.1), ('binomial', 'p', 1.1), ('binomial', 'p', np.nan), ('binomial', 'n', -1),
    ('normal', 'std', -1.), ('poisson', 'lam', -1.)])
def test_wrong_parameters(name, parameter, value, uncompiled):
    distribution = getattr(RandomStreams(1), name)
    with pytest.raises(ValueError, match=f'{parameter} is {value}; it must be'):
        distribution(size=(2,), **{parameter: value})
    symbolic = pt.scalar() if isinstance(value, float) else pt.lscalar()
    variable = distribution(size=(2,), **{parameter: symbolic})
    with pytest.raises(ValueError, match=f'{name}: ({parameter}|scale) (<|is {value};)'):
        variable.eval({symbolic: value})


X, V = pt.dscalar(), pt.dvector()


@pytest.mark.parametrize('name, arguments, values, message', [
    ('binomial', dict(n=X), {X: 2.5}, 'n is 2.5; it must be an integer'),
    ('binomial', dict(p=pt.zscalar('p')), {'p': 0.5}, 'complex'),
    ('uniform', dict(low=X), {X: -np.inf}, 'Range exceeds valid bounds'),
    ('random_integers', dict(low=X), {X: 0.5}, 'low is 0.5; it must be an integer'),
    ('random_integers', dict(high=X), {X: np.nan}, 'high is nan; it must be an integer'),
    ('random_integers', dict(high=2 ** 63 - 1), {}, 'high is 9223372036854775807; it must be an integer'),
    ('random_integers', dict(low=V, size=(1,)), {V: [1., 2., 3.]}, r'low and high have shapes \(3,\) and \(\)'),
    ('choice', dict(p=X, size=(2,)), {X: 0.5}, 'p is 0.5; it must be a vector'),
    ('choice', dict(replace=V, size=(2,)), {V: [0., 1.]}, 'it must be a single boolean'),
    ('permutation', dict(n=X), {X: -1}, 'n is -1.0; it must be an integer from 0'),
    ('permutation', dict(n=V), {V: [3.]}, r'n is \[3\]; it must be a single number'),
    ('multinomial', dict(pvals=V), {V: [0.5, 0.6]}, r'pvals is \[0.5 0.6\]; they must'),
    ('multinomial', dict(pvals=V), {V: [0.5, np.nan]}, 'pvals is .*; they must'),
    ('multinomial', dict(pvals=V), {V: []}, 'pvals is empty')])
def test_wrong_values_when_drawn(name, arguments, values, message, uncompiled):
    variable = getattr(RandomStreams(1), name)(**arguments)
    with pytest.raises(ValueError, match=message):
        variable.eval(values)


def test_no_probabilities():
    for pvals in 0.5, []:
        with pytest.raises(ValueError, match='pvals is .*; it must be at least one probability'):
            RandomStreams(1).multinomial(pvals=pvals)


def test_a_draw_has_no_gradient():
    x = pt.dscalar()
    with pytest.raises(pytensor.gradient.NullTypeGradError, match='no gradient'):
        pt.grad(RandomStreams(1).uniform(size=(2,), low=x).sum(), x)


# What Theano's own tests of this module assert, where nothing above does

def test_default_updates_can_be_left_out(uncompiled):
    theano_rng = RandomStreams(234)
    uniform, normal = theano_rng.uniform((2, 2)), theano_rng.normal((2, 2))
    assert (pytensor.function([], uniform + uniform - 2 * uniform)() == 0).all()  # one draw, used three times
    for which in True, [normal.rng]:
        with pytest.warns(DeprecationWarning, match='no_default_updates'):
            draw = pytensor.function([], normal, no_default_updates=which)
        np.testing.assert_array_equal(draw(), draw())


def test_shared_states():
    random_state, other = np.random.RandomState(123), np.random.RandomState(3)
    copied, borrowed = pytensor.shared(random_state), pytensor.shared(random_state, borrow=True)
    assert borrowed.get_value(borrow=True) is random_state is not copied.get_value(borrow=True)
    assert borrowed.get_value() is not random_state and type(borrowed.get_value()) is np.random.RandomState
    copied.set_value(other)
    borrowed.set_value(other, borrow=True)
    assert borrowed.get_value(borrow=True) is other is not copied.get_value(borrow=True)
    assert copied.get_value(borrow=True).uniform() == other.uniform()


@pytest.mark.parametrize('before', [lambda rng: rng.randint(2 ** 31), lambda rng: rng.normal(size=3)],
                         ids=['odd position', 'pending normal number'])
def test_state_after_a_mask(before):
    ours, numpys = np.random.RandomState(7), np.random.RandomState(7)
    for size in 1, 311, 312, 313, 15680, 0, 1:
        for rng in ours, numpys:
            before(rng)
        np.testing.assert_array_equal(bernoulli(ours, 0.7, (size,), 'int64'), numpys.binomial(1, 0.7, size))
        for mine, theirs in zip(ours.get_state(), numpys.get_state(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_without_numba(run):
    probabilities = 0., 0.3, 0.5, np.nextafter(0.5, 1), 0.7, 1 - 2 ** -53, 1., 0.7
    done = run('mask_without_numba.py', *probabilities)
    rng = np.random.RandomState(5)
    expected = [rng.binomial(1, p, (2, 25)).tolist() for p in probabilities]
    assert (done.returncode, done.stdout) == (0, f'{expected}\n'), done.stderr


@pytest.mark.parametrize('backend', ['C', 'NumPy', pytest.param('Numba', marks=pytest.mark.slow)], indirect=True)
def test_gibbs_chain_of_an_rbm(backend):
    weights = np.random.RandomState(0).normal(size=(4, 3))
    theano_rng = RandomStreams(8)

    sample = gibbs_sampler(theano_rng, weights)
    for_h, for_v = states(8, 2)
    for _ in range(2):
        v = np.zeros(4)
        for sampled in sample():
            h = for_h.binomial(1, expit(v @ weights))
            v = for_v.binomial(1, expit(h @ weights.T))
            np.testing.assert_array_equal(sampled, v)
