"""Theano's module of this name on PyTensor: symbolic random numbers, bit for bit those of Theano.

A RandomStreams has one seed, from which it makes a numpy RandomState. Each call of a distribution draws
randint(2 ** 30) from that, to seed the RandomState that the random variable draws from: its stream. numpy guarantees
that the numbers of a RandomState never change.

PyTensor's own random variables draw from numpy's newer Generator, hence the types and the Op of this module.
"""
import copy
import functools

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
from pytensor.tensor.type import integer_dtypes
from pytensor.tensor.type_other import NoneConst

from theano_tutorial.compute.jit import before_numba, first_call, for_numba, start_compiling


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


def _whole(name, values, least, most=2 ** 63 - 1):
    """The values as int64: Theano took floats, too."""
    with np.errstate(invalid='ignore'):  # NaN
        whole = values.astype(np.int64)
    if not np.array_equal(whole, values) or (whole < least).any() or (whole > most).any():
        raise ValueError(f'{name} is {values}; it must be an integer from {least} to {most}')
    return whole


@functools.cache
def _bernoulli():
    from theano_tutorial.compute.mersenne_twister import bernoulli  # not before, since it imports Numba
    return bernoulli


@first_call
def _compile_bernoulli(dtype):
    _bernoulli()(np.random.RandomState(0), 0.5, (1,), dtype)


def _binomial(rng, n, p, size):
    return rng.binomial(_whole('n', n, 0), p, size)


def _random_integers(rng, low, high, size):
    # RandomState.random_integers(low, high), which is deprecated, in an array of floats, as Theano had it.
    low, high = _whole('low', low, -2 ** 63), _whole('high', high, -2 ** 63, 2 ** 63 - 2)
    if size is not None and np.broadcast_shapes(low.shape, high.shape, size) != size:
        raise ValueError(f'low and high have shapes {low.shape} and {high.shape}, which do not fit size {size}')
    return np.asarray(rng.randint(low, high + 1, size, np.int64), np.float64).astype(np.int64)


def _choice(rng, a, replace, p, size):
    if p.ndim != 1:
        raise ValueError(f'p is {p}; it must be a vector, or None for equal probabilities')
    if replace.size != 1:
        raise ValueError(f'replace is {replace}; it must be a single boolean')
    return rng.choice(a, size, bool(replace), p if p.size else None)


def _permutation(rng, n, size):
    n = _whole('n', n, 0)
    if n.ndim:
        raise ValueError(f'n is {n}; it must be a single number')
    draws = [rng.permutation(int(n)) for _ in range(np.prod(size, dtype=int))]
    return np.array(draws, np.int64).reshape(*size, int(n))


def _multinomial(rng, n, pvals, size):
    # One draw after the other, as Theano did, and with its allowance for probabilities whose sum was rounded.
    if not pvals.shape[-1]:
        raise ValueError('pvals is empty')
    shape = np.broadcast_shapes(n.shape, pvals.shape[:-1]) if size is None else size
    n, pvals = np.broadcast_to(_whole('n', n, 0), shape), np.broadcast_to(pvals, (*shape, pvals.shape[-1]))
    out = np.zeros(pvals.shape, np.int64)
    for place in np.ndindex(*shape):
        p = pvals[place]
        if 1 < float(p.sum()) < 1 + 1e-5 or float(p[-1]) < 5e-5:
            p = p * (1 - 5e-5)
        if not ((p >= 0).all() and p.sum() <= 1):
            raise ValueError(f'pvals is {pvals[place]}; they must be at least 0, and their sum must be 1')
        # Where n or a probability is 0, Theano's numpy took a random number too; some later ones (2.4) do not.
        if n[place]:
            out[place] = rng.multinomial(n[place], np.maximum(p.astype(np.float64), 1e-300))
        elif p.size > 1:
            rng.random_sample()
    return out


_METHODS: dict = {'binomial': _binomial, 'random_integers': _random_integers, 'choice': _choice,
                  'permutation': _permutation, 'multinomial': _multinomial}


