"""RandomState as a type of Numba, and what PyTensor's Numba backend runs to draw from one.

The mask of the denoising autoencoder is drawn in compiled code, which PyTensor can keep on disk; for other draws that
calls the Op's Python method.
"""
import copy
from contextlib import ExitStack

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import (
    NativeValue,
    box,
    make_attribute_wrapper,
    models,
    overload,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.unsafe.ndarray import to_fixed_tuple
from pytensor.graph.basic import Constant
from pytensor.link.numba.dispatch.basic import default_hash_key_from_props, get_numba_type, numba_njit
from pytensor.link.numba.dispatch.compile_ops import numba_deepcopy

from theano_tutorial.compute.mersenne_twister import draw_bernoulli


class RandomStateNumbaType(types.Opaque):
    """A RandomState of MT19937; `state` points to its 624 words and the number of them that are used.

    PyTensor keeps compiled functions in one folder for all programs, with the types of their arguments, pickled. There
    this is an Opaque of the same name, so that a program without this project can read them.
    """

    def __eq__(self, other):
        return isinstance(other, types.Opaque) and other.name == self.name

    def __hash__(self):
        return hash(self.key)

    def __reduce__(self):
        return types.Opaque, (self.name,)


# Code compiled for another model of the type must not be used: with the model, change the version.
random_state = RandomStateNumbaType('theano_tutorial.RandomState, version 4')


@register_model(RandomStateNumbaType)
class RandomStateModel(models.StructModel):
    """The Python object, what counts the references to it in compiled code, and the address of its numbers."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, [('parent', types.pyobject), ('meminfo', types.MemInfoPointer(types.voidptr)),
                                        ('state', types.voidptr)])


make_attribute_wrapper(RandomStateNumbaType, 'state', 'state')


@typeof_impl.register(np.random.RandomState)
def typeof_random_state(value, context):
    return random_state


@unbox(RandomStateNumbaType)
def unbox_random_state(typ, obj, c):
    proxy = cgutils.create_struct_proxy(typ)(c.context, c.builder)
    proxy.parent = obj
    proxy.meminfo = c.pyapi.nrt_meminfo_new_from_pyobject(cgutils.voidptr_t(None), obj)
    is_error = cgutils.alloca_once_value(c.builder, cgutils.true_bit)
    owned = [obj]
    with ExitStack() as stack:
        for name in '_bit_generator', 'ctypes', 'state_address':
            owned.append(c.pyapi.object_getattr_string(owned[-1], name))
            with cgutils.early_exit_if_null(c.builder, stack, owned[-1]):
                pass
        proxy.state = c.pyapi.long_as_voidptr(owned[-1])
        for attribute in owned[1:]:
            c.pyapi.decref(attribute)
        c.builder.store(cgutils.false_bit, is_error)
    return NativeValue(proxy._getvalue(), is_error=c.builder.load(is_error))


@box(RandomStateNumbaType)
def box_random_state(typ, value, c):
    obj = c.context.make_helper(c.builder, typ, value).parent
    c.pyapi.incref(obj)
    c.context.nrt.decref(c.builder, typ, value)
    return obj


@overload(numba_deepcopy)
def numba_deepcopy_random_state(x):
    if isinstance(x, RandomStateNumbaType):
        def deepcopy(x):
            with numba.objmode(copied=random_state):
                copied = copy.deepcopy(x)
            return copied
        return deepcopy


def random_function(op, node, **kwargs):
    """What PyTensor's Numba backend runs for a RandomFunction of shared_randomstreams.py, and its cache key."""
    _, size, *parameters = node.inputs
    is_mask = (op.method == 'binomial' and op.inplace and op.ndim and not any(p.type.ndim for p in parameters)
               and isinstance(parameters[0], Constant) and parameters[0].data == 1)
    if not is_mask or getattr(size.type, 'shape', None) != (op.ndim,):
        return _call_perform(op, node), None  # Numba cannot keep on disk what calls Python
    ndim, dtype = op.ndim, np.dtype(op.dtype)

    @numba_njit
    def mask(rng, size, n, p):
        out = np.empty(to_fixed_tuple(size, ndim), dtype)
        draw_bernoulli(numba.carray(rng.state, (625,), np.uint32), p.item(), out.reshape(-1))
        return rng, out

    # To be changed with draw_bernoulli: PyTensor does not look into it.
    return mask, default_hash_key_from_props(op, cache_version=4)


def _call_perform(op, node):
    draw_type = get_numba_type(node.outputs[1].type, layout='C')

    def perform(inputs):
        next_rng, draw = [None], [None]
        op.perform(node, inputs, (next_rng, draw))
        return next_rng[0], np.asarray(draw[0], order='C')

    @numba_njit
    def call(*inputs):
        with numba.objmode(next_rng=random_state, draw=draw_type):
            next_rng, draw = perform(inputs)
        return next_rng, draw

    return call
