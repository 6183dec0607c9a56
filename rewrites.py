"""A rewrite of the cost: the cross-entropy of a sigmoid, from what goes into the sigmoid.

    x log s(a) + (1 - x) log(1 - s(a)) = x a - log(1 + exp(a))

The left side is the tutorial's formula, and log 0 where s(a) rounds to 0 or 1. The right side is finite for every a,
and so is its gradient, x - s(a), which divides by nothing. PyTensor rewrites each logarithm alone, but when it
compiles, after the gradient was taken; this rewrite is for before.
"""
import pytensor.tensor as pt
from pytensor.graph.rewriting.basic import PatternNodeRewriter, dfs_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.elemwise import DimShuffle

_one = (DimShuffle(input_ndim=0, new_order=('x', 'x')), 1)
_z = (pt.sigmoid, 'a')

sigmoid_cross_entropy = PatternNodeRewriter(
    (pt.add, (pt.mul, 'x', (pt.log, _z)), (pt.mul, (pt.sub, _one, 'x'), (pt.log, (pt.sub, _one, _z)))),
    (pt.sub, (pt.mul, 'x', 'a'), (pt.softplus, 'a')),
    allow_multiple_clients=True, name='sigmoid_cross_entropy')


def stabilize(cost):
    """The same cost, with the cross-entropy of each matrix of sigmoids in it rewritten."""
    return rewrite_graph(cost, include=(), custom_rewrite=dfs_rewriter(sigmoid_cross_entropy), clone=False)
