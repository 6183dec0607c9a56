"""Theano's module of this name on PyTensor: symbolic random numbers, the same as Theano's to the last bit.

A RandomStreams has one seed, from which it makes a numpy RandomState. Each call of a distribution draws
randint(2 ** 30) from that, to seed the RandomState that the random variable draws from: its stream. numpy guarantees
that the numbers of a RandomState never change.

PyTensor's own random variables draw from numpy's newer Generator, hence the types and the Op of this module.
"""
import contextlib
import copy

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile import optdb
from pytensor.compile.sharedvalue import SharedVariable, shared_constructor
from pytensor.gradient import grad_undefined
from pytensor.graph.basic import Apply, Constant
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import GraphRewriter, in2out, node_rewriter
from pytensor.graph.traversal import graph_inputs
from pytensor.scan.op import Scan
from pytensor.tensor.basic import infer_static_shape
from pytensor.tensor.exceptions import ShapeError
from pytensor.tensor.random.type import RandomType

from theano_tutorial.compute.jit import for_numba
from theano_tutorial.compute.mersenne_twister import bernoulli


class RandomStateType(RandomType):
    """The type of a symbolic numpy.random.RandomState."""

    def filter(self, data, strict=False, allow_downcast=None):
        if not isinstance(data, np.random.RandomState) or not isinstance(data._bit_generator, np.random.MT19937):
            raise TypeError(f'the state of a stream must be a numpy.random.RandomState, not {data!r:.80}')
        return data

    @staticmethod
    def values_eq(a, b):
        return all(np.array_equal(x, y) for x, y in zip(a.get_state(), b.get_state()))

    @staticmethod
    def may_share_memory(a, b):
        # DebugMode compares with arrays, too.
        return isinstance(a, np.random.RandomState) and isinstance(b, np.random.RandomState) and (
            a._bit_generator is b._bit_generator)

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))

    def __repr__(self):
        return 'RandomStateType'


class RandomStateSharedVariable(SharedVariable):
    """The state of a stream: get_value() gives a RandomState, set_value() takes one."""

    default_update = None  # a plain attribute: PyTensor's property of this name warns that it is deprecated


@shared_constructor.register(np.random.RandomState)
def shared_random_state(value, name=None, strict=False, allow_downcast=None, borrow=False):
    """pytensor.shared(RandomState), as in Theano; a copy unless `borrow`."""
    return RandomStateSharedVariable(RandomStateType(), value if borrow else copy.deepcopy(value), strict, name=name)


def _random_integers(rng, low, high, size):
    # RandomState.random_integers(low, high), which is deprecated.
    return rng.randint(low, np.add(high, 1), size, dtype=np.int64)


def _choice(rng, a, replace, p, size):
    return rng.choice(a if a.ndim else int(a), size, bool(replace), p if p.size else None)


def _permutation(rng, n, size):
    draws = [rng.permutation(int(n)) for _ in range(int(np.prod(size or ())))]
    return np.array(draws, np.int64).reshape(*(size or ()), int(n))


def _multinomial(rng, n, pvals, size):
    # One draw after the other, as Theano did, and with its allowance for probabilities whose sum was rounded.
    shape = np.broadcast_shapes(n.shape, pvals.shape[:-1]) if size is None else size
    n, pvals = np.broadcast_to(n, shape), np.broadcast_to(pvals, (*shape, pvals.shape[-1]))
    out = np.empty(pvals.shape, np.int64)
    for place in np.ndindex(*shape):
        p = pvals[place]
        if 1. < p.sum() < 1. + 1e-5 or p[-1] < 5e-5:
            p = p * (1. - 5e-5)
        out[place] = rng.multinomial(n[place], p.astype(np.float64))
    return out


_METHODS: dict = {'random_integers': _random_integers, 'choice': _choice, 'permutation': _permutation,
            'multinomial': _multinomial}


