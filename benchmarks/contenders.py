"""One implementation of the training, timed in a process of its own.

    python -m benchmarks.contenders NAME DTYPE CORRUPTION [N_HIDDEN BATCH N_IMAGES]

Each implementation is a function of (images, W, corruption) that returns `epoch`, which trains for one epoch, of 250
minibatches of 20 as on the page or of the given sizes, and returns the mean cost. All start from the page's weights, or
from such weights of another size. For each line on standard input this program runs one epoch and answers with a line:
seconds, cost.
"""
import math
import os
import sys
import timeit
from functools import partial

import numpy as np

N_VISIBLE, N_HIDDEN, BATCH, RATE = 784, 100, 20, 0.1
ALL_CORES = os.cpu_count()


def pytensor_c(images, W, corruption, run=None):
    """This project on PyTensor's C backend, as the scripts use it where they can."""
    from theano_tutorial.compute import backend
    if not backend.use_fastest().startswith('in C with '):
        raise RuntimeError('no C compiler, or no BLAS for C')
    return (run or _ours)(images, corruption)


def pytensor_numba(images, W, corruption):
    """This project on PyTensor's Numba backend, as the scripts use it elsewhere."""
    return _ours(images, corruption)


def _ours(images, corruption):
    import pytensor

    from dA import Autoencoder, DenoisingAutoencoder, training_function
    from theano_tutorial.shared_randomstreams import RandomStreams
    pytensor.config.floatX = str(images.dtype)
    numpy_rng = np.random.RandomState(123)
    theano_rng = RandomStreams(numpy_rng.randint(2 ** 30))
    model = DenoisingAutoencoder if corruption else Autoencoder
    autoencoder = model(numpy_rng, theano_rng, n_visible=N_VISIBLE, n_hidden=N_HIDDEN)
    step = training_function(autoencoder, pytensor.shared(images), corruption, RATE, BATCH)
    return lambda: np.mean([step(i) for i in map(np.asarray, range(len(images) // BATCH))])  # as in dA.py


def five_gemms_numpy(images, W, corruption):
    """A lower bound: the five matrix products of a step and nothing else. It trains nothing, its cost means nothing."""
    rest = np.zeros((BATCH, N_HIDDEN), W.dtype), np.zeros((BATCH, N_VISIBLE), W.dtype), np.zeros_like(W)
    W_T = W.T

    def step(x):
        hidden, visible, gradient = rest
        np.dot(x, W, out=hidden)
        np.dot(hidden, W_T, out=visible)
        np.dot(visible, W, out=hidden)
        np.dot(x.T, hidden, out=gradient)
        np.dot(visible.T, hidden, out=gradient)
        return 0.

    return lambda: np.mean([step(images[i:i + BATCH]) for i in range(0, len(images), BATCH)])


def five_gemms_c(images, W, corruption):
    """The same as a compiled function of PyTensor."""
    return pytensor_c(images, W, corruption, _five_gemms)


def _five_gemms(images, corruption):
    import pytensor
    import pytensor.tensor as pt
    data, W = pytensor.shared(images), pytensor.shared(np.zeros((N_VISIBLE, N_HIDDEN), images.dtype))
    index = pt.lscalar('index')
    x = data[index * BATCH: (index + 1) * BATCH]
    hidden = x @ W
    visible = hidden @ W.T
    gradient = x.T @ (visible @ W) + visible.T @ hidden
    step = pytensor.function([index], [], updates=[(W, W - np.asarray(0.1, images.dtype) * gradient)])
    return lambda: [step(i) for i in map(np.asarray, range(len(images) // BATCH))] and 0.


def by_hand(images, W, corruption):
    """Five matrix products, one fused pass of scalar exp and log1p, and the update, compiled by Numba."""
    import numba
    b, b_prime = np.zeros(N_HIDDEN, W.dtype), np.zeros(N_VISIBLE, W.dtype)
    bits = np.random.Generator(np.random.MT19937(1))
    W = W.copy()
    one = W.dtype.type(1)
    rate = W.dtype.type(RATE)
    kept = 1 - corruption

    @numba.njit(fastmath=True)
    def step(x, W, b, b_prime, uniform, kept):
        tilde_x = x
        if kept < 1:
            tilde_x = np.empty_like(x)
            for i in range(x.shape[0]):
                for k in range(x.shape[1]):
                    tilde_x[i, k] = x[i, k] if uniform[i, k] <= kept else 0
        y = np.dot(tilde_x, W)
        for i in range(y.shape[0]):
            for j in range(y.shape[1]):
                y[i, j] = one / (one + np.exp(-(y[i, j] + b[j])))
        delta = np.dot(y, W.T)
        cost = 0.
        for i in range(x.shape[0]):
            for k in range(x.shape[1]):
                a = delta[i, k] + b_prime[k]
                e = np.exp(-abs(a))
                cost += max(a, 0 * a) + np.log1p(e) - x[i, k] * a
                delta[i, k] = ((one if a >= 0 else e) / (one + e) - x[i, k]) / x.shape[0]
        delta_y = np.dot(delta, W)
        for i in range(y.shape[0]):
            for j in range(y.shape[1]):
                delta_y[i, j] *= y[i, j] * (one - y[i, j])
        first, second = np.dot(tilde_x.T, delta_y), np.dot(delta.T, y)
        for k in range(W.shape[0]):
            for j in range(W.shape[1]):
                W[k, j] -= rate * (first[k, j] + second[k, j])
        for j in range(b.shape[0]):
            b[j] -= rate * delta_y[:, j].sum()
        for k in range(b_prime.shape[0]):
            b_prime[k] -= rate * delta[:, k].sum()
        return cost / x.shape[0]

    nothing = np.zeros((0, 0))
    step(images[:BATCH], W.copy(), b.copy(), b_prime.copy(), bits.random((BATCH, N_VISIBLE)), kept)
    return lambda: np.mean([
        step(images[i:i + BATCH], W, b, b_prime, bits.random((BATCH, N_VISIBLE)) if corruption else nothing, kept)
        for i in range(0, len(images), BATCH)])


def numpy_alone(images, W, corruption):
    """The formulas in NumPy."""
    W, b, b_prime = W.copy(), np.zeros(N_HIDDEN, W.dtype), np.zeros(N_VISIBLE, W.dtype)
    random = np.random.RandomState(1)
    rate = W.dtype.type(RATE)

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def step(x):
        tilde_x = x * (random.uniform(size=x.shape) <= 1 - corruption) if corruption else x
        y = sigmoid(tilde_x @ W + b)
        a = y @ W.T + b_prime
        cost = (np.maximum(a, 0) + np.log1p(np.exp(-abs(a))) - x * a).sum(axis=1).mean()
        delta = (sigmoid(a) - x) / W.dtype.type(len(x))
        delta_y = delta @ W * y * (1 - y)
        W[...] -= rate * (tilde_x.T @ delta_y + delta.T @ y)
        b[...] -= rate * delta_y.sum(axis=0)
        b_prime[...] -= rate * delta.sum(axis=0)
        return cost

    return lambda: np.mean([step(images[i:i + BATCH]) for i in range(0, len(images), BATCH)])


def pytorch(images, W, corruption, threads=1):
    """PyTorch, eager."""
    import torch
    torch.set_num_threads(threads)
    data = torch.from_numpy(images)
    params = W, b, b_prime = [torch.tensor(array, requires_grad=True) for array in (
        W, np.zeros(N_HIDDEN, W.dtype), np.zeros(N_VISIBLE, W.dtype))]

    def step(x):
        tilde_x = x * torch.bernoulli(torch.full_like(x, 1 - corruption)) if corruption else x
        a = torch.sigmoid(tilde_x @ W + b) @ W.T + b_prime
        cost = torch.nn.functional.binary_cross_entropy_with_logits(a, x, reduction='sum') / len(x)
        gradients = torch.autograd.grad(cost, params)
        with torch.no_grad():
            for param, gradient in zip(params, gradients):
                param -= RATE * gradient
        return cost.item()

    return lambda: np.mean([step(data[i:i + BATCH]) for i in range(0, len(images), BATCH)])


def jax_step(images, W, corruption, threads=1):
    """JAX, one jitted call a step."""
    jax, data, state, step = _jax(images, W, corruption, threads)
    step = jax.jit(step, donate_argnums=0)

    def epoch():
        nonlocal state
        costs = []
        for i in range(len(images) // BATCH):
            state, cost = step(state, i)
            costs.append(float(cost))
        return np.mean(costs)

    return epoch


def jax_scan(images, W, corruption, threads=1):
    """JAX, a whole epoch fused in lax.scan."""
    jax, data, state, step = _jax(images, W, corruption, threads)
    run = jax.jit(lambda state: jax.lax.scan(step, state, jax.numpy.arange(len(images) // BATCH)), donate_argnums=0)

    def epoch():
        nonlocal state
        state, costs = run(state)
        return np.mean(np.asarray(costs))

    return epoch


def _jax(images, W, corruption, threads):
    os.sched_setaffinity(0, range(threads))  # XLA takes as many threads as there are processors
    import jax
    import jax.numpy as jnp
    jax.config.update('jax_enable_x64', images.dtype == np.float64)
    data = jnp.asarray(images)
    zeros = [jnp.zeros(n, W.dtype) for n in (N_HIDDEN, N_VISIBLE)]

    def cost_of(params, x, tilde_x):
        W, b, b_prime = params
        a = jax.nn.sigmoid(tilde_x @ W + b) @ W.T + b_prime
        return (jax.nn.softplus(a) - x * a).sum(axis=1).mean()

    def step(state, i):
        params, key = state
        x = jax.lax.dynamic_slice_in_dim(data, i * BATCH, BATCH)
        tilde_x = x
        if corruption:
            key, own = jax.random.split(key)
            tilde_x = x * jax.random.bernoulli(own, 1 - corruption, x.shape)
        cost, gradients = jax.value_and_grad(cost_of)(params, x, tilde_x)
        params = jax.tree.map(lambda param, gradient: param - RATE * gradient, params, gradients)
        return (params, key), cost

    return jax, data, ((jnp.asarray(W), *zeros), jax.random.key(1)), step


CONTENDERS = {
    'ours, C': pytensor_c,
    'ours, C, all cores': pytensor_c,
    'ours, Numba': pytensor_numba,
    'five GEMMs, C': five_gemms_c,
    'five GEMMs, NumPy': five_gemms_numpy,
    'Numba, by hand': by_hand,
    'NumPy': numpy_alone,
    'PyTorch': pytorch,
    'PyTorch, all cores': partial(pytorch, threads=ALL_CORES),
    'JAX, one call per step': jax_step,
    'JAX, one call per step, all cores': partial(jax_step, threads=ALL_CORES),
    'JAX, lax.scan': jax_scan,
    'JAX, lax.scan, all cores': partial(jax_scan, threads=ALL_CORES),
}


def main():
    from theano_tutorial.files import datasets
    global N_HIDDEN, BATCH
    name, dtype, corruption, *sizes = sys.argv[1:]
    images = np.array(datasets.load('mini_mnist.pkl.gz')[0][0], dtype)
    if sizes:
        N_HIDDEN, BATCH, n_images = map(int, sizes)
        images = np.resize(images, (n_images, N_VISIBLE))  # the same again and again
    numpy_rng = np.random.RandomState(123)
    numpy_rng.randint(2 ** 30)
    bound = 4 * math.sqrt(6. / (N_HIDDEN + N_VISIBLE))
    W = numpy_rng.uniform(-bound, bound, (N_VISIBLE, N_HIDDEN)).astype(dtype)
    epoch = CONTENDERS[name](images, W, float(corruption))
    for _ in sys.stdin:
        start = timeit.default_timer()
        cost = epoch()
        print(timeit.default_timer() - start, cost, flush=True)


if __name__ == '__main__':
    main()
