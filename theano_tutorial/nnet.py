"""Theano's T.nnet on PyTensor, as far as the page needs it: sigmoid, and softplus, by which its cost is computed.

Where exp hardly matters, Theano's C code leaves it out, so that its functions are not quite the formulas:

                                                        float64              float32
    sigmoid(x) = 1 / (1 + exp(-x)), but exactly 1 for   x > 19               x > 15
                                        exactly 0 for   x < -709             x < -88
    softplus(x) = log(1 + exp(x)),  but exactly x for   x > 16               x > 14
                                        exactly 0 for   x < -745             x < -103

So above 19 the sigmoid's gradient, y (1 - y), is 0 instead of 5e-9. On the page, some hidden units get there: over
50,000 steps that changes the weights by 1e-5, and one pixel of a picture. pt.sigmoid and pt.softplus have no limits.

Source: ScalarSigmoid and ScalarSoftplus in theano/tensor/nnet/sigm.py, Theano 0.8.2. Here the limits hold in every mode
of PyTensor. As in Theano, integers are converted to float32 or, from 32 bits on, to float64.
"""
import numpy as np
import pytensor.tensor as pt
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.scalar import UnaryScalarOp, upgrade_to_float
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.rewriting.basic import register_stabilize

from theano_tutorial.jit import for_numba, numba_njit

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
        return (1,)


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
        return (1,)


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

    return sigmoid, f'theano_tutorial.nnet.sigmoid {dtype} 1'


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

    return softplus, f'theano_tutorial.nnet.softplus {dtype} 1'


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