class RandomFunction(Op):
    """(next state, draw) = RandomFunction(state, size, *parameters): a method of RandomState.

    method : its name
    dtype, shape : of the draw; None in shape for a length that is not known when the variable is made
    ndim_added : number of dimensions of the draw after those of `size`, 1 for permutation and multinomial
    inplace : whether the state itself is advanced, or a copy

    `size` is a vector, or None for the size of the parameters.
    """

    __props__ = ('method', 'dtype', 'shape', 'ndim_added', 'inplace')

    def __init__(self, method, dtype, shape, ndim_added=0, inplace=False):
        self.method = method
        self.dtype = dtype
        self.shape = shape
        self.ndim_added = ndim_added
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    @property
    def ndim(self):
        """The length of `size`."""
        return len(self.shape) - self.ndim_added

    def make_node(self, rng, size, *parameters):
        return Apply(self, [rng, size, *parameters], [rng.type(), pt.TensorType(self.dtype, self.shape)()])

    def infer_shape(self, *args):
        node, _ = args[-2:]  # PyTensor before 3.3 passes the graph first
        size = node.inputs[1]
        if self.ndim_added or getattr(size.type, 'shape', None) != (self.ndim,):
            raise ShapeError('the shape is known when the numbers are drawn')
        return [None, tuple(size[i] for i in range(self.ndim))]

    def prepare_node(self, node, storage_map, compute_map, impl):
        if self.method == 'binomial':
            start_compiling()

    def perform(self, node, inputs, outputs):
        rng, size, *parameters = inputs
        if not self.inplace:
            rng = copy.deepcopy(rng)  # copy.copy would share the bit generator
        if size is not None:
            size = tuple(size.tolist())
            if len(size) != self.ndim or min(size, default=0) < 0:
                raise ValueError(f'size is {size}; its length must be {self.ndim}, and no number negative')
        try:
            if self.method == 'binomial' and size and not any(p.ndim for p in parameters) and parameters[0] == 1:
                draw = _bernoulli()(rng, float(parameters[1]), size, self.dtype)
            else:
                method = _METHODS.get(self.method) or getattr(np.random.RandomState, self.method)
                draw = method(rng, *parameters, size)
        except (ValueError, OverflowError, TypeError) as error:  # numpy has OverflowError for infinite parameters
            raise ValueError(f'{self.method}: {error}') from None
        outputs[0][0] = rng
        outputs[1][0] = np.asarray(draw, dtype=self.dtype)

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


def _draw(rng, method, size, ndim, dtype, *parameters, added=()):
    """The next state and the draw, with `size` and `ndim` as Theano's distributions take them.

    added : lengths of its dimensions after those of `size`, None where they are not known
    """
    if dtype is None:
        raise TypeError('dtype is None; it must be the name of a type')
    parameters = tuple(map(pt.as_tensor_variable, parameters))
    sized = parameters  # those that are broadcast to `size`
    if method in ('choice', 'permutation'):
        sized = ()
    elif method == 'multinomial':
        sized = parameters[0], parameters[1][..., 0]
    needed = max((p.ndim for p in sized), default=0)
    if size is None:
        if ndim not in (None, needed):
            raise ValueError(f'ndim is {ndim}, but the parameters have {needed} dimensions')
        size, shape = NoneConst, pt.add(*sized).type.shape if sized else ()
    else:
        size, shape = size_vector(size, ndim, sized)
        if len(shape) < needed:
            raise ValueError(f'size has length {len(shape)}, but the parameters have {needed} dimensions')
    draw_type = pt.TensorType(dtype, (*shape, *added))
    return RandomFunction(method, draw_type.dtype, draw_type.shape, len(added))(rng, size, *parameters)


def size_vector(size, ndim, sized):
    """`size` as a vector of int64, and what is known of its values: a tuple of integers and None."""
    vector = size
    if isinstance(size, tuple | list):
        vector = pt.stack([_length_of_parameter(len(size) - i, sized) if length == -1 else length
                           for i, length in enumerate(size)]) if size else np.zeros(0, np.int64)
    vector = pt.atleast_1d(vector)
    if vector.ndim > 1 or vector.dtype not in integer_dtypes:
        raise TypeError(f'size is {size}; it must be a vector of integers')
    if vector.type.shape[0] is not None:
        known = infer_static_shape(vector)[1]
    elif ndim is not None:
        known = (None,) * ndim
    else:
        raise ValueError('the length of size is not known; it must be given as ndim')
    if ndim not in (None, len(known)):
        raise ValueError(f'ndim is {ndim}, but size has length {len(known)}')
    for length in known:
        if length is not None and length < 0:
            raise ValueError(f'{length} in size; a length is 0 or more, or in a tuple -1 for that of a parameter')
    return pt.cast(vector, 'int64'), known


