import hashlib

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from theano_tutorial.mersenne_twister import bernoulli
from theano_tutorial.shared_randomstreams import RandomStreams, RandomVariableOutsideScan


def states(seed):
    """The numpy RandomState of each call of a distribution, by Theano's rule."""
    seedgen = np.random.RandomState(seed)
    while True:
        yield np.random.RandomState(seedgen.randint(2 ** 30))


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
    for call in range(4):
        if call == 3:
            theano_rng.seed(5)
        for values, stream in zip(draw(), run['streams'], strict=True):
            expected = stream['draws'][call]
            assert values.dtype == expected['dtype']
            if 'sha256' in expected:
                assert hashlib.sha256(values.tobytes()).hexdigest() == expected['sha256'], stream['arguments']
            else:
                np.testing.assert_array_equal(values, np.array(expected['values'], values.dtype), strict=True)


MATRIX = np.arange(6.).reshape(2, 3)
# What golden.json lacks: the method of RandomStreams, its arguments, and the same draw of a RandomState.
DISTRIBUTIONS = [
    ('normal', dict(size=(3,)), lambda rng: rng.normal(size=3)),  # numpy draws two at once
    ('normal', dict(avg=[1., 2.], std=[[1.], [3.]]), lambda rng: rng.normal([1., 2.], [[1.], [3.]])),
    ('choice', dict(size=(2,), a=[5, 6, 9], replace=False, p=[0.1, 0.2, 0.7]),
     lambda rng: rng.choice([5, 6, 9], 2, False, [0.1, 0.2, 0.7])),
    ('multinomial', dict(size=(2,), n=9), lambda rng: rng.multinomial(9, (0.5, 0.5), 2)),
    ('multinomial', dict(n=10 ** 6, pvals=[0.7, 0.29999, 0.00001]),  # Theano's allowance for a last one that is tiny
     lambda rng: rng.multinomial(10 ** 6, np.array([0.7, 0.29999, 0.00001]) * (1 - 5e-5))),
    ('shuffle_row_elements', dict(input=pt.as_tensor_variable(MATRIX)),
     lambda rng: [row[rng.permutation(3)] for row in MATRIX]),
    ('binomial', dict(size=(2, -1), n=3, p=[0.5, 0.1, 1.]), lambda rng: rng.binomial(3, [0.5, 0.1, 1.], (2, 3)))]


@pytest.mark.parametrize('backend, distributions', [
    ('C', DISTRIBUTIONS), ('Numba', DISTRIBUTIONS[:2]), pytest.param('Numba', DISTRIBUTIONS, marks=pytest.mark.slow)],
    indirect=['backend'], ids=['C', 'Numba two', 'Numba all'])
def test_distributions(backend, distributions):
    theano_rng = RandomStreams(11)
    draw = pytensor.function([], [getattr(theano_rng, name)(**arguments) for name, arguments, _ in distributions])
    random_states = [random_state for random_state, _ in zip(states(11), distributions)]
    for _ in range(3):
        for values, random_state, (_, arguments, numpy_draw) in zip(draw(), random_states, distributions, strict=True):
            np.testing.assert_array_equal(values, numpy_draw(random_state), err_msg=str(arguments))


def test_one_trial_of_any_probability(backend):
    probabilities = (0., 5e-324, 1e-17, 1e-9, 0.1, 0.3, 0.5, np.nextafter(0.5, 1), 0.7, 1 - 1e-9, 1 - 2 ** -53, 1.)
    theano_rng = RandomStreams(9)
    draw = pytensor.function([], [theano_rng.binomial(size=(1000, 300), n=1, p=p) for p in probabilities])
    expected = list(zip(states(9), probabilities))
    for _ in range(2):
        for values, (random_state, p) in zip(draw(), expected, strict=True):
            np.testing.assert_array_equal(values, random_state.binomial(1, p, (1000, 300)))


def test_symbolic_parameters_and_size(uncompiled):
    n, p, size = pt.lscalar(), pt.dvector(), pt.lvector()
    draw = pytensor.function([n, p, size], RandomStreams(3).binomial(size=size, n=n, p=p, ndim=2))
    random_state = next(states(3))
    p_value = [0., 0.2, 1.]
    for trials, shape in (1, (4, 3)), (30, (2, 3)), (0, (1, 3)), (1, (4, 3)):
        np.testing.assert_array_equal(draw(trials, p_value, shape), random_state.binomial(trials, p_value, shape))
    for wrong in [4], [4, 3, 4, 5], [2, -3]:
        with pytest.raises((ValueError, AssertionError)):
            draw(1, p_value, wrong)
    column = RandomStreams(1).uniform(size=(n, 1))
    assert column.type.shape == (None, 1) and column.eval({n: 8}).shape == (8, 1)


