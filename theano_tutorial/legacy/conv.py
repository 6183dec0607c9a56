"""theano.tensor.nnet.conv2d and theano.tensor.signal.pool.pool_2d on PyTensor."""
import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.scalar import upcast


class Correlation(Op):
    """out[b, f, i, j] = sum over c, k, l of images[b, c, i + k, j + l] * filters[f, c, k, l]"""

    __props__ = ()

    def make_node(self, images, filters):
        images, filters = map(pt.as_tensor_variable, (images, filters))
        return Apply(self, [images, filters], [pt.TensorType(upcast(images.dtype, filters.dtype), (None,) * 4)()])

    def infer_shape(self, *args):
        (b, _, h, w), (f, _, k, m) = args[-1]
        return [(b, f, h - k + 1, w - m + 1)]

    def perform(self, node, inputs, outputs):
        images, filters = inputs
        (b, c, h, w), (f, _, k, m) = images.shape, filters.shape
        rows, columns = h - k + 1, w - m + 1
        out = np.empty((b, f, rows, columns), node.outputs[0].dtype)
        if rows * columns < k * m:  # as for the gradient of the filters
            filters = filters.reshape(f, -1).T
            for i, j in np.ndindex(rows, columns):
                out[:, :, i, j] = images[:, :, i:i + k, j:j + m].reshape(b, -1) @ filters
        else:
            windows = np.lib.stride_tricks.sliding_window_view(images, (k, m), axis=(2, 3)).transpose(0, 1, 4, 5, 2, 3)
            filters = filters.reshape(f, -1)
            step = max(1, 2 ** 17 // (c * k * m * rows * columns))  # images at a time: a megabyte of windows
            for i in range(0, b, step):
                out[i:i + step] = (filters @ windows[i:i + step].reshape(-1, c * k * m, rows * columns)).reshape(
                    -1, f, rows, columns)
        outputs[0][0] = out

    def pullback(self, inputs, outputs, output_grads):
        (images, filters), (grad,) = inputs, output_grads
        return [self(_pad(grad, filters.shape[2] - 1, filters.shape[3] - 1), _swap(filters)[:, :, ::-1, ::-1]),
                _swap(self(_swap(images), _swap(grad)))]


def _swap(x):
    return x.dimshuffle(1, 0, 2, 3)


def _pad(x, rows, columns, value=0.):
    b, c, h, w = (x.shape[i] for i in range(4))
    padded = pt.alloc(pt.cast(value, x.dtype), b, c, h + 2 * rows, w + 2 * columns)
    return pt.set_subtensor(padded[:, :, rows:rows + h, columns:columns + w], x)


def conv2d(input, filters, input_shape=None, filter_shape=None, border_mode='valid', subsample=(1, 1),
           filter_flip=True, image_shape=None):
    """The convolution of images (b, channels, rows, columns) with filters (f, channels, rows, columns)."""
    k, m = filters.shape[2], filters.shape[3]
    pad = {'valid': (0, 0), 'full': (k - 1, m - 1), 'half': (k // 2, m // 2)}.get(border_mode, border_mode)
    rows, columns = (pad, pad) if isinstance(pad, int) else pad
    images = input if border_mode == 'valid' else _pad(input, rows, columns)
    out = Correlation()(images, filters[:, :, ::-1, ::-1] if filter_flip else filters)
    return out[:, :, ::subsample[0], ::subsample[1]]


def pool_2d(input, ws=None, ignore_border=False, stride=None, pad=(0, 0), mode='max', ds=None, st=None, padding=None):
    """The maxima (mode='sum': sums, 'average_inc_pad': means) of windows of ws[0] rows and ws[1] columns."""
    (rows, columns), pad = ws or ds, padding or pad
    row_step, column_step = stride or st or (rows, columns)
    reduce, lowest = {'max': (pt.max, -np.inf), 'sum': (pt.sum, 0.), 'average_inc_pad': (pt.mean, 0.)}[mode]
    x = _pad(input, *pad, value=lowest) if any(pad) else input
    if not ignore_border:
        x = pt.set_subtensor(pt.alloc(pt.cast(lowest, x.dtype), x.shape[0], x.shape[1], x.shape[2] + rows - 1,
                                      x.shape[3] + columns - 1)[:, :, :x.shape[2], :x.shape[3]], x)
    height, width = x.shape[2] - rows + 1, x.shape[3] - columns + 1
    # As in Theano, equal maxima all get the gradient.
    return reduce(pt.stack([x[:, :, i:i + height:row_step, j:j + width:column_step]
                            for i in range(rows) for j in range(columns)]), axis=0)


max_pool_2d = pool_2d
