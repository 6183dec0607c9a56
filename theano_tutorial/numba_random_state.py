"""RandomState and RandomFunction for PyTensor's Numba backend: compiled code calls the Op's method perform in Python."""
import copy

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import NativeValue, box, models, overload, register_model, typeof_impl, unbox
from pytensor.link.numba.dispatch.basic import get_numba_type, numba_funcify, numba_njit
from pytensor.link.numba.dispatch.compile_ops import numba_deepcopy

from theano_tutorial.shared_randomstreams import RandomFunction


class RandomStateNumbaType(types.Type):
    """A RandomState, which compiled code only passes on."""


# Numba's cache on disk knows a type by this name: a change of the model below needs another name.
random_state = RandomStateNumbaType('theano_tutorial.RandomState, version 1')


@register_model(RandomStateNumbaType)
class RandomStateModel(models.StructModel):
    """The Python object, and what counts the references to it in compiled code."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, [('parent', types.pyobject), ('meminfo', types.MemInfoPointer(types.voidptr))])


@typeof_impl.register(np.random.RandomState)
def typeof_random_state(value, context):
    return random_state


@unbox(RandomStateNumbaType)
def unbox_random_state(typ, obj, c):
    proxy = cgutils.create_struct_proxy(typ)(c.context, c.builder)
    proxy.parent = obj
    proxy.meminfo = c.pyapi.nrt_meminfo_new_from_pyobject(cgutils.voidptr_t(None), obj)
    return NativeValue(proxy._getvalue())


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


@numba_funcify.register(RandomFunction)
def numba_funcify_random_function(op, node, **kwargs):
    draw_type = get_numba_type(node.outputs[1].type, layout='C')

    def perform(inputs):
        next_rng, draw = [None], [None]
        op.perform(node, inputs, (next_rng, draw))
        return next_rng[0], np.asarray(draw[0], order='C')

    @numba_njit
    def random_function(*inputs):
        with numba.objmode(next_rng=random_state, draw=draw_type):
            next_rng, draw = perform(inputs)
        return next_rng, draw

    return random_function
