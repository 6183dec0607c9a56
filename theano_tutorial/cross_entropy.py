"""The cross-entropy of a sigmoid z = s(a), computed from a:

    L = -sum_k [x_k log s(a_k) + (1 - x_k) log(1 - s(a_k))] = sum_k [x_k softplus(-a_k) + (1 - x_k) softplus(a_k)]
    dL / da_k = s(a_k) - x_k

The left side is the tutorial's formula; its logarithm is -inf where s(a) is rounded to 0 or 1. The right side, which
Theano computed too, is finite for every finite a. s and softplus are Theano's, with the limits that nnet.py describes.
One Op computes L and its gradient in one pass, whatever the mode of PyTensor, as

    softplus(|a|) = |a| + softplus(-|a|),  softplus(-|a|) = log(1 + exp(-|a|))
"""
import contextlib
import math

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.math import Sum

from theano_tutorial.jit import compiled, numba
from theano_tutorial.nnet import SIGMOID_LIMITS, SOFTPLUS_LIMITS, argument, one_minus, sigmoid, softplus


def _compiled_rows(real, integer, fraction_bits, largest, terms, ln2_high, ln2_low):
    """cross_entropy_rows for one dtype.

    real, integer : that dtype, and the integers of its size
    fraction_bits : number of bits after the exponent's
    largest : |a| is cut off here, since beyond it 2 ** q has no normal number; exp(-|a|) is below 1e-37 there
    terms : of the series of exp, so many that the next one is below the rounding
    ln2_high, ln2_low : their sum is ln 2 with more digits than one number has, and q * ln2_high is exact
    """
    one, zero, half, infinity, log2_e = map(real, (1, 0, 0.5, math.inf, 1 / math.log(2)))
    largest, ln2_high, ln2_low = map(real, (largest, ln2_high, ln2_low))
    series = tuple(real(1 / math.factorial(k)) for k in range(terms))
    bias = integer(np.finfo(real).maxexp - 1)
    shift = integer(fraction_bits)
    all_linear, all_one = _limits(real)

    # exp is written out because Numba's own is not vectorised; this takes a tenth of the time. The flags allow sums in
    # another order and fused multiply-add, and keep infinities and NaN.
    @compiled(error_model='numpy', fastmath={'reassoc', 'contract', 'nsz'})
    def rows(x, a):
        n, m = a.shape
        L, gradient = np.empty(n, real), np.empty((n, m), real)
        e, power = np.empty(m, real), np.empty(m, integer)
        scale = power.view(real)  # the same memory
        for i in range(n):
            # exp(-|a|) = 2 ** q exp(r), with |r| <= ln 2 / 2.
            for j in range(m):
                u = -min(abs(a[i, j]), largest)
                q = np.floor(u * log2_e + half)
                r = (u - q * ln2_high) - q * ln2_low
                exp_r = zero
                for k in range(terms - 1, -1, -1):
                    exp_r = exp_r * r + series[k]
                e[j] = exp_r
                power[j] = (integer(q) + bias) << shift  # the bits of 2 ** q
            linear = 0.
            for j in range(m):
                v, x_j = a[i, j], x[i, j]
                size = abs(v)
                e_j = e[j] * scale[j] if v == v else v  # min() may have lost a NaN
                t = one - x_j if v > zero else x_j  # the share of softplus(|a|)
                linear += zero if t == zero and size == infinity else t * size
                e[j] = e_j if size <= all_linear else (one - t) * e_j
                gradient[i, j] = (one if v >= zero else e_j) / (one + (e_j if v <= all_one else zero)) - x_j
            # log(1 + e) + log(1 + e') + ... = log((1 + e)(1 + e') ...): 1000 factors from 1 to 2 have a finite product.
            logarithms = 0.
            for first in range(0, m, 1000):
                product = 1.
                for j in range(first, min(first + 1000, m)):
                    product *= 1. + np.float64(e[j])
                logarithms += np.log(product)
            L[i] = linear + logarithms
        return L, gradient
    return rows


def _limits(dtype):
    """softplus is linear above the first, the sigmoid 1 above the second: numbers of the dtype."""
    name = np.dtype(dtype).name
    return np.array([SOFTPLUS_LIMITS[name][1], SIGMOID_LIMITS[name][1]], dtype)


def _rows_in_numpy(x, a):
    all_linear, all_one = _limits(a.dtype)
    size, e, t = abs(a), np.exp(-abs(a)), np.where(a > 0, 1 - x, x)
    linear = np.multiply(t, size, out=np.zeros_like(a), where=(t != 0) | ~np.isposinf(size))
    L = linear + np.log1p(np.where(size <= all_linear, e, (1 - t) * e))
    return L.sum(axis=1), np.where(a >= 0, 1, e) / (1 + np.where(a <= all_one, e, 0)) - x


# {dtype: function}: L, (n,), and dL / da, (n, m), for contiguous matrices x and a, (n, m), of that dtype.
cross_entropy_rows = {
    'float64': _compiled_rows(np.float64, np.int64, 52, 708, 14, 6.93147180369123816e-01, 1.90821492927058770e-10),
    'float32': _compiled_rows(np.float32, np.int32, 23, 87, 8, 0.693359375, -2.12194440e-4),
} if numba else dict.fromkeys(('float64', 'float32'), _rows_in_numpy)


class SigmoidCrossEntropy(Op):
    """(L, dL / da) = SigmoidCrossEntropy(x, a) of the rows of matrices x and a of one shape and dtype, float32 or 64.

    Infinite a and NaN give the limits of the formula. Raises ValueError if the shapes differ.
    """

    __props__ = ()

    def make_node(self, x, a):
        return Apply(self, [x, a], [pt.TensorType(a.dtype, a.type.shape[:1])(), a.type()])

    def infer_shape(self, *args):
        _, (_, shape) = args[-2:]  # PyTensor before 3.3 passes the graph first
        return [shape[:1], shape]

    def perform(self, node, inputs, outputs):
        x, a = map(np.ascontiguousarray, inputs)
        if x.shape != a.shape:
            raise ValueError(f'x has shape {x.shape}, a has shape {a.shape}')
        outputs[0][0], outputs[1][0] = cross_entropy_rows[a.dtype.name](x, a)

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
    """The same symbolic cost, with each cross-entropy of a sigmoid in it rewritten. Call it before pt.grad."""
    return rewrite_graph(cost, include=(), custom_rewrite=in2out(local_sigmoid_cross_entropy), clone=False)


def _both_orders(variable, op):
    """(a, b) and (b, a) if `variable` is op(a, b)."""
    inputs = variable.owner.inputs if variable.owner and variable.owner.op == op else []
    return [inputs, inputs[::-1]] if len(inputs) == 2 else []

# Registers the Op with PyTensor's Numba backend; here, since that module imports this one. The other backends also work
# without a folder where PyTensor can keep what it compiles.
if numba is not None:
    with contextlib.suppress(OSError):
        import theano_tutorial.numba_backend  # noqa: F401