class RandomFunction(Op):
    """(next state, draw) = RandomFunction(state, size, *parameters): a method of RandomState.

    method : its name
    dtype : of the draw
    ndim : the length of `size`
    ndim_added : number of dimensions of the draw after those of `size`, 1 for permutation and multinomial
    inplace : whether the state itself is advanced, or a copy

    An empty `size` stands for None, the size of the parameters.
    """

    __props__ = ('method', 'dtype', 'ndim', 'ndim_added', 'inplace')

    def __init__(self, method, dtype, ndim, ndim_added=0, inplace=False):
        self.method = method
        self.dtype = dtype
        self.ndim = ndim
        self.ndim_added = ndim_added
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def make_node(self, rng, size, *parameters):
        size = pt.as_tensor_variable(size, ndim=1, dtype=None)
        shape = (None,) * self.ndim if pt.get_vector_length(size) == 0 else infer_static_shape(size)[1]
        return Apply(self, [rng, size, *map(pt.as_tensor_variable, parameters)],
                     [rng.type(), pt.TensorType(self.dtype, (*shape, *(None,) * self.ndim_added))()])

    def infer_shape(self, *args):
        node, _ = args[-2:]  # PyTensor before 3.3 passes the graph first
        size = node.inputs[1]
        if self.ndim_added or pt.get_vector_length(size) == 0:
            raise ShapeError('the shape depends on the parameters')
        return [None, tuple(size[i] for i in range(self.ndim))]

    def perform(self, node, inputs, outputs):
        rng, size, *parameters = inputs
        if not self.inplace:
            rng = copy.deepcopy(rng)  # copy.copy would share the bit generator
        size = tuple(size.tolist()) or None
        if self.method == 'binomial' and size and not any(p.ndim for p in parameters) and parameters[0] == 1:
            draw = bernoulli(rng, float(parameters[1]), size, self.dtype)
        elif method := _METHODS.get(self.method):
            draw = method(rng, *parameters, size)
        else:
            draw = getattr(rng, self.method)(*parameters, size)
        draw = np.asarray(draw, dtype=self.dtype)
        outputs[0][0] = rng
        outputs[1][0] = draw.reshape((1,) * (self.ndim + self.ndim_added - draw.ndim) + draw.shape)

    def pullback(self, inputs, outputs, output_grads):
        return [grad_undefined(self, k, variable, 'a random draw has no gradient') for k, variable in enumerate(inputs)]


@node_rewriter([RandomFunction], inplace=True)
def random_function_inplace(fgraph, node):
    if not node.op.inplace:
        return type(node.op)(**(node.op._props_dict() | {'inplace': True})).make_node(*node.inputs).outputs


optdb.register('random_function_inplace', in2out(random_function_inplace, ignore_newtrees=True), 'fast_run', 'inplace',
               position=50.9)


class RandomVariableOutsideScan(AssertionError):  # PyTensor only warns of other exceptions in a rewrite
    """A step of scan uses a random variable that was made outside: it would be the same number at every step."""


class CheckRandomVariablesInScan(GraphRewriter):
    """Raise RandomVariableOutsideScan for streams that a step of scan draws from and does not advance."""

    def apply(self, fgraph):
        for node in fgraph.apply_nodes:
            if isinstance(node.op, Scan):
                constant = set(node.op.inner_non_seqs(node.op.fgraph.inputs))
                for inner in node.op.fgraph.apply_nodes:
                    if isinstance(inner.op, RandomFunction) and inner.inputs[0] in constant:
                        raise RandomVariableOutsideScan(
                            f'a step of scan uses a random variable ({inner.op.method}) that was made outside of it, '
                            'so that it would be the same at every step: make it in the function of the step, or, if '
                            'it is meant to be the same, pass it in non_sequences')
                self.apply(node.op.fgraph)


optdb.register('check_random_variables_in_scan', CheckRandomVariablesInScan(), 'fast_run', 'fast_compile', position=-1)


