"""What theano.tensor.nnet had and PyTensor lacks. Source: theano/tensor/nnet/nnet.py and sigm.py, Theano 0.8.2."""
import pytensor.tensor as pt
from pytensor.tensor.special import log_softmax
from pytensor.tensor.special import softmax as softmax_along

from theano_tutorial.nnet import sigmoid, softplus


def softmax(c):
    """The softmax of each row of a matrix; a vector is one row, so that the result is a matrix, too."""
    return softmax_along(_rows(c), axis=1)


def logsoftmax(c):
    """log(softmax(c)), finite also where softmax is 0."""
    return log_softmax(_rows(c), axis=1)


def softmax_with_bias(x, b):
    """softmax(x + b)"""
    return softmax(x + b)


def _rows(c):
    c = pt.as_tensor_variable(c)
    if c.ndim not in (1, 2) or not c.dtype.startswith('float'):
        raise ValueError(f'softmax is for a vector or matrix of floats, as in Theano, not {c.type}')
    return c[None] if c.ndim == 1 else c


def relu(x, alpha=0):
    """x where it is positive, else alpha x. The gradient at 0 is (1 + alpha) / 2, not 0 or 1."""
    return 0.5 * (1 + alpha) * x + 0.5 * (1 - alpha) * pt.abs(x)


def elu(x, alpha=1):
    """x where it is positive, else alpha (exp(x) - 1)."""
    return pt.switch(x > 0, x, alpha * pt.expm1(x))


def hard_sigmoid(x):
    """0.2 x + 0.5, limited to [0, 1]."""
    slope, shift = (pt.constant(number, dtype=sigmoid(x).dtype) for number in (0.2, 0.5))
    return pt.clip(x * slope + shift, 0, 1)


def ultra_fast_sigmoid(x):
    """Pieces of rational functions and straight lines that are close to the sigmoid."""
    half = abs(x) / 2.0
    z = pt.switch(half < 1.7, 1.5 * half / (1 + half),
                  pt.switch(half < 3, 0.935409070603099 + 0.0458812946797165 * (half - 1.7), 0.99505475368673))
    return pt.cast(0.5 * (pt.switch(x < 0, -z, z) + 1), sigmoid(x).dtype)


def batch_normalization(inputs, gamma, beta, mean, std, mode='low_mem'):
    """(inputs - mean) gamma / std + beta"""
    return (inputs - mean) * (gamma / std) + beta


def binary_crossentropy(output, target):
    """-(target log(output) + (1 - target) log(1 - output)), for each element."""
    return -(target * pt.log(output) + (1.0 - target) * pt.log(1.0 - output))


def categorical_crossentropy(coding_dist, true_dist):
    """The cross-entropy of each row of coding_dist, a vector.

    true_dist : a matrix of probabilities, or a vector with the number of the class of each row
    """
    if true_dist.ndim == coding_dist.ndim:
        return -pt.sum(true_dist * pt.log(coding_dist), axis=coding_dist.ndim - 1)
    if true_dist.ndim == coding_dist.ndim - 1:
        return crossentropy_categorical_1hot(coding_dist, true_dist)
    raise TypeError(f'true_dist has {true_dist.ndim} dimensions; expected {coding_dist.ndim} or {coding_dist.ndim - 1}')


def crossentropy_categorical_1hot(coding_dist, true_one_of_n):
    """-log of the probability of each row's class, a vector."""
    return -pt.log(coding_dist)[pt.arange(coding_dist.shape[0]), true_one_of_n]


def crossentropy_softmax_1hot(x, y_idx):
    """The cross-entropies of softmax(x) with the classes y_idx, and softmax(x)."""
    return -logsoftmax(x)[pt.arange(y_idx.shape[0]), y_idx], softmax(x)


def crossentropy_softmax_1hot_with_bias(x, b, y_idx):
    """crossentropy_softmax_1hot(x + b, y_idx)"""
    return crossentropy_softmax_1hot(x + b, y_idx)


def crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx):
    """crossentropy_softmax_1hot(x + b, y_idx), and the predicted classes."""
    return (*crossentropy_softmax_1hot(x + b, y_idx), pt.argmax(x + b, axis=1))


NAMES = {name: value for name, value in globals().items() if getattr(value, '__module__', None) == __name__
         and not name.startswith('_')} | {'sigmoid': sigmoid, 'softplus': softplus, 'softmax_graph': softmax}