def test_shapes(uncompiled):
    theano_rng = RandomStreams(1)
    assert [theano_rng.uniform(size=size).eval().shape for size in (3, (), (0, 4))] == [(3,), (), (0, 4)]
    assert theano_rng.uniform(low=np.zeros((2, 1)), high=np.ones(3)).eval().shape == (2, 3)
    for column in theano_rng.uniform(size=(10, 1)), theano_rng.binomial(size=(10, 1)):
        assert (column + pt.ones((10, 5))).eval().shape == (10, 5)  # a dimension of 1 is broadcast
    for arguments, message in ((dict(size=(2, 2), ndim=3), 'ndim is 3, but size has length 2'),
                               (dict(size=(2,), low=MATRIX), 'size has length 1, but the parameters have 2 dimensions'),
                               (dict(size=(-1,)), '-1 in size'), (dict(size=(2, -2), low=MATRIX), '-2 in size')):
        with pytest.raises(ValueError, match=message):
            theano_rng.uniform(**arguments)


def test_updates(uncompiled):
    theano_rng = RandomStreams(4)
    first, second, third = (theano_rng.uniform(size=(5,)) for _ in range(3))
    assert theano_rng.updates() == [first.update, second.update, third.update]
    assert theano_rng.updates([second * 2]) == [second.update] and theano_rng.updates([pt.dvector()]) == []
    # By default a stream advances if the function draws from it. What `updates` says takes precedence.
    draw = pytensor.function([], [first, second], updates=[(second.rng, second.rng), third.update])
    one, two, three = (random_state for random_state, _ in zip(states(4), range(3)))
    two = two.uniform(size=5)
    for _ in range(3):
        np.testing.assert_array_equal(draw(), [one.uniform(size=5), two])
        three.uniform(size=5)
    np.testing.assert_array_equal(theano_rng[third.rng].uniform(size=5), three.uniform(size=5))
    theano_rng[third.rng] = np.random.RandomState(8)
    np.testing.assert_array_equal(third.eval(), np.random.RandomState(8).uniform(size=5))
    with pytest.raises(TypeError, match='must be a numpy.random.RandomState, not Generator'):
        third.rng.set_value(np.random.default_rng())


def test_seed(uncompiled):
    theano_rng = RandomStreams(77)
    draw = pytensor.function([], theano_rng.uniform(size=(6,)))
    first = draw()
    assert (draw() != first).all()
    theano_rng.seed()
    np.testing.assert_array_equal(draw(), first)
    theano_rng.seed(78)
    np.testing.assert_array_equal(draw(), next(states(78)).uniform(size=6))
    assert (RandomStreams().uniform(size=(6,)).eval() != RandomStreams().uniform(size=(6,)).eval()).all()


def test_a_variable_made_outside_of_scan(uncompiled):
    outside = RandomStreams(6).uniform(size=(2,))
    with pytest.raises(RandomVariableOutsideScan, match='make it in the function of the step'):
        pytensor.scan(lambda: outside + 1, n_steps=3, return_updates=False).eval()


@pytest.mark.parametrize('name, arguments', [
    ('binomial', {'p': -0.1}), ('binomial', {'p': 1.1}), ('binomial', {'p': np.nan}), ('binomial', {'n': -1}),
    ('normal', {'std': -1.}), ('poisson', {'lam': -1.})])
def test_wrong_parameters(name, arguments, uncompiled):
    [(parameter, value)] = arguments.items()
    with pytest.raises(ValueError, match=f'{parameter} is {value}; it must be'):
        getattr(RandomStreams(1), name)(size=(2,), **arguments)
    symbolic = pt.scalar() if isinstance(value, float) else pt.lscalar()
    variable = getattr(RandomStreams(1), name)(size=(2,), **{parameter: symbolic})
    with pytest.raises(ValueError, match=f'({parameter}|scale) <'):
        variable.eval({symbolic: value})


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
    assert (normal.eval() != normal.eval()).all()


@pytest.mark.parametrize('name, arguments, valid, invalid', [
    ('uniform', ('low', 'high'), ([0.1, 0.2, 0.3], [1.1, 2.2, 3.3]), ([0.1, 0.2], [1.1, 2.2, 3.3])),
    ('binomial', ('n', 'p'), ([1, 2, 3], [0.1, 0.2, 0.3]), ([1, 2], [0.1, 0.2])),
    ('normal', ('avg', 'std'), ([1., 2., 3.], [0.1, 0.2, 0.3]), ([1., 2.], [0.1, 0.2])),
    ('random_integers', ('low', 'high'), ([100, 200, 300], [110, 220, 330]), ([100, 200], [110, 220])),
    ('multinomial', ('n', 'pvals'), ([1, 2, 3], [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]), ([1, 2], [[0.1, 0.9]] * 2))])
