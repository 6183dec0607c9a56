import copy
import pickle
import subprocess
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from backends import BACKENDS, backend_modes

import dA as dA_module
from checkpoints import Checkpoint
from dA import Autoencoder, DenoisingAutoencoder, tiles, train
from mnist_files import find, read_pickle
from shared_randomstreams import RandomStreams


@pytest.fixture(scope='module')
def images():
    return read_pickle(find('mini_mnist.pkl.gz'))[0][0]


def build(model, seed=123, **sizes):
    numpy_rng = np.random.RandomState(seed)
    return model(numpy_rng, RandomStreams(numpy_rng.randint(2 ** 30)), **sizes)


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('run', range(24))
def test_costs_of_genuine_theano(golden, images, run, backend):
    run = golden['costs'][run]
    with backend_modes(backend), pytensor.config.change_flags(floatX=run['floatX']):
        x = pytensor.shared(np.asarray(images[:run['images']], dtype=pytensor.config.floatX))
        model = Autoencoder if run['corruption_level'] is None else DenoisingAutoencoder
        autoencoder = build(model, run['seed'], n_visible=784, n_hidden=run['n_hidden'])
        costs, _ = train(autoencoder, x, run['corruption_level'] or 0., run['learning_rate'], 3, run['batch_size'])
    if run['floatX'] == 'float64':
        assert ['%f' % cost for cost in costs] == ['%f' % cost for cost in run['costs']]
    else:
        # Sums of 784 numbers that have 24 bits each.
        np.testing.assert_allclose(costs, run['costs'], rtol=2e-6)


def test_printed_lines(images, capsys):
    x = pytensor.shared(np.asarray(images[:40], dtype='float64'))
    costs, seconds = train(build(Autoencoder, n_hidden=5), x, 0., training_epochs=5, print_every=2)
    out, err = capsys.readouterr()
    assert out == ''.join('Training epoch %d, cost %f\n' % (e, costs[e]) for e in (0, 2, 4)) + 'time: %ds\n' % seconds
    assert err == '... compiling Autoencoder\n'
    assert len(costs) == 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_cost(W, b, b_prime, x, mask):
    z = sigmoid(sigmoid((mask * x) @ W + b) @ W.T + b_prime)
    return -(x * np.log(z) + (1 - x) * np.log(1 - z)).sum(axis=1).mean()


@pytest.mark.parametrize('model', [Autoencoder, DenoisingAutoencoder])
def test_gradient_is_that_of_the_formula(model, images):
    x = np.float64(images[:6])
    autoencoder = build(model, n_hidden=8)
    # A learning rate of 1 makes each step the gradient itself.
    cost, updates = autoencoder.get_cost_updates(corruption_level=0.4, learning_rate=1.)
    params = [param.get_value() for param in autoencoder.params]
    given_cost = pytensor.function([autoencoder.x], cost, updates=updates)(x)
    steps = [before - param.get_value() for before, param in zip(params, autoencoder.params)]

    mask = 1
    if model is DenoisingAutoencoder:
        seedgen = np.random.RandomState(np.random.RandomState(123).randint(2 ** 30))
        mask = np.random.RandomState(seedgen.randint(2 ** 30)).binomial(1, 1 - 0.4, x.shape)
    np.testing.assert_allclose(given_cost, numpy_cost(*params, x, mask), rtol=1e-12)

    random = np.random.RandomState(0)
    for k, step in enumerate(steps):
        for _ in range(40):
            place = tuple(random.randint(length) for length in step.shape)
            moved = []
            for h in (1e-5, -1e-5):
                others = [param.copy() for param in params]
                others[k][place] += h
                moved.append(numpy_cost(*others, x, mask))
            np.testing.assert_allclose(step[place], (moved[0] - moved[1]) / 2e-5, rtol=1e-5, atol=1e-7)


def test_weights_are_tied(images):
    x = pytensor.shared(np.asarray(images[:100], dtype='float64'))
    autoencoder = build(Autoencoder, n_hidden=7)
    assert autoencoder.params == [autoencoder.W, autoencoder.b, autoencoder.b_prime]
    train(autoencoder, x, 0., training_epochs=2)
    W, b, b_prime = (param.get_value() for param in autoencoder.params)
    np.testing.assert_array_equal(autoencoder.W_prime.eval(), W.T)
    z = pytensor.function([autoencoder.x], autoencoder.feedforward())(images[:3])
    np.testing.assert_allclose(z, sigmoid(sigmoid(images[:3] @ W + b) @ W.T + b_prime), rtol=1e-6)


def test_first_parameters():
    autoencoder = build(Autoencoder, n_visible=30, n_hidden=20)
    random = np.random.RandomState(123)
    random.randint(2 ** 30)
    bound = 4 * np.sqrt(6 / 50)
    np.testing.assert_array_equal(autoencoder.W.get_value(), random.uniform(-bound, bound, (30, 20)))
    np.testing.assert_array_equal(autoencoder.b.get_value(), np.zeros(20))
    np.testing.assert_array_equal(autoencoder.b_prime.get_value(), np.zeros(30))


def test_a_seed_is_drawn_where_no_stream_is_given():
    numpy_rng = np.random.RandomState(5)
    autoencoder = Autoencoder(numpy_rng, n_visible=4, n_hidden=2)
    assert autoencoder.theano_rng.default_instance_seed == np.random.RandomState(5).randint(2 ** 30)


