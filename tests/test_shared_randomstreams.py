import hashlib

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from backends import BACKENDS, backend_modes

from shared_randomstreams import RandomFunction, RandomStreams

PYTHON = pytensor.compile.mode.Mode(linker='py', optimizer='fast_run')


def own_state(seed, k=0):
    """The RandomState of the k-th stream of RandomStreams(seed), by Theano's rule."""
    seedgen = np.random.RandomState(seed)
    for _ in range(k):
        seedgen.randint(2 ** 30)
    return np.random.RandomState(seedgen.randint(2 ** 30))


def state_of(rng):
    state = rng.get_value().bit_generator.state['state']
    return state['pos'], state['key'].tolist()


def assert_same_state(rng, random_state):
    state = random_state.get_state(legacy=False)['state']
    assert state_of(rng) == (state['pos'], state['key'].tolist())


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('run', range(6))
def test_draws_of_genuine_theano(golden, run, backend):
    run = golden['streams'][run]
    with backend_modes(backend), pytensor.config.change_flags(floatX=run['floatX']):
        theano_rng = RandomStreams(run['seed'])
        variables = [getattr(theano_rng, stream['name'])(**stream['arguments']) for stream in run['streams']]
        draw = pytensor.function([], variables, updates=theano_rng.updates())

    for call in range(4):
        if call == 3:
            theano_rng.seed(5)
        for values, stream in zip(draw(), run['streams']):
            expected = stream['draws'][call]
            assert values.dtype == expected['dtype']
            if 'sha256' in expected:
                assert hashlib.sha256(values.tobytes()).hexdigest() == expected['sha256'], stream['arguments']
            else:
                np.testing.assert_array_equal(values, np.array(expected['values'], values.dtype), strict=True)


@pytest.mark.parametrize('p', [0.0, 5e-324, 1e-17, 1e-9, 0.1, 0.3, 0.5, np.nextafter(0.5, 1), 0.7, 1 - 1e-9,
                               1 - 2 ** -53, 1.0])
@pytest.mark.parametrize('backend', BACKENDS)
def test_one_trial_is_randomstates_own(p, backend):
    variable = RandomStreams(9).binomial(size=(1000, 1000), n=1, p=p)
    with backend_modes(backend):
        draw = pytensor.function([], variable, updates=[variable.update])
    random_state = own_state(9)
    for _ in range(2):
        np.testing.assert_array_equal(draw(), random_state.binomial(1, p, (1000, 1000)))
    assert_same_state(variable.rng, random_state)


def test_symbolic_parameters_and_size():
    n, p, size = pt.lscalar(), pt.dvector(), pt.lvector()
    variable = RandomStreams(3).binomial(size=size, n=n, p=p, ndim=2)
    draw = pytensor.function([n, p, size], variable, updates=[variable.update])
    random_state = own_state(3)
    for trials, shape in (1, (4, 3)), (30, (2, 3)), (0, (1, 3)):
        probabilities = [0.0, 0.2, 1.0]
        np.testing.assert_array_equal(draw(trials, probabilities, shape),
                                      random_state.binomial(trials, probabilities, shape))
    assert_same_state(variable.rng, random_state)


def test_sizes():
    theano_rng = RandomStreams(1)
    assert theano_rng.uniform(size=3).eval().shape == (3,)
    assert theano_rng.binomial(size=()).eval().shape == ()
    assert theano_rng.binomial(size=(0, 4)).eval().shape == (0, 4)
    assert theano_rng.uniform(low=np.zeros((2, 1)), high=np.ones(3)).eval().shape == (2, 3)
    with pytest.raises(ValueError, match='ndim is 3, but size has 2'):
        theano_rng.binomial(size=(2, 2), ndim=3)


def test_lengths_of_one_are_broadcast():
    theano_rng = RandomStreams(1)
    for variable in theano_rng.uniform(size=(10, 1)), theano_rng.binomial(size=(10, 1), n=3), theano_rng.binomial(
            size=(10, 1), n=1):
        assert variable.type.shape == (10, 1)
        assert (variable + pt.ones((10, 5))).eval().shape == (10, 5)


def test_a_stream_steps_by_its_update_alone():
    theano_rng = RandomStreams(4)
    first, second = theano_rng.uniform(size=(5,)), theano_rng.binomial(size=(5,), n=1, p=0.4)
    assert theano_rng.updates() == theano_rng.state_updates == [first.update, second.update]
    assert theano_rng.updates([second * 2]) == [second.update]
    assert theano_rng.updates([pt.dvector()]) == []

    before = state_of(first.rng), state_of(second.rng)
    still = pytensor.function([], first)
    np.testing.assert_array_equal(still(), still())
    pytensor.function([], second, updates=theano_rng.updates([second]))()
    assert state_of(first.rng) == before[0]
    assert state_of(second.rng) != before[1]


def test_seed_goes_back_to_the_first_seed():
    theano_rng = RandomStreams(77)
    variable = theano_rng.uniform(size=(6,))
    draw = pytensor.function([], variable, updates=theano_rng.updates())
    first = draw()
    assert (draw() != first).all()
    theano_rng.seed()
    np.testing.assert_array_equal(draw(), first)
    theano_rng.seed(78)
    assert (draw() != first).all()


def test_without_a_seed_each_is_different():
    draws = [RandomStreams().uniform(size=(4,)).eval() for _ in range(2)]
    assert (draws[0] != draws[1]).all()


def test_what_is_not_offered():
    with pytest.raises(AttributeError, match="no 'normal'; binomial and uniform are what it reproduces bit for bit"):
        RandomStreams(1).normal(size=(2,))
    with pytest.raises(AttributeError, match="no 'nonsense'$"):
        RandomStreams(1).nonsense  # noqa: B018


@pytest.mark.parametrize('p', [-0.1, 1.1, float('nan')])
def test_what_is_no_probability(p):
    with pytest.raises(ValueError, match='p is'):
        RandomStreams(1).binomial(size=(2,), p=p)
    with pytest.raises(ValueError, match='p < 0'):
        RandomStreams(1).binomial(size=(2,), n=2, p=p).eval(mode=PYTHON)


def test_a_draw_has_no_gradient():
    x = pt.dscalar()
    variable = RandomStreams(1).uniform(size=(2,), low=x)
    assert isinstance(variable.owner.op, RandomFunction)
    with pytest.raises(pytensor.gradient.NullTypeGradError, match='no gradient'):
        pt.grad(variable.sum(), x)
