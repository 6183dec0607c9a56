"""PyTensor without a compiler and without Numba, as in a web browser: Python calls NumPy for one Op after the other.

What is fast there is not what is fast in compiled code: fewer calls, and no loop over the elements in Python. Matrix
products are SciPy's, since in a browser NumPy has no BLAS and takes more than twice as long.
"""
import functools

import pytensor.tensor as pt
from pytensor import config
from pytensor.compile import get_mode, optdb
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.tensor.blas import Dot22, Gemm


@functools.cache
def _gemm(dtype):
    """SciPy's product of matrices of a dtype, or None."""
    from scipy.linalg import blas  # only where it is needed: to import it takes a tenth of a second
    return {'float64': blas.dgemm, 'float32': blas.sgemm}.get(dtype.name)


def product(x, y, z=None, a=1., b=0., overwrite_z=False):
    """a x y + b z by SciPy's BLAS; None if it has none for these matrices: other dtypes, or shapes that do not fit.

    x, y : matrices (m, k) and (k, n) of one dtype, in any memory layout
    z : None, or matrix (m, n), which is overwritten if `overwrite_z` and its rows are contiguous
    """
    gemm = _gemm(x.dtype)
    shape = len(x), y.shape[1]
    if gemm is None or 0 in (x.size, y.size) or x.shape[1] != len(y) or z is not None and z.shape != shape:
        return None
    # BLAS stores matrices by columns, so that an array stored by rows is its own transpose there: it computes y' x'.
    x_by_columns, y_by_columns = x.flags.f_contiguous, y.flags.f_contiguous
    return gemm(a, y if y_by_columns else y.T, x if x_by_columns else x.T, b, None if z is None else z.T,
                y_by_columns, x_by_columns, overwrite_z).T


class ScipyDot22(Dot22):
    """PyTensor's product of two matrices, by SciPy's BLAS."""

    def perform(self, node, inputs, outputs):
        outputs[0][0] = product(*inputs)
        if outputs[0][0] is None:
            super().perform(node, inputs, outputs)


class ScipyGemm(Gemm):
    """PyTensor's b z + a x y, by SciPy's BLAS."""

    def perform(self, node, inputs, outputs):
        z, a, x, y, b = inputs
        outputs[0][0] = product(x, y, z, a, b, self.inplace)
        if outputs[0][0] is None:
            super().perform(node, inputs, outputs)


@node_rewriter([Dot22, Gemm], inplace=True)
def product_by_scipy(fgraph, node):
    """Dot22 -> ScipyDot22, Gemm -> ScipyGemm"""
    if type(node.op) is Dot22:
        return ScipyDot22().make_node(*node.inputs).outputs
    if type(node.op) is Gemm:
        return ScipyGemm(node.op.inplace).make_node(*node.inputs).outputs
    return None


@node_rewriter([pt.add, pt.mul])
def two_at_a_time(fgraph, node):
    """a + b + c -> (a + b) + c; PyTensor before 3.3 calls Python for each element of a sum or product of three."""
    # Only of one dtype: the sum of two small integers could overflow before it is added to a float.
    if len(node.inputs) > 2 and {x.dtype for x in node.inputs} == {node.outputs[0].dtype}:
        return [functools.reduce(node.op, node.inputs)]
    return None


# In no mode but the one below. After PyTensor has decided which products overwrite their input, at 50.2.
optdb.register('numpy_backend', in2out(product_by_scipy, two_at_a_time, ignore_newtrees=True, name='numpy_backend'),
               position=50.3)


def mode():
    """The mode of PyTensor for this: its default one, with the rewrites above."""
    with config.change_flags(linker='py'):
        default = get_mode('Mode')
    # A fused Op would be computed element by element. The number of images is read from the minibatch; to derive it
    # from the minibatch's index takes twenty Ops more.
    return default.including('numpy_backend').excluding('fusion', 'local_shape_to_shape_i')
