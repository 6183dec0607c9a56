"""Theano's T.nnet on PyTensor, as far as the page needs it: sigmoid, and softplus, from which its cost is computed.

Where exp hardly matters, Theano's C code leaves it out, so that its functions are not quite the formulas:

                                                        float64              float32
    sigmoid(x) = 1 / (1 + exp(-x)), but exactly 1 for   x > 19               x > 15
                                        exactly 0 for   x < -709             x < -88
    softplus(x) = log(1 + exp(x)),  but exactly x for   x > 16               x > 14
                                        exactly 0 for   x < -745             x < -103

So above 19 the sigmoid's gradient, y (1 - y), is 0 instead of up to 5.6e-9. On the page 2.9% of the hidden values are
there: over 50,000 steps that changes the weights by up to 1.3e-5, and one pixel by a grey level. pt.sigmoid has none.

Source: ScalarSigmoid and ScalarSoftplus in theano/tensor/nnet/sigm.py, Theano 0.8.2. Here the limits hold in every mode
of PyTensor. As in Theano, integers are converted to float32 or, from 32 bits on, to float64.
"""
import functools

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.scalar import UnaryScalarOp, upgrade_to_float
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import Sum
from pytensor.tensor.rewriting.basic import register_stabilize

from theano_tutorial.compute.cross_entropy import cross_entropy_rows
from theano_tutorial.compute.jit import first_call, for_numba, numba_njit, start_compiling

# (low, high) in the table above.
SIGMOID_LIMITS = {'float64': (-709., 19.), 'float32': (-88., 15.)}
SOFTPLUS_LIMITS = {'float64': (-745., 16.), 'float32': (-103., 14.)}


def _as_float(x):
    x = np.asarray(x)
    return x if x.dtype.kind == 'f' else x.astype('float32' if x.dtype.itemsize <= 2 else 'float64')


def sigmoid_of_array(x):
    """sigmoid where nothing is compiled: an array of float32 or float64, of the shape of x."""
    x = _as_float(x)
    low, high = SIGMOID_LIMITS[x.dtype.name]
    with np.errstate(over='ignore'):
        return np.where(x < low, 0, np.where(x > high, 1, 1 / (1 + np.exp(-x))))


def softplus_of_array(x):
    """softplus where nothing is compiled: an array of float32 or float64, of the shape of x."""
    x = _as_float(x)
    low, high = SOFTPLUS_LIMITS[x.dtype.name]
    with np.errstate(over='ignore'):
        return np.where(x < low, 0, np.where(x > high, x, np.log1p(np.exp(x))))


class ScalarSigmoid(UnaryScalarOp):
    """The sigmoid of a number."""

    nfunc_spec = 'theano_tutorial.nnet.sigmoid_of_array', 1, 1

    def impl(self, x):
        return sigmoid_of_array(x)[()]

    def pullback(self, inputs, outputs, output_grads):
        y = scalar_sigmoid(*inputs)
        return [output_grads[0] * y * (1. - y)]

    def c_code(self, node, name, inputs, outputs, sub):
        return _c_code(node, inputs, outputs, SIGMOID_LIMITS, '1 / (1 + exp(-x))', '1')

    def c_code_cache_version(self):
        return (1, str(SIGMOID_LIMITS))  # PyTensor takes what it compiled under the same version


class ScalarSoftplus(UnaryScalarOp):
    """The softplus of a number."""

    nfunc_spec = 'theano_tutorial.nnet.softplus_of_array', 1, 1

    def impl(self, x):
        return softplus_of_array(x)[()]

    def pullback(self, inputs, outputs, output_grads):
        return [output_grads[0] * scalar_sigmoid(*inputs)]

    def c_code(self, node, name, inputs, outputs, sub):
        return _c_code(node, inputs, outputs, SOFTPLUS_LIMITS, 'log1p(exp(x))', 'x')

    def c_code_cache_version(self):
        return (1, str(SOFTPLUS_LIMITS))


