"""Theano's convolution and pooling of images: tensor.nnet.conv2d and tensor.signal.pool.pool_2d.

A convolution is a matrix product with the windows of the images, copied side by side, by NumPy in every backend.
PyTensor has signal.convolve2d, which is for one image and much slower.
"""
import warnings

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.scalar import upcast

from theano_tutorial.compute.jit import for_numba

COPIED = 2 ** 18  # numbers in the windows that are copied at a time, so that they stay in the processor's cache
# Arguments of Theano's older conv2d that told it how to compute.
IGNORED = {'unroll_batch', 'unroll_kern', 'unroll_patch', 'openmp', 'version', 'verbose', 'direction_hint'}


def _parts(images, size, stride):
    """For each place in a window, a view of the pixels there of all windows. size, stride : (rows, columns)"""
    rows, columns = (images.shape[i] - size[i - 2] + 1 for i in (2, 3))
    return [images[:, :, i:i + rows:stride[0], j:j + columns:stride[1]] for i, j in np.ndindex(*size)]


def _number(length, size, stride):
    return (length - size) // stride + 1


class Correlation(Op):
    """One of images (b, c, h, w), filters (f, c, k, l) and maps (b, f, m, n) from the two others, in this order:

        maps[b, f, i, j] = sum over c, p, q of images[b, c, s i + p, t j + q] filters[f, c, p, q]

    or the derivative of sum(maps * given maps) by the one that is wanted. The derivatives of each are the two others.
    (s, t) is the stride; h = s (m - 1) + k, w = t (n - 1) + l. Raises ValueError if the shapes do not fit.
    """

    __props__ = ('wanted', 'stride')
    names = 'images', 'filters', 'maps'

    def __init__(self, wanted, stride):
        self.wanted, self.stride = wanted, stride
        self.given = [name for name in self.names if name != wanted]

    def make_node(self, a, b):
        return Apply(self, [a, b], [pt.TensorType(a.dtype, (None,) * 4)()])

    def _shape(self, a, b):
        of_axes = list(zip(a[2:], b[2:], self.stride))
        return {'images': (b[0], a[1], *(s * (m - 1) + k for k, m, s in of_axes)),
                'filters': (b[1], a[1], *(h - s * (m - 1) for h, m, s in of_axes)),
                'maps': (a[0], b[0], *(_number(h, k, s) for h, k, s in of_axes))}[self.wanted]

    def infer_shape(self, *args):
        return [self._shape(*([shape[i] for i in range(4)] for shape in args[-1]))]

    def perform(self, node, inputs, outputs):
        a, b = (value.shape for value in inputs)
        shape = self._shape(a, b)
        if self.wanted == 'maps' and (a[1] != b[1] or min(shape[2:]) < 1):
            raise ValueError(f'images of shape {a} do not fit filters of shape {b}')
        out = (np.empty if self.wanted == 'maps' else np.zeros)(shape, node.outputs[0].dtype)
        values = dict(zip(self.given, inputs)) | {self.wanted: out}
        images, filters, maps = (values[name] for name in self.names)
        (n_images, channels, *_), (n_filters, _, *size), places = images.shape, filters.shape, maps.shape[2:]
        matrix, maps = filters.reshape(n_filters, -1), maps.reshape(n_images, n_filters, places[0] * places[1])
        # The windows of `step` images at a time: (channel and place in the window, place of the window).
        step = max(1, COPIED // max(1, matrix.shape[1] * maps.shape[2]))
        windows = np.empty((min(step, n_images), matrix.shape[1], maps.shape[2]), out.dtype)
        for begin in range(0, n_images, step):
            some = slice(begin, begin + step)
            parts, copied = _parts(images[some], size, self.stride), windows[:n_images - begin]
            of_parts = copied.reshape(len(copied), channels, -1, *places)
            if self.wanted == 'images':
                np.matmul(matrix.T, maps[some], out=copied)
                for k, part in enumerate(parts):
                    part += of_parts[:, :, k]
            else:
                np.stack(parts, axis=2, out=of_parts)
                if self.wanted == 'maps':
                    np.matmul(matrix, copied, out=maps[some])
                else:
                    matrix += (maps[some] @ copied.transpose(0, 2, 1)).sum(axis=0)
        outputs[0][0] = out

    def pullback(self, inputs, outputs, output_grads):
        values = dict(zip(self.given, inputs)) | {self.wanted: output_grads[0]}
        return [Correlation(wanted, self.stride)(*(values[name] for name in self.names if name != wanted))
                for wanted in self.given]


class MaxPool(Op):
    """The maximum of each window of images (b, c, h, w). Raises ValueError if they are smaller than a window."""

    __props__ = ('size', 'stride')

    def __init__(self, size, stride):
        self.size, self.stride = size, stride

    def make_node(self, *inputs):
        return Apply(self, inputs, [pt.TensorType(inputs[0].dtype, (None,) * 4)()])

    def infer_shape(self, *args):
        (b, c, *lengths), = args[-1]
        return [(b, c, *map(_number, lengths, self.size, self.stride))]

    def perform(self, node, inputs, outputs):
        if any(length < size for length, size in zip(inputs[0].shape[2:], self.size)):
            raise ValueError(f'images of shape {inputs[0].shape} are smaller than a window, {self.size}')
        first, *others = _parts(inputs[0], self.size, self.stride)
        out = outputs[0][0] = first.copy()
        for part in others:
            np.maximum(out, part, out=out)

    def pullback(self, inputs, outputs, output_grads):
        return [MaxPoolGradient(self.size, self.stride)(*inputs, *outputs, *output_grads)]


class MaxPoolGradient(MaxPool):
    """The gradient by the images: as in Theano, all pixels that equal the maximum of a window get its gradient."""

    def make_node(self, *inputs):
        return Apply(self, inputs, [inputs[0].type()])

    def infer_shape(self, *args):
        return args[-1][:1]

    def perform(self, node, inputs, outputs):
        images, maxima, gradient = inputs
        outputs[0][0] = np.zeros_like(images, order='C')
        for part, pixels in zip(*(_parts(array, self.size, self.stride) for array in (outputs[0][0], images))):
            part += gradient * (pixels == maxima)

    def pullback(self, inputs, outputs, output_grads):
        raise NotImplementedError('max pooling has no second derivative here')


@for_numba(Correlation)
@for_numba(MaxPool)
def call_perform(op, node, **kwargs):
    from pytensor.link.numba.dispatch.basic import generate_fallback_impl
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # that it does so
        return generate_fallback_impl(op, node), None  # Numba cannot keep on disk what calls Python


def _pair(name, values, least):
    if not isinstance(values, tuple | list) or len(values) != 2 or any(
            not isinstance(value, int | np.integer) or value < least for value in values):
        raise ValueError(f'{name} is {values!r}; it must be two integers, at least {least}')
    return tuple(map(int, values))


def _pad(images, before, after, value=0):
    """The images with (rows, columns) of a value before and after them."""
    (b, c), lengths = images.shape[:2], images.shape[2:]
    padded = pt.alloc(np.array(value, images.dtype), b, c, *(lengths[i] + before[i] + after[i] for i in (0, 1)))
    return padded[:, :, before[0]:before[0] + lengths[0], before[1]:before[1] + lengths[1]].set(images)


def _correlate(images, filters, stride):
    if stride != (1, 1):  # without the rows and columns after the last window
        rest = [(images.shape[i] - filters.shape[i]) % stride[i - 2] for i in (2, 3)]
        images = images[:, :, :images.shape[2] - rest[0], :images.shape[3] - rest[1]]
    return Correlation('maps', stride)(images, filters)


def conv2d(input, filters, input_shape=None, filter_shape=None, border_mode='valid', subsample=(1, 1),
           filter_flip=True, image_shape=None, **ignored):
    """The convolution of images (b, c, h, w) with filters (f, c, k, l). tensor.nnet.conv.conv2d is this, too.

    input_shape, filter_shape, image_shape : ignored
    border_mode : zeros around the images: 'valid' (none), 'full' (k - 1 rows, l - 1 columns), 'half' (k // 2, l // 2),
        an integer, or (rows, columns)
    subsample : (s, t), of the maps only every s-th row and t-th column
    filter_flip : False for the correlation

    Raises TypeError or ValueError for arguments that do not fit.
    """
    if unknown := ignored.keys() - IGNORED:
        raise TypeError(f'conv2d has no argument {min(unknown)} here')
    images, filters = pt.as_tensor_variable(input), pt.as_tensor_variable(filters)
    if images.ndim != 4 or filters.ndim != 4:
        raise TypeError(f'input has {images.ndim} dimensions, and filters have {filters.ndim}; both must have 4')
    dtype, k, stride = upcast(images.dtype, filters.dtype), filters.shape[2:], _pair('subsample', subsample, 1)
    images, filters = images.astype(dtype), filters.astype(dtype)
    if isinstance(border_mode, str) and border_mode not in ('valid', 'full', 'half'):
        raise ValueError(f"border_mode is {border_mode!r}; it must be 'valid', 'full', 'half', an integer or a pair")
    if border_mode != 'valid':
        border = {'full': (k[0] - 1, k[1] - 1), 'half': (k[0] // 2, k[1] // 2)}.get(str(border_mode)) or _pair(
            'border_mode', (border_mode,) * 2 if isinstance(border_mode, int) else border_mode, 0)
        images = _pad(images, border, border)
    return _correlate(images, filters[:, :, ::-1, ::-1] if filter_flip else filters, stride)


def pool_2d(input, ws=None, ignore_border=None, stride=None, pad=(0, 0), mode='max', ds=None, st=None, padding=None):
    """The maximum, sum or mean of each window of images (..., h, w).

    tensor.signal.downsample.max_pool_2d is this, too.

    ws : (rows, columns) of a window; ds is its older name
    ignore_border : whether windows that are not complete are left out; None is False
    stride : (rows, columns) from one window to the next, by default ws; st is its older name
    pad : (rows, columns) around the images, only with ignore_border=True; padding is its older name
    mode : 'max', 'sum', 'average_inc_pad' or 'average_exc_pad', the mean with or without what pad added

    Raises ValueError for arguments that do not fit.
    """
    size = _pair('ws', ws or ds, 1)
    stride, pad = _pair('stride', stride or st or size, 1), _pair('pad', padding or pad, 0)
    if mode not in ('max', 'sum', 'average_inc_pad', 'average_exc_pad'):
        raise ValueError(f"mode is {mode!r}; it must be 'max', 'sum', 'average_inc_pad' or 'average_exc_pad'")
    if any(pad) and not ignore_border or pad[0] >= size[0] or pad[1] >= size[1]:
        raise ValueError(f'pad is {pad}; it must be less than ws, {size}, and ignore_border True')
    input = pt.as_tensor_variable(input)
    if input.ndim < 2:
        raise TypeError(f'input has {input.ndim} dimensions; it must have at least 2')
    lengths, after = input.shape[-2:], pad
    if not ignore_border:
        after = [pt.maximum(0, _covered(lengths[i], size[i], stride[i]) - lengths[i]) for i in (0, 1)]

    def surrounded(images, value):
        return _pad(images, pad, after, value) if any(pad) or not ignore_border else images

    def sums(images, value):
        return _correlate(surrounded(images, value), pt.ones((1, 1, *size), images.dtype), stride)

    images = input.reshape((-1, 1, *lengths))
    if mode == 'max':
        lowest = -np.inf if images.dtype.startswith('float') else np.iinfo(images.dtype).min
        pooled = MaxPool(size, stride)(surrounded(images, lowest))
    else:
        pooled = sums(images, 0)
    if mode.startswith('average'):
        counted = mode == 'average_inc_pad' and ignore_border
        pooled /= sums(pt.ones((1, 1, *lengths), images.dtype), int(counted))[0, 0]
    return pooled.reshape((*(input.shape[i] for i in range(input.ndim - 2)), pooled.shape[2], pooled.shape[3]))


def _covered(length, size, stride):
    """The length that windows cover, the last of which may not be complete."""
    last = (length - 1) // stride if stride >= size else pt.maximum(0, (length - 1 - size) // stride + 1)
    return last * stride + size