def _length_of_parameter(from_end, sized):
    """What -1 in `size` stands for: the length in that dimension of the first parameter that is not broadcast there."""
    parameters = [p for p in sized if p.ndim >= from_end]
    if not parameters:
        raise ValueError('-1 in size, but no parameter has this dimension')
    return next((p.shape[-from_end] for p in parameters if p.type.shape[-from_end] != 1), 1)


class RandomStreams:
    """Symbolic random variables, each with a stream of its own.

    seed : integer from 0 to 2 ** 32 - 1, or None for a seed from the operating system

    A compiled function advances the streams that it draws from, as in Theano: `update` of a random variable, the pair
    (state, next state), is the default update of its `rng`. `updates` given to pytensor.function take precedence.

    size : of a draw; a tuple of integers and symbolic integers (-1: the length of a parameter in that dimension), a
        symbolic vector, or None for the shape of the parameters
    ndim : the length of `size` where it cannot be inferred
    dtype : of the draw

    The parameters are numbers, arrays or symbolic, and broadcast together. An invalid n, p, std or lam that is a
    number, or an invalid size, raises ValueError when the variable is made, or TypeError if it must be integers and is
    not. Otherwise ValueError is raised when the variable is drawn.
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
        return self.gen(_draw, 'uniform', size, ndim, dtype or upcast(low, high), low, high)

    def normal(self, size=None, avg=0.0, std=1.0, ndim=None, dtype=None):
        """Normal with mean avg and standard deviation std. dtype : floatX, or that of avg and std if it is wider"""
        _check('std', std, lambda std: std >= 0, 'at least 0')
        return self.gen(_draw, 'normal', size, ndim, dtype or upcast(avg, std), avg, std)

    def random_integers(self, size=None, low=0, high=1, ndim=None, dtype='int64'):
        """Integers from low to high, both included."""
        return self.gen(_draw, 'random_integers', size, ndim, dtype, low, high)

    def choice(self, size=None, a=2, replace=True, p=None, ndim=None, dtype='int64'):
        """Elements of the vector a, or of range(a), with probabilities p (None: equal), with or without replacement."""
        replace = np.int8(replace) if isinstance(replace, bool) else replace
        if p is None or isinstance(p, int | float) and p == 0:  # to Theano, 0 was None
            p = np.zeros(0)
        return self.gen(_draw, 'choice', size, ndim, dtype, a, replace, p)

    def poisson(self, size=None, lam=1.0, ndim=None, dtype='int64'):
        """Poisson with mean lam."""
        _check('lam', lam, lambda lam: lam >= 0, 'at least 0')
        return self.gen(_draw, 'poisson', size, ndim, dtype, lam)

    def permutation(self, size=None, n=1, ndim=None, dtype='int64'):
        """Permutations of range(n): (*size, n), or (n,) if size is None or (), for which ndim may be 1."""
        if size is None or isinstance(size, tuple) and not size:
            size, ndim = (), None if ndim == 1 else ndim
        return self.gen(_draw, 'permutation', size, ndim, dtype, n, added=(None,))

    def multinomial(self, size=None, n=1, pvals=(0.5, 0.5), ndim=None, dtype='int64'):
        """Counts of n trials with probabilities pvals, (..., k): (*size, k)."""
        pvals = pt.as_tensor_variable(pvals)
        if not pvals.ndim or pvals.type.shape[-1] == 0:
            raise ValueError(f'pvals is {pvals}; it must be at least one probability')
        return self.gen(_draw, 'multinomial', size, ndim, dtype, n, pvals, added=pvals.type.shape[-1:])

    def shuffle_row_elements(self, input):
        """The input with the elements of each row (last dimension) shuffled; its attribute `permutation` says how."""
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
        """The RandomState of a stream, not a copy of it."""
        return rng.get_value(borrow=True)

    def __setitem__(self, rng, value):
        rng.set_value(value, borrow=True)


def upcast(*parameters):
    return pytensor.scalar.upcast(pytensor.config.floatX, *(pt.as_tensor_variable(p).dtype for p in parameters))


def _check(name, value, allowed, expected):
    """Raise ValueError if a parameter that is a number or an array, not symbolic, has values that are not allowed."""
    value = pt.as_tensor_variable(value)
    if isinstance(value, Constant) and not np.all(allowed(value.data)):
        raise ValueError(f'{name} is {value.data}; it must be {expected}')


@before_numba
def _register():
    from theano_tutorial.compute.numba_random import random_function
    for_numba(RandomFunction)(random_function)