def _c_code(node, inputs, outputs, limits, formula, above):
    scalar_type = node.outputs[0].type
    low, high = limits[scalar_type.dtype]
    real = scalar_type.dtype_specs()[1]
    # The formula first, without a condition: the loop over an array can then be vectorised.
    return f'''{{
        const {real} x = {inputs[0]}, y = {formula};
        {outputs[0]} = x < ({real}){low} ? ({real})0 : x > ({real}){high} ? ({real}){above} : y;
    }}'''


@for_numba(ScalarSigmoid)
def numba_sigmoid(op, node, **kwargs):
    dtype = node.outputs[0].type.dtype
    real = np.dtype(dtype).type
    low, high, zero, one = map(real, (*SIGMOID_LIMITS[dtype], 0, 1))

    @numba_njit
    def sigmoid(x):
        x = real(x)
        y = one / (one + np.exp(-x))
        return zero if x < low else one if x > high else y

    return sigmoid, f'theano_tutorial.nnet.sigmoid {dtype} {low} {high} 1'


@for_numba(ScalarSoftplus)
def numba_softplus(op, node, **kwargs):
    dtype = node.outputs[0].type.dtype
    real = np.dtype(dtype).type
    low, high, zero = map(real, (*SOFTPLUS_LIMITS[dtype], 0))

    @numba_njit
    def softplus(x):
        x = real(x)
        y = np.log1p(np.exp(x))
        return zero if x < low else x if x > high else y

    return softplus, f'theano_tutorial.nnet.softplus {dtype} {low} {high} 1'


def _float_or_double(type):
    """The dtype of the result. Raises TypeError where Theano's C code had none either."""
    result, = upgrade_to_float(type)
    if result.dtype not in SIGMOID_LIMITS:
        raise TypeError(f'sigmoid and softplus are for float32, float64 and integers, not {type.dtype}')
    return result,


scalar_sigmoid = ScalarSigmoid(_float_or_double, name='sigmoid')
scalar_softplus = ScalarSoftplus(_float_or_double, name='softplus')
sigmoid = Elemwise(scalar_sigmoid, name='sigmoid')
softplus = Elemwise(scalar_softplus, name='softplus')


def argument(variable, op):
    """a if `variable` is op(a), else None."""
    return variable.owner.inputs[0] if variable is not None and variable.owner and variable.owner.op == op else None


def one_minus(variable):
    """a if `variable` is 1 - a, else None."""
    if variable.owner and variable.owner.op == pt.sub:
        one, a = variable.owner.inputs
        if pt.get_underlying_scalar_constant_value(one, raise_not_constant=False) == 1:
            return a
    return None


@register_stabilize
@node_rewriter([pt.log, pt.log1p])
def local_log_sigmoid(fgraph, node):
    """log(sigmoid(a)) -> -softplus(-a); log(1 - sigmoid(a)) -> -softplus(a), also where it is log1p(-sigmoid(a))"""
    x, = node.inputs
    is_log = node.op == pt.log
    if (a := argument(x, sigmoid) if is_log else None) is not None:
        return [-softplus(-a)]
    if (a := argument(one_minus(x) if is_log else argument(x, pt.neg), sigmoid)) is not None:
        return [-softplus(a)]
    return None


@functools.cache  # an Op's perform() calls it at each step
def rows_of(dtype):
    """The function (x, a) -> L, dL / da for contiguous matrices of float32 or float64."""
    return cross_entropy_rows(dtype, SOFTPLUS_LIMITS[dtype][1], SIGMOID_LIMITS[dtype][1])


@first_call
def compile_rows(dtype):
    rows_of(dtype)(*np.zeros((2, 1, 1), dtype))