def test_vector_parameters(name, arguments, valid, invalid, uncompiled):
    inputs = [pt.tensor(dtype=np.asarray(value).dtype, shape=(None,) * np.ndim(value)) for value in valid]
    theano_rng, again = RandomStreams(3), RandomStreams(3)
    draw = pytensor.function(inputs, getattr(theano_rng, name)(**dict(zip(arguments, inputs))))
    sized = pytensor.function(inputs, getattr(again, name)(size=(3,), **dict(zip(arguments, inputs))))
    values = draw(*valid)
    assert len(values) == 3
    np.testing.assert_array_equal(sized(*valid), values)
    assert len(draw(*(value[:2] for value in valid))) == 2
    with pytest.raises(ValueError):  # size and parameters do not broadcast
        sized(*invalid)


def test_dtypes(uncompiled):
    low, single = pt.dscalar(), pt.fscalar()
    theano_rng = RandomStreams(1)
    with pytensor.config.change_flags(floatX='float32'):
        assert theano_rng.uniform(low=low).dtype == 'float64' and theano_rng.normal(avg=single).dtype == 'float32'
        assert theano_rng.uniform(low=low, dtype='float32').eval({low: 0.5}).dtype == np.float32
    small = theano_rng.random_integers(size=(20,), low=255, high=257, dtype='int8').eval()
    assert small.dtype == np.int8 and set(small) <= {-1, 0, 1}


def test_shuffling_needs_the_same_number_of_dimensions(uncompiled):
    matrix = pt.dmatrix()
    shuffle = pytensor.function([matrix], RandomStreams(1).shuffle_row_elements(matrix))
    with pytest.raises(TypeError):
        shuffle(np.arange(3.))
    vector = pt.dvector()
    shuffled = RandomStreams(1).shuffle_row_elements(vector).eval({vector: [3., 1, 2]})
    np.testing.assert_array_equal(shuffled, np.array([3., 1, 2])[next(states(1)).permutation(3)])


def test_shared_states(uncompiled):
    random_state = np.random.RandomState(123)
    copied, borrowed = pytensor.shared(random_state), pytensor.shared(random_state, borrow=True)
    assert borrowed.get_value(borrow=True) is random_state is not copied.get_value(borrow=True)
    assert borrowed.get_value() is not random_state and type(borrowed.get_value()) is np.random.RandomState
    other = np.random.RandomState(3)
    copied.set_value(other)
    borrowed.set_value(other, borrow=True)
    assert borrowed.get_value(borrow=True) is other is not copied.get_value(borrow=True)
    assert copied.get_value(borrow=True).uniform() == other.uniform() == np.random.RandomState(3).uniform()
    first, second = RandomStreams(1), RandomStreams(2)
    draws = [streams.uniform(size=(3,)) for streams in (first, second)]
    for (to, _), (source, _) in zip(second.updates(), first.updates(), strict=True):
        to.set_value(source.get_value())
    np.testing.assert_array_equal(draws[0].eval(), draws[1].eval())


# The fast mask

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
    done = run('mask_without_numba.py')
    expected = np.random.RandomState(5).binomial(1, 0.3, 50).tolist()
    assert (done.returncode, done.stdout) == (0, f'{expected}\n'), done.stderr


@pytest.mark.parametrize('backend', ['C', pytest.param('Numba', marks=pytest.mark.slow)], indirect=True)
def test_gibbs_chain_of_an_rbm(backend):
    weights = np.random.RandomState(0).normal(size=(4, 3))
    theano_rng = RandomStreams(8)

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def gibbs(v):
        h = theano_rng.binomial(size=(3,), n=1, p=pt.sigmoid(pt.dot(v, weights)), dtype='float64')
        return theano_rng.binomial(size=(4,), n=1, p=pt.sigmoid(pt.dot(h, weights.T)), dtype='float64')

    with pytest.warns(DeprecationWarning, match='Scan return signature'):
        chain, updates = pytensor.scan(gibbs, outputs_info=[pt.zeros(4)], n_steps=5)
    sample = pytensor.function([], chain, updates=updates)
    for_h, for_v = (random_state for random_state, _ in zip(states(8), range(2)))
    for _ in range(2):
        v = np.zeros(4)
        for sampled in sample():
            h = for_h.binomial(1, sigmoid(v @ weights))
            v = for_v.binomial(1, sigmoid(h @ weights.T))
            np.testing.assert_array_equal(sampled, v)