def _draw(rng, method, size, ndim, dtype, *parameters, ndim_added=0):
    """The next state and the draw, with `size` and `ndim` as Theano's distributions take them."""
    parameters = tuple(map(pt.as_tensor_variable, parameters))
    # What a parameter contributes to `size`: for multinomial all but the last dimension of pvals, for others nothing.
    shapes: list = [] if method in ('choice', 'permutation') else [tuple(p.shape) for p in parameters]
    if method == 'multinomial':
        shapes[-1] = shapes[-1][:-1]
    needed = max(map(len, shapes), default=0)
    if size is None:
        if ndim not in (None, needed):
            raise ValueError(f'ndim is {ndim}, but the parameters have {needed} dimensions')
        return RandomFunction(method, dtype, needed, ndim_added)(rng, np.zeros(0, np.int64), *parameters)
    if isinstance(size, tuple | list):
        lengths = [_length(length, len(size) - i, shapes) for i, length in enumerate(size)]
        known = len(lengths)
        size = pt.stack([pt.cast(length, 'int64') for length in lengths]) if lengths else np.zeros(0, np.int64)
    else:
        size = pt.cast(pt.atleast_1d(size), 'int64')
        known = size.type.shape[0]
    if ndim is None:
        ndim = pt.get_vector_length(size) if known is None else known
    if known is not None and known != ndim:
        raise ValueError(f'ndim is {ndim}, but size has length {known}')
    if ndim < needed:
        raise ValueError(f'size has length {ndim}, but the parameters have {needed} dimensions')
    if known is None:
        size = pt.specify_shape(size, (ndim,))
    return RandomFunction(method, dtype, ndim, ndim_added)(rng, size, *parameters)


def _length(length, from_end, shapes):
    """An entry of `size`; -1 stands for the length that the parameters have in that dimension."""
    if isinstance(length, pytensor.graph.basic.Variable):
        return length
    if length >= 0:
        return int(length)
    candidates = [shape[-from_end] for shape in shapes if len(shape) >= from_end]
    if length != -1 or not candidates:
        raise ValueError(f'{length} in size: a length is 0 or more, or -1 for that of a parameter in this dimension')
    return pt.broadcast_shape(*[(candidate,) for candidate in candidates], arrays_are_shapes=True)[0]