class SigmoidCrossEntropy(Op):
    """(L, dL / da) = SigmoidCrossEntropy(x, a) of the rows of matrices x and a of one shape and dtype, float32 or 64:

        L = sum_k [x_k softplus(-a_k) + (1 - x_k) softplus(a_k)],  dL / da_k = sigmoid(a_k) - x_k

    in one pass, whatever the mode of PyTensor. L is finite for every finite a. It is the cross-entropy of
    z = sigmoid(a), -sum_k [x_k log z_k + (1 - x_k) log(1 - z_k)], without the logarithm of a z that is rounded to 0.

    Infinite a and NaN give the limits of the formula. Raises ValueError if the shapes differ.
    """

    __props__ = ()

    def make_node(self, x, a):
        return Apply(self, [x, a], [pt.TensorType(a.dtype, a.type.shape[:1])(), a.type()])

    def infer_shape(self, *args):
        _, (_, shape) = args[-2:]  # PyTensor before 3.3 passes the graph first
        return [shape[:1], shape]

    def prepare_node(self, node, storage_map, compute_map, impl):
        start_compiling()

    def perform(self, node, inputs, outputs):
        x, a = map(np.ascontiguousarray, inputs)
        if x.shape != a.shape:
            raise ValueError(f'x has shape {x.shape}, a has shape {a.shape}')
        outputs[0][0], outputs[1][0] = rows_of(node.outputs[1].type.dtype)(x, a)

    def pullback(self, inputs, outputs, output_grads):
        x, a = inputs
        gradient = outputs[1]
        g_L, g_gradient = output_grads
        g_x, g_a = x.zeros_like(), a.zeros_like()
        if not isinstance(g_L.type, DisconnectedType):
            g_x, g_a = -a * g_L[:, None], gradient * g_L[:, None]
        if not isinstance(g_gradient.type, DisconnectedType):
            s = gradient + x
            g_x, g_a = g_x - g_gradient, g_a + s * (1 - s) * g_gradient
        return [g_x, g_a]


@for_numba(SigmoidCrossEntropy)
def numba_sigmoid_cross_entropy(op, node, **kwargs):
    dtype = node.inputs[1].dtype
    rows = rows_of(dtype)

    @numba_njit
    def sigmoid_cross_entropy(x, a):
        if x.shape != a.shape:
            raise ValueError('x and a have different shapes')
        return rows(np.ascontiguousarray(x), np.ascontiguousarray(a))

    # The last number is to be changed with compute/cross_entropy.py.
    limits = SOFTPLUS_LIMITS[dtype][1], SIGMOID_LIMITS[dtype][1]
    return sigmoid_cross_entropy, f'theano_tutorial.nnet.sigmoid_cross_entropy {dtype} {limits} 4'


sigmoid_cross_entropy = SigmoidCrossEntropy()


@node_rewriter([pt.neg])
def local_sigmoid_cross_entropy(fgraph, node):
    """-sum(x * log(sigmoid(a)) + (1 - x) * log(1 - sigmoid(a)), axis=1) -> SigmoidCrossEntropy(x, a)"""
    total = node.inputs[0].owner
    if total is None or not isinstance(total.op, Sum):
        return None
    for first, second in _both_orders(total.inputs[0], pt.add):
        for x, log_z in _both_orders(first, pt.mul):
            for one_minus_x, log_one_minus_z in _both_orders(second, pt.mul):
                z, one_minus_z = argument(log_z, pt.log), argument(log_one_minus_z, pt.log)
                a = argument(z, pt.sigmoid) if argument(z, sigmoid) is None else argument(z, sigmoid)
                if a is not None and one_minus(one_minus_x) is x and one_minus(one_minus_z) is z:
                    if a.ndim == 2 and total.op.axis == (1,) and x.type == a.type and a.dtype in ('float32', 'float64'):
                        return [sigmoid_cross_entropy(x, a)[0]]
                    return [total.op(softplus(a) - x * a)]
    return None


def stabilize(cost):
    """A copy of a symbolic cost, with each cross-entropy of a sigmoid in it rewritten. Call it before pt.grad."""
    graph = FunctionGraph(outputs=[cost], clone=True, copy_inputs=False)
    in2out(local_sigmoid_cross_entropy).rewrite(graph)
    return graph.outputs[0]


def _both_orders(variable, op):
    """(a, b) and (b, a) if `variable` is op(a, b)."""
    inputs = variable.owner.inputs if variable.owner and variable.owner.op == op else []
    return [inputs, inputs[::-1]] if len(inputs) == 2 else []