def test_given_parameters_are_shared():
    first = build(Autoencoder, n_visible=6, n_hidden=3)
    second = DenoisingAutoencoder(None, RandomStreams(1), first.x, 6, 3, first.W, first.b, first.b_prime)
    assert second.params == first.params and second.x is first.x


def test_corruption(images):
    x = np.float64(images[:50])
    autoencoder = build(DenoisingAutoencoder)
    corrupted = autoencoder.get_corrupted_input(autoencoder.x, 0.3).eval({autoencoder.x: x})
    kept = corrupted[x > 0] != 0
    np.testing.assert_array_equal(corrupted[x > 0], kept * x[x > 0])
    assert abs(kept.mean() - 0.7) < 5 * np.sqrt(0.3 * 0.7 / kept.size)
    assert build(Autoencoder).get_corrupted_input(autoencoder.x, 0.3) is autoencoder.x


def test_the_noise_steps_with_each_call_and_alone(images):
    autoencoder = build(DenoisingAutoencoder, n_hidden=3)
    other = autoencoder.theano_rng.uniform(size=(2,))
    cost, updates = autoencoder.get_cost_updates(corruption_level=0.5, learning_rate=0.)
    assert other.update not in updates and len(updates) == 4
    step = pytensor.function([autoencoder.x], cost, updates=updates)
    assert len({float(step(images[:5])) for _ in range(4)}) == 4
    assert len(build(Autoencoder).get_cost_updates(0.5, 0.1)[1]) == 3


@pytest.mark.parametrize('model', [Autoencoder, DenoisingAutoencoder])
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_into_another_process(model, protocol, images, tmp_path):
    autoencoder = build(model, n_hidden=4)
    (tmp_path / 'model').write_bytes(pickle.dumps(autoencoder, protocol))
    np.save(tmp_path / 'x.npy', np.float64(images[:3]))
    program = '''
import pickle, sys
import numpy as np
import pytensor
with open('model', 'rb') as file:
    model = pickle.load(file)
z = pytensor.function([model.x], model.feedforward())(np.load('x.npy'))
np.savez('out.npz', z=z, sizes=[model.n_visible, model.n_hidden])
print(type(model).__name__, *[param.name for param in model.params])
'''
    run = subprocess.run([sys.executable, '-c', program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == f'{model.__name__} W b b_prime\n'
    with np.load(tmp_path / 'out.npz') as out:
        z = pytensor.function([autoencoder.x], autoencoder.feedforward())(images[:3])
        np.testing.assert_array_equal(out['z'], z)
        assert out['sizes'].tolist() == [784, 4]


def test_a_copy_trains_on_its_own(images):
    autoencoder = build(DenoisingAutoencoder, n_hidden=4)
    other = copy.deepcopy(autoencoder)
    before = autoencoder.__getstate__()
    train(other, pytensor.shared(np.float64(images[:40])), 0.3, training_epochs=1)
    for value, kept, moved in zip(before, autoencoder.__getstate__(), other.__getstate__()):
        np.testing.assert_array_equal(kept, value)
        assert (moved != value).any()


def test_state_set_into_a_living_model():
    autoencoder, other = build(Autoencoder, 1, n_hidden=4), build(Autoencoder, 2, n_hidden=4)
    variables = list(autoencoder.params)
    autoencoder.__setstate__(other.__getstate__())
    assert autoencoder.params == variables
    for value, expected in zip(autoencoder.__getstate__(), other.__getstate__()):
        np.testing.assert_array_equal(value, expected)


def test_a_state_of_another_size():
    autoencoder, other = build(Autoencoder, 1, n_hidden=4), build(Autoencoder, 2, n_hidden=5)
    with pytest.raises(ValueError, match=r'the state has shapes \[\(784, 5\)'):
        autoencoder.__setstate__(other.__getstate__())


def test_a_batch_larger_than_the_data():
    with pytest.raises(ValueError, match='a batch of 3 is larger than the training set'):
        train(build(Autoencoder), pytensor.shared(np.zeros((2, 784))), 0., batch_size=3)


def test_numbers_that_are_not_finite_stop_training(tmp_path):
    # The first cost is finite: it is the step that spoils the bias, and that stops it.
    autoencoder = build(Autoencoder, n_hidden=3)
    images = pytensor.shared(np.ones((4, 784)))
    checkpoint = Checkpoint(tmp_path / 'file', {})
    train(autoencoder, images, 0., learning_rate=0.1, training_epochs=1, batch_size=4, checkpoint=checkpoint)
    content = (tmp_path / 'file').read_bytes()
    with pytest.raises(FloatingPointError, match='^epoch 1 gave numbers that are not finite; try a smaller'):
        train(autoencoder, images, 0., learning_rate=np.inf, training_epochs=3, batch_size=4, checkpoint=checkpoint)
    assert (tmp_path / 'file').read_bytes() == content


def test_tiles_of_any_number():
    assert np.asarray(tiles(np.zeros((23, 16)))).shape == (3 * 5 - 1, 10 * 5 - 1)


def test_the_tutorials_name():
    assert dA_module.dA is DenoisingAutoencoder


def test_input_follows_floatX():
    with pytensor.config.change_flags(floatX='float32'):
        autoencoder = build(Autoencoder, n_visible=6, n_hidden=3)
        assert autoencoder.x.dtype == autoencoder.feedforward().dtype == 'float32'
    assert build(Autoencoder, n_visible=6, n_hidden=3).x.type == pt.dmatrix