class RandomStreams:
    """Symbolic random variables, each with a stream of its own.

    seed : integer from 0 to 2 ** 32 - 1, or None for a seed from the operating system

    A compiled function advances the streams that it draws from, as in Theano: `update` of a random variable, the pair
    (state, next state), is the default update of its `rng`. `updates` given to pytensor.function take precedence.

    size : of a draw; a tuple of integers and symbolic integers (-1: the length of a parameter in that dimension), a
        symbolic vector, or None for the shape of the parameters
    ndim : the length of `size` where it cannot be inferred
    dtype : of the draw

    The parameters are numbers, arrays or symbolic, and broadcast together. An invalid n, p, std or lam that
    is a number raises ValueError when the variable is made. Other invalid parameters raise it when the variable is
    drawn, if numpy rejects them.
    """

    def __init__(self, seed=None):
        self.state_updates = []
        self.default_instance_seed = seed
        self.gen_seedgen = np.random.RandomState(seed)

    def binomial(self, size=None, n=1, p=0.5, ndim=None, dtype='int64', prob=None):
        """Number of successes in n trials of probability p; prob is an old name of p."""
        p = p if prob is None else prob
        _check('n', n, lambda n: n >= 0, 'at least 0')
        _check('p', p, lambda p: (p >= 0) & (p <= 1), 'in [0, 1]')
        return self.gen(_draw, 'binomial', size, ndim, dtype, n, p)

    def uniform(self, size=None, low=0.0, high=1.0, ndim=None, dtype=None):
        """Uniform in [low, high). dtype : floatX, or that of low and high if it is wider"""
        return self.gen(_draw, 'uniform', size, ndim, dtype or _upcast(low, high), low, high)

    def normal(self, size=None, avg=0.0, std=1.0, ndim=None, dtype=None):
        """Normal with mean avg and standard deviation std. dtype : floatX, or that of avg and std if it is wider"""
        _check('std', std, lambda std: std >= 0, 'at least 0')
        return self.gen(_draw, 'normal', size, ndim, dtype or _upcast(avg, std), avg, std)

    def random_integers(self, size=None, low=0, high=1, ndim=None, dtype='int64'):
        """Integers from low to high, both included."""
        return self.gen(_draw, 'random_integers', size, ndim, dtype, low, high)

    def choice(self, size=None, a=2, replace=True, p=None, ndim=None, dtype='int64'):
        """Elements of the vector a, or of range(a), with probabilities p (None: equal), with or without replacement."""
        replace = np.int8(replace) if isinstance(replace, bool) else replace
        return self.gen(_draw, 'choice', size, ndim, dtype, a, replace, np.zeros(0) if p is None else p)

    def poisson(self, size=None, lam=1.0, ndim=None, dtype='int64'):
        """Poisson with mean lam."""
        _check('lam', lam, lambda lam: lam >= 0, 'at least 0')
        return self.gen(_draw, 'poisson', size, ndim, dtype, lam)

    def permutation(self, size=None, n=1, ndim=None, dtype='int64'):
        """Permutations of range(n): (*size, n), or (n,) if size is None."""
        return self.gen(_draw, 'permutation', () if size is None else size, ndim, dtype, n, ndim_added=1)

    def multinomial(self, size=None, n=1, pvals=(0.5, 0.5), ndim=None, dtype='int64'):
        """Counts of n trials with probabilities pvals, (..., k): (*size, k)."""
        return self.gen(_draw, 'multinomial', size, ndim, dtype, n, pvals, ndim_added=1)

    def shuffle_row_elements(self, input):
        """The input with the elements of each row (last dimension) shuffled; `.permutation` tells how."""
        permutation = self.permutation(size=input.shape[:-1], n=input.shape[-1], ndim=input.ndim - 1)
        shuffled = pt.take_along_axis(input, permutation, axis=-1)
        shuffled.permutation = permutation
        return shuffled

    def gen(self, op, *args, **kwargs):
        """A random variable with a stream of its own. op(state, *args, **kwargs) returns (next state, variable)."""
        rng = shared_random_state(np.random.RandomState(self.gen_seedgen.randint(2 ** 30)), borrow=True)
        next_rng, variable = op(rng, *args, **kwargs)
        variable.rng = rng
        variable.update = (rng, next_rng)
        rng.default_update = next_rng
        self.state_updates.append(variable.update)
        return variable

    def updates(self, outputs=None):
        """The pairs (state, next state) of all streams, or of those that the variables `outputs` draw from."""
        if outputs is None:
            return list(self.state_updates)
        inputs = set(graph_inputs(outputs))
        return [(rng, next_rng) for rng, next_rng in self.state_updates if rng in inputs]

    def seed(self, seed=None):
        """Reseed all streams from `seed`, or from the seed given to RandomStreams."""
        seedgen = np.random.RandomState(self.default_instance_seed if seed is None else seed)
        for rng, _ in self.state_updates:
            rng.set_value(np.random.RandomState(seedgen.randint(2 ** 30)), borrow=True)

    def __getitem__(self, rng):
        """The RandomState of a stream."""
        return rng.get_value()

    def __setitem__(self, rng, value):
        rng.set_value(value)


def _upcast(*parameters):
    return pytensor.scalar.upcast(pytensor.config.floatX, *(pt.as_tensor_variable(p).dtype for p in parameters))


def _check(name, value, allowed, expected):
    """Raise ValueError if a parameter that is a number or an array, not symbolic, has values that are not allowed."""
    value = value.data if isinstance(value, Constant) else value
    if not isinstance(value, pytensor.graph.basic.Variable) and not np.all(allowed(np.asarray(value))):
        raise ValueError(f'{name} is {value}; it must be {expected}')


with contextlib.suppress(ImportError, OSError):  # as in jit.py
    from theano_tutorial.compute.numba_random import random_function
    for_numba(RandomFunction)(random_function)
