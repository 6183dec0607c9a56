"""A rewrite of the cost: the cross-entropy of a sigmoid, from what goes into the sigmoid.

    x log s(a) + (1 - x) log(1 - s(a)) = x a - log(1 + exp(a))

The left side is the tutorial's formula, and log 0 where s(a) rounds to 0 or 1. The right side is finite for every a,
and so is its gradient, x - s(a), which divides by nothing. PyTensor rewrites each logarithm alone, but when it
compiles, after the gradient was taken; this rewrite is for before.
"""
import pytensor.tensor as pt
from pytensor.graph.rewriting.basic import PatternNodeRewriter, in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Sum

_one = (DimShuffle(input_ndim=0, new_order=('x', 'x')), 1)
_z = (pt.sigmoid, 'a')

sigmoid_cross_entropy = PatternNodeRewriter(
    (pt.add, (pt.mul, 'x', (pt.log, _z)), (pt.mul, (pt.sub, _one, 'x'), (pt.log, (pt.sub, _one, _z)))),
    (pt.sub, (pt.mul, 'x', 'a'), (pt.softplus, 'a')),
    allow_multiple_clients=True, name='sigmoid_cross_entropy')


@node_rewriter([pt.neg])
def neg_of_sum_of_sub(fgraph, node):
    """- sum(u - v) = sum(v - u), so that PyTensor can merge the sum over the pixels with that over the examples."""
    summed = node.inputs[0].owner
    if summed and isinstance(summed.op, Sum) and (difference := summed.inputs[0].owner) and difference.op == pt.sub:
        u, v = difference.inputs
        return [summed.op(v - u)]


def stabilize(cost):
    """The same cost, with the cross-entropy of each matrix of sigmoids in it rewritten."""
    return rewrite_graph(cost, include=(), custom_rewrite=in2out(sigmoid_cross_entropy, neg_of_sum_of_sub), clone=False)
