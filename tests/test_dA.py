import contextlib
import copy
import io
import os
import pickle

import numpy as np
import pytensor
import pytest
from PIL import Image

import dA as dA_module
from dA import Autoencoder, DenoisingAutoencoder, filters, train
from theano_tutorial.mini_mnist import write
from theano_tutorial.shared_randomstreams import RandomStreams

MODELS = [Autoencoder, DenoisingAutoencoder]


def build(model, seed=123, **sizes):
    rng = np.random.RandomState(seed)
    return model(rng, RandomStreams(rng.randint(2 ** 30)), **sizes)


def shared(images):
    return pytensor.shared(np.asarray(images, pytensor.config.floatX))


@pytest.fixture
def images(mini_mnist):
    return mini_mnist[0][0][:40].astype('float64')


# Four corruption levels in each of three settings, in float64 and then in float32. Numba compiles each function for
# seconds: there the first setting, the page's, is enough.
RUNS = [pytest.param(k, backend, marks=pytest.mark.slow if backend == 'Numba' and k % 12 >= 4 else ())
        for backend in ('C', 'Numba') for k in range(24)]


@pytest.mark.parametrize('k, backend', RUNS, indirect=['backend'])
def test_costs_of_theano(golden, mini_mnist, k, backend):
    run = golden['costs'][k]
    corruption_level = run['corruption_level']
    with pytensor.config.change_flags(floatX=run['floatX']):
        autoencoder = build(MODELS[corruption_level is not None], run['seed'], n_hidden=run['n_hidden'])
        costs = train(autoencoder, shared(mini_mnist[0][0][:run['images']]), corruption_level or 0.,
                      run['learning_rate'], 3, run['batch_size'])
    if run['floatX'] == 'float64':
        assert ['%f' % cost for cost in costs] == ['%f' % cost for cost in run['costs']]
    else:
        np.testing.assert_allclose(costs, run['costs'], rtol=2e-6)  # sums of 784 numbers of 24 bits


def reconstruction(W, b, b_prime, x):
    y = 1 / (1 + np.exp(-(x @ W + b)))
    return 1 / (1 + np.exp(-(y @ W.T + b_prime)))


