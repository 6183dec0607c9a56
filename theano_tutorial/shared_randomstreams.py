"""Theano's module of this name on PyTensor: symbolic random numbers, the same as Theano's to the last bit.

A RandomStreams has one seed, which makes a numpy RandomState. Each call of a distribution draws randint(2 ** 30) from
it, and that number seeds the RandomState from which the call's own stream of numbers comes.

PyTensor knows numpy's Generator only, so a stream is a shared Generator of MT19937, the bits of RandomState.
"""
import math
import warnings

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import grad_undefined
from pytensor.graph.basic import Apply, Constant
from pytensor.graph.op import Op
from pytensor.graph.traversal import graph_inputs
from pytensor.tensor.basic import infer_static_shape
from pytensor.tensor.random.basic import UniformRV
from pytensor.tensor.random.variable import shared_rng


class RandomStreams:
    """Random variables for graphs, each with a stream of its own.

    seed: whole number from 0 to 2 ** 32 - 1, or None for one from the operating system.

    A stream steps only when its update is among those of the compiled function: `updates()` lists the pairs
    (stream, its next state), and a random variable carries its own as `.update` and the stream as `.rng`.
    """

    def __init__(self, seed=None):
        self.state_updates = []
        self.default_instance_seed = seed
        self.gen_seedgen = np.random.RandomState(seed)

    def binomial(self, size=None, n=1, p=0.5, ndim=None, dtype='int64'):
        """Successes in n trials of probability p, as RandomState.binomial(n, p, size) draws them.

        size: shape of the result: a tuple, a symbolic vector, or None for the shape of n and p together.
        n, p: numbers, arrays or symbolic. ndim: the length of `size` where it can not be known.
        Raises ValueError when n < 0 or p is not in [0, 1]: at once for n = 1 and a number p, else at the draw.
        """
        n, p = pt.as_tensor_variable(n), pt.as_tensor_variable(p)
        size = _shape(size, ndim, n, p)
        if isinstance(n, Constant) and isinstance(p, Constant) and p.ndim == 0 and np.array_equal(n.data, 1):
            return self._stream(lambda rng: _bernoulli(rng, size, float(p.data), dtype))
        return self._stream(lambda rng: RandomFunction('binomial', dtype)(rng, size, n, p))

    def uniform(self, size=None, low=0.0, high=1.0, ndim=None, dtype=None):
        """Numbers from low to high, as RandomState.uniform(low, high, size) draws them.

        size, ndim: as for binomial. low, high: numbers, arrays or symbolic.
        dtype: floatX, or wider where low or high is.
        """
        low, high = pt.as_tensor_variable(low), pt.as_tensor_variable(high)
        if dtype is None:
            dtype = pytensor.scalar.upcast(pytensor.config.floatX, low.dtype, high.dtype)
        size = _shape(size, ndim, low, high)
        return self._stream(lambda rng: RandomFunction('uniform', dtype)(rng, size, low, high))

    def __getattr__(self, name):
        reason = '; binomial and uniform are what it reproduces bit for bit' if name in _NOT_OFFERED else ''
        raise AttributeError(f'RandomStreams has no {name!r}{reason}')

    def _stream(self, draw):
        rng = shared_rng(_generator(np.random.RandomState(self.gen_seedgen.randint(2 ** 30))), borrow=True)
        next_rng, variable = draw(rng)
        variable.rng = rng
        variable.update = (rng, next_rng)
        self.state_updates.append(variable.update)
        return variable

    def updates(self, outputs=None):
        """The pairs (stream, its next state) of all streams, or of those that the variables `outputs` draw from."""
        if outputs is None:
            return list(self.state_updates)
        inputs = set(graph_inputs(outputs))
        return [(rng, next_rng) for rng, next_rng in self.state_updates if rng in inputs]

    def seed(self, seed=None):
        """Start all streams anew from `seed`, or from the seed given at first."""
        seedgen = np.random.RandomState(self.default_instance_seed if seed is None else seed)
        for rng, _ in self.state_updates:
            rng.set_value(_generator(np.random.RandomState(seedgen.randint(2 ** 30))), borrow=True)


_NOT_OFFERED = ('normal', 'random_integers', 'choice', 'poisson', 'permutation', 'multinomial', 'shuffle_row_elements')


def _generator(random_state):
    """A Generator that goes on where the RandomState is."""
    bits = np.random.MT19937(0)
    bits.state = random_state.get_state(legacy=False)
    return np.random.Generator(bits)


def _shape(size, ndim, *parameters):
    """`size` as a symbolic vector of known length."""
    if size is None:
        size = pt.broadcast_arrays(*parameters)[0].shape
    size = pt.cast(pt.atleast_1d(size), 'int64')
    known = size.type.shape[0]
    if ndim is None:
        ndim = pt.get_vector_length(size)
    elif known is not None and known != ndim:
        raise ValueError(f'ndim is {ndim}, but size has {known} dimensions')
    return pt.specify_shape(size, (ndim,))


def _bernoulli(rng, size, p, dtype):
    """binomial with n = 1, whose stream and values are one uniform draw each, compared with a threshold.

    RandomState counts the less likely of the two outcomes, of probability q: it happens when the draw is above
    exp(log(1 - q)), which is 1 - q but for the last bit. (Once in some 2 ** 52 draws rounding makes it draw again.)
    """
    if not 0 <= p <= 1:
        raise ValueError(f'p is {p}; a probability is from 0 to 1')
    next_rng, uniform = Random(dtype='float64')(0.0, 1.0, size=size, rng=rng, return_next_rng=True)
    threshold = math.exp(math.log(1 - min(p, 1 - p)))
    return next_rng, pt.cast(uniform <= threshold if p > 0.5 else uniform > threshold, dtype)


class Random(UniformRV):
    """PyTensor's uniform for the bounds 0 and 1 alone: numpy's `random` takes less than half the time."""

    @classmethod
    def rng_fn(cls, rng, low, high, size):
        return rng.random(size)


class RandomFunction(Op):
    """Numbers drawn by a method of RandomState itself, whatever the backend.

    Generator's methods are not RandomState's (binomial skips the draw where p is 0), and under Numba they are compiled
    anew, with multiply and add fused, so that the last bit of a uniform number differs.
    """

    __props__ = ('method', 'dtype')

    def __init__(self, method, dtype):
        self.method = method
        self.dtype = dtype

    def make_node(self, rng, size, *parameters):
        _, shape = infer_static_shape(size)
        draw = pt.TensorType(self.dtype, shape)
        return Apply(self, [rng, size, *parameters], [rng.type(), draw()])

    def perform(self, node, inputs, outputs):
        rng, size, *parameters = inputs
        random_state = np.random.RandomState(0)
        random_state.set_state(rng.bit_generator.state)
        draw = getattr(random_state, self.method)(*parameters, size=tuple(size))
        outputs[0][0] = _generator(random_state)
        outputs[1][0] = np.asarray(draw, dtype=self.dtype)

    def pullback(self, inputs, outputs, output_grads):
        return [grad_undefined(self, k, variable, 'a random draw has no gradient') for k, variable in enumerate(inputs)]


try:
    from pytensor.link.numba.dispatch.basic import generate_fallback_impl, numba_funcify
except (ImportError, OSError):  # no Numba, or no folder where it could keep compiled code
    pass
else:
    @numba_funcify.register(RandomFunction)
    def numba_funcify_RandomFunction(op, node, **kwargs):
        with warnings.catch_warnings():
            # It warns that perform will be called in Python; that is the purpose here.
            warnings.simplefilter('ignore', UserWarning)
            return generate_fallback_impl(op, node, **kwargs)
