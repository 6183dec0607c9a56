"""The cross-entropy of a sigmoid z = s(a), computed from a:

    -sum_k [x_k log s(a_k) + (1 - x_k) log(1 - s(a_k))] = sum_k [log(1 + exp(a_k)) - x_k a_k]

The left side is the tutorial's formula; its logarithm is -inf where s(a) is rounded to 0 or 1. The right side is finite
for every finite a, and so is its gradient s(a) - x. PyTensor itself rewrites log(s(a)) when it compiles, in most modes;
here the whole sum is rewritten before the gradient is taken, which works in every mode and is faster.
"""
import pytensor.tensor as pt
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.math import Sum


@node_rewriter([pt.neg])
def sigmoid_cross_entropy(fgraph, node):
    """-sum(x * log(sigmoid(a)) + (1 - x) * log(1 - sigmoid(a)), axis) -> sum(softplus(a) - x * a, axis)"""
    total = node.inputs[0].owner
    if total is None or not isinstance(total.op, Sum):
        return None
    for first, second in _both_orders(total.inputs[0], pt.add):
        for x, log_z in _both_orders(first, pt.mul):
            for one_minus_x, log_one_minus_z in _both_orders(second, pt.mul):
                z, one_minus_z = _argument(log_z, pt.log), _argument(log_one_minus_z, pt.log)
                a = _argument(z, pt.sigmoid)
                if a is not None and _one_minus(one_minus_x) is x and _one_minus(one_minus_z) is z:
                    return [total.op(pt.softplus(a) - x * a)]
    return None


def stabilize(cost):
    """The same symbolic cost, with each cross-entropy of a sigmoid in it rewritten. Call it before pt.grad."""
    return rewrite_graph(cost, include=(), custom_rewrite=in2out(sigmoid_cross_entropy), clone=False)


def _inputs(variable, op):
    """The inputs of `variable` if it is the result of `op`, else an empty list."""
    return variable.owner.inputs if variable is not None and variable.owner and variable.owner.op == op else []


def _both_orders(variable, op):
    """(a, b) and (b, a) if `variable` is op(a, b)."""
    inputs = _inputs(variable, op)
    return [inputs, inputs[::-1]] if len(inputs) == 2 else []


def _argument(variable, op):
    """a if `variable` is op(a), else None."""
    return (_inputs(variable, op) or [None])[0]


def _one_minus(variable):
    """a if `variable` is 1 - a, else None."""
    inputs = _inputs(variable, pt.sub)
    if inputs and pt.get_underlying_scalar_constant_value(inputs[0], raise_not_constant=False) == 1:
        return inputs[1]
    return None