@pytest.mark.parametrize('model', MODELS)
def test_gradient_is_that_of_the_equations(model, images):
    x = images[:6]
    autoencoder = build(model, n_hidden=8)
    before = autoencoder.__getstate__()
    # With a learning rate of 1 each step is the gradient.
    cost, updates = autoencoder.get_cost_updates(corruption_level=0.4, learning_rate=1.)
    symbolic_cost = pytensor.function([autoencoder.x], cost, updates=updates)(x)
    steps = [value - param.get_value() for value, param in zip(before, autoencoder.params)]

    mask = 1
    if model is DenoisingAutoencoder:
        seedgen = np.random.RandomState(np.random.RandomState(123).randint(2 ** 30))
        mask = np.random.RandomState(seedgen.randint(2 ** 30)).binomial(1, 1 - 0.4, x.shape)

    def numpy_cost(params):
        z = reconstruction(*params, mask * x)
        return -(x * np.log(z) + (1 - x) * np.log(1 - z)).sum(axis=1).mean()

    np.testing.assert_allclose(symbolic_cost, numpy_cost(before), rtol=1e-12)
    random = np.random.RandomState(0)
    for k, step in enumerate(steps):
        for _ in range(40):
            place = tuple(random.randint(length) for length in step.shape)
            costs = []
            for h in 1e-5, -1e-5:
                moved = [value.copy() for value in before]
                moved[k][place] += h
                costs.append(numpy_cost(moved))
            np.testing.assert_allclose(step[place], (costs[0] - costs[1]) / 2e-5, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('floatX', ['float64', 'float32'])
def test_initial_parameters(floatX):
    with pytensor.config.change_flags(floatX=floatX):
        autoencoder = Autoencoder(np.random.RandomState(5), n_visible=30, n_hidden=20)
    random = np.random.RandomState(5)
    assert autoencoder.theano_rng.default_instance_seed == random.randint(2 ** 30)
    bound = 4 * np.sqrt(6 / 50)
    expected = random.uniform(-bound, bound, (30, 20)), np.zeros(20), np.zeros(30)
    for value, initial in zip(autoencoder.__getstate__(), expected, strict=True):
        np.testing.assert_array_equal(value, initial.astype(floatX), strict=True)
    assert autoencoder.x.dtype == autoencoder.feedforward().dtype == floatX


def test_parameters_of_another_model_are_shared():
    first = build(Autoencoder, n_visible=6, n_hidden=3)
    second = dA_module.dA(None, RandomStreams(1), first.x, 6, 3, first.W, first.b, first.b_prime)
    assert second.params == first.params == [first.W, first.b, first.b_prime] and second.x is first.x
    assert isinstance(second, DenoisingAutoencoder)


def test_each_minibatch_gets_other_noise(images):
    autoencoder = build(DenoisingAutoencoder, n_hidden=3)
    other = autoencoder.theano_rng.uniform(size=(2,))
    cost, updates = autoencoder.get_cost_updates(corruption_level=0.5, learning_rate=0.)
    assert other.update not in updates
    step = pytensor.function([autoencoder.x], cost, updates=updates)
    assert len({float(step(images)) for _ in range(4)}) == 4


@pytest.mark.parametrize('protocol', [None, *range(pickle.HIGHEST_PROTOCOL + 1)])
def test_copies(protocol, images):
    autoencoder = build(DenoisingAutoencoder, n_hidden=4)
    state = autoencoder.__getstate__()
    other = copy.deepcopy(autoencoder) if protocol is None else pickle.loads(pickle.dumps(autoencoder, protocol))
    assert (type(other), other.n_visible, other.n_hidden) == (DenoisingAutoencoder, 784, 4)
    z = other.feedforward().eval({other.x: images}, mode='FAST_COMPILE')
    np.testing.assert_allclose(z, reconstruction(*state, images), rtol=1e-12)
    other.W.set_value(0 * state[0])
    np.testing.assert_array_equal(autoencoder.W.get_value(), state[0])


def test_diverging_training_is_stopped_before_the_hook():
    calls = []
    # The first cost is finite. The step after it makes the parameters infinite.
    with pytest.raises(FloatingPointError, match='^non-finite cost or parameter in epoch 0; try a smaller'):
        train(build(Autoencoder, n_visible=9, n_hidden=3), shared(np.ones((4, 9))), 0., np.inf, batch_size=4,
              hook=lambda *arguments: calls.append(arguments))
    assert len(calls) == 1


def test_progress_bar_on_a_terminal_only(images, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stderr in io.StringIO(), Terminal():
        with contextlib.redirect_stderr(stderr):
            costs = train(build(Autoencoder, n_hidden=3), shared(images), 0., training_epochs=11)
        *lines, seconds = capsys.readouterr().out.splitlines()
        assert lines == ['... compiling Autoencoder', 'Training epoch 0, cost %f' % costs[0],
                         'Training epoch 10, cost %f' % costs[10]]
        assert seconds.startswith('time: ') and len(costs) == 11
        assert ('/11 [' in stderr.getvalue()) is stderr.isatty()


def test_main_uses_every_option(tmp_path, images, capsys):
    x = images.reshape(40, 28, 28)[:, 12:16, 12:16].reshape(40, 16)
    write([(x, np.zeros(40, np.int64))] * 3, tmp_path / 'data.gz')
    dA_module.main(dataset=tmp_path / 'data.gz', epochs=1, batch_size=7, learning_rate=0.3, n_hidden=12, corruption=0.5,
                   seed=9, output_dir=tmp_path)
    out = capsys.readouterr().out
    for model, corruption_level, name in zip(MODELS, (0., 0.5), ('no_corruption', 'corruption_50')):
        rng = np.random.RandomState(9)
        theano_rng = RandomStreams(rng.randint(2 ** 30))
        if model is DenoisingAutoencoder:
            assert str(theano_rng.binomial(size=(10, 10), n=1, p=0.5, dtype='float64').eval()) in out
        autoencoder = model(rng, theano_rng, n_visible=16, n_hidden=12)
        assert 'Training epoch 0, cost %f\n' % train(autoencoder, shared(x), corruption_level, 0.3, 1, 7)[0] in out
        with Image.open(tmp_path / f'filters_{name}.png') as image:
            assert image.size == (10 * 5 - 1, 2 * 5 - 1)
            np.testing.assert_array_equal(image, filters(autoencoder))
    assert len(os.listdir(tmp_path)) == 3
