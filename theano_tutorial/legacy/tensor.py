"""What PyTensor has under a name of Theano, but with another meaning: here as in Theano 0.8.2."""
import functools
import sys

import pytensor
import pytensor.tensor as pt
from pytensor.scalar import basic as scalar
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.variable import TensorVariable


class _OfTies:
    """Lets the gradient of maximum and minimum go to both of two equal numbers, not to the first alone."""

    def pullback(self, inputs, outputs, output_grads):
        if outputs[0].type in scalar.discrete_types:
            return [x.zeros_like(dtype=pytensor.config.floatX) for x in inputs]
        return [scalar.eq(outputs[0], x) * output_grads[0] for x in inputs]


class Maximum(_OfTies, scalar.Maximum):
    """The larger of two numbers."""


class Minimum(_OfTies, scalar.Minimum):
    """The smaller of two numbers."""


maximum = Elemwise(Maximum(scalar.upcast_out_no_complex, name='maximum'))
minimum = Elemwise(Minimum(scalar.upcast_out_no_complex, name='minimum'))


def as_int8(compare):
    """A comparison that gives 0 and 1 of int8, which are added, negated and printed as numbers, not bool."""
    @functools.wraps(compare)
    def compared(*args, **kwargs):
        result = compare(*args, **kwargs)
        if isinstance(result, TensorVariable) and 'theano' in sys.modules:  # not for Aesara's names
            result = pt.cast(result, 'int8')
            result.is_comparison = True
        return result
    return compared


def is_true(variable):
    """What `if variable:` means: true for all variables but comparisons, for which it raises TypeError."""
    if variable.dtype == 'bool' or hasattr(variable, 'is_comparison'):
        raise TypeError('a comparison of symbolic variables is neither true nor false; use T.switch')
    return True


def getitem(original):
    """variable[index], which says so if a comparison is the index: its 0 and 1 are numbers of elements."""
    @functools.wraps(original)
    def getitem(variable, index):
        if any(hasattr(part, 'is_comparison') for part in (index if isinstance(index, tuple) else [index])):
            print('... x[comparison] selects elements 0 and 1, as in Theano before 1.0; x[comparison.nonzero()] '
                  'selects those for which it is true', file=sys.stderr)
        return original(variable, index)
    return getitem


def round(a, mode='half_away_from_zero'):
    return pt.round(a, mode)


def iround(a, mode='half_away_from_zero'):
    return pt.cast(pt.round(a, mode), 'int64')


def of_integers(rounding):
    """ceil, floor or trunc, which leaves integers as they are."""
    @functools.wraps(rounding)
    def rounded(a):
        a = pt.as_tensor_variable(a)
        return rounding(a) if a.dtype.startswith('float') else a
    return rounded


def patternbroadcast(x, broadcastable):
    """x, where the dimensions for which broadcastable is True have length 1."""
    return pt.specify_broadcastable(x, *(k for k, is_one in enumerate(broadcastable) if is_one))


def stack(*tensors, axis=0):
    """The tensors along a new axis: stack([a, b], axis), or stack(a, b), as before Theano 0.7."""
    if isinstance(tensors[0], list | tuple):
        return pt.stack(*tensors, **{'axis': axis} if len(tensors) == 1 else {})
    return pt.stack(tensors, axis=axis)


def flatten(x, outdim=1, ndim=None):
    return pt.flatten(x, ndim or outdim)


# By the rules of the operations, so that all inputs of f are inputs of the result.
Rop = functools.partial(pytensor.Rop, use_op_rop_implementation=True)


class In(pytensor.In):
    """An input of a function, which may have a default value: In(variable, name, value)."""

    def __init__(self, variable, name=None, value=None, **kwargs):
        super().__init__(variable, name or variable.name, **kwargs)
        self.default = value


def Param(variable, default=None, name=None, **kwargs):
    """In, as it was called before Theano 0.8."""
    return In(variable, name, default, **kwargs)


def function(inputs, *args, **kwargs):
    """Theano's function, whose inputs may have default values: see In."""
    compiled = pytensor.function(inputs, *args, **kwargs)
    if not any(isinstance(x, In) for x in inputs):
        return compiled

    @functools.wraps(compiled)
    def with_defaults(*given, **named):
        values = list(given)
        for x in inputs[len(values):]:
            if x.name not in named and getattr(x, 'default', None) is None:
                break  # an error of the compiled function, which says what is missing
            values.append(named.pop(x.name) if x.name in named else x.default)
        return compiled(*values, **named)
    return with_defaults
