# -*- coding: utf-8 -*-
"""Theano 0.8.2 runs the page: it draws data/original/*.png and writes tests/golden.json.

Theano 0.8.2 needs Python 2.7, numpy 1.11.3, a C++ compiler and OpenBLAS. On Debian or Ubuntu, with a Python 2.7:

    apt-get install g++ libopenblas-dev
    virtualenv -p python2.7 theano-env                  # virtualenv < 20.22
    theano-env/bin/pip install numpy==1.11.3 scipy==0.18.1 six==1.10.0 Theano==0.8.2 Pillow==6.2.2
    theano-env/bin/python tests/theano_oracle.py        # from the project's folder; about 8 minutes

The model stands here once more, as short as Theano allows, so that nothing of this project's code is its own judge.
"""
from __future__ import division, print_function

import cPickle
import gzip
import hashlib
import json
import os
import subprocess
import sys

FLOATX = sys.argv[1] if len(sys.argv) > 1 else 'float64'
os.environ['THEANO_FLAGS'] = 'floatX=%s,blas.ldflags=-lopenblas' % FLOATX

import numpy as np  # noqa: E402
import theano  # noqa: E402
import theano.tensor as T  # noqa: E402
from PIL import Image  # noqa: E402
from theano.sandbox.rng_mrg import MRG_RandomStreams  # noqa: E402
from theano.tensor.nnet import conv2d  # noqa: E402
from theano.tensor.shared_randomstreams import RandomStreams  # noqa: E402
from theano.tensor.signal.pool import pool_2d  # noqa: E402

TESTS = os.path.dirname(os.path.abspath(__file__))
ORIGINAL = os.path.join(TESTS, os.pardir, 'data', 'original')
PAGE = dict(learning_rate=0.1, batch_size=20, n_hidden=100, seed=123)


def load():
    with gzip.open(os.path.join(TESTS, os.pardir, 'data', 'mini_mnist.pkl.gz')) as data:
        return cPickle.load(data)


def seeded(seed):
    numpy_rng = np.random.RandomState(seed)
    return numpy_rng, RandomStreams(numpy_rng.randint(2 ** 30))


def build(numpy_rng, theano_rng, images, corruption_level, learning_rate, batch_size, n_hidden, seed=None):
    """A denoising autoencoder (a plain one when corruption_level is None): its function from the index of a minibatch
    to the cost, which trains it, its function from images to reconstructions, and its shared W."""
    n_visible = images.shape[1]
    bound = 4 * np.sqrt(6.0 / (n_hidden + n_visible))
    W = theano.shared(np.asarray(numpy_rng.uniform(-bound, bound, (n_visible, n_hidden)), theano.config.floatX))
    b = theano.shared(np.zeros(n_hidden, theano.config.floatX))
    b_prime = theano.shared(np.zeros(n_visible, theano.config.floatX))
    data = theano.shared(np.asarray(images, theano.config.floatX))
    x, index = T.matrix(), T.lscalar()

    def reconstruct(visible):
        return T.nnet.sigmoid(T.dot(T.nnet.sigmoid(T.dot(visible, W) + b), W.T) + b_prime)

    if corruption_level is None:
        z = reconstruct(x)
    else:
        z = reconstruct(theano_rng.binomial(size=x.shape, n=1, p=1 - corruption_level, dtype=theano.config.floatX) * x)
    cost = T.mean(-T.sum(x * T.log(z) + (1 - x) * T.log(1 - z), axis=1))
    step = theano.function(
        [index], cost, givens={x: data[index * batch_size:(index + 1) * batch_size]},
        updates=[(param, param - learning_rate * T.grad(cost, param)) for param in (W, b, b_prime)])
    return step, theano.function([x], reconstruct(x)), W


def train(numpy_rng, theano_rng, images, epochs, corruption_level, **settings):
    """Build a model and train it: its mean cost of each epoch, its function to reconstructions, and its weights."""
    step, reconstruct, W = build(numpy_rng, theano_rng, images, corruption_level, **settings)
    n_train_batches = len(images) // settings['batch_size']
    costs = [float(np.mean([step(i) for i in range(n_train_batches)])) for _ in range(epochs)]
    return costs, reconstruct, W.get_value()


def save_tiles(rows, name):
    """The first 100 rows as 28 x 28 tiles, 10 x 10 of them one pixel apart, each scaled to 0..255 on its own."""
    picture = np.zeros((289, 289), np.uint8)
    for k, row in enumerate(rows[:100]):
        tile = row.reshape(28, 28).copy()
        tile -= tile.min()
        tile *= 1.0 / (tile.max() + 1e-8)
        top, left = k // 10 * 29, k % 10 * 29
        picture[top:top + 28, left:left + 28] = tile * 255
    Image.fromarray(picture).save(os.path.join(ORIGINAL, name + '.png'))


def page(datasets):
    """The page from top to bottom: the cost of each epoch, and every 997th weight. Draws the pictures in float64."""
    digits = np.asarray(datasets[2][0], theano.config.floatX)
    if FLOATX == 'float64':
        save_tiles(digits, 'test_image')
    for model, corruption_level, filters, reconstructed in (
            ('autoencoder', None, 'filters_no_corruption', 'autoencoded_image'),
            ('denoising_autoencoder', 0.3, 'filters_corruption_30', 'dAed_image')):
        numpy_rng, theano_rng = seeded(123)
        if corruption_level:
            theano_rng.binomial(size=(10, 10), n=1, p=1 - corruption_level)
        printed, reconstruct, W = train(numpy_rng, theano_rng, datasets[0][0], 200, corruption_level, **PAGE)
        if FLOATX == 'float64':
            save_tiles(W.T, filters)
            save_tiles(reconstruct(digits[:100]), reconstructed)
        yield {'floatX': FLOATX, 'model': model, 'costs': printed, 'W': W.ravel()[::997].tolist()}


def logistic_regression(datasets):
    """Ten epochs of the logistic regression on the page's minibatches: the cost of each, every 97th weight, and the
    probabilities of all classes for 25 test images."""
    x, y, index = T.matrix(), T.ivector(), T.lscalar()
    W = theano.shared(np.zeros((784, 10), theano.config.floatX))
    b = theano.shared(np.zeros(10, theano.config.floatX))
    p_y_given_x = T.nnet.softmax(T.dot(x, W) + b)
    cost = -T.mean(T.log(p_y_given_x)[T.arange(y.shape[0]), y])
    images = theano.shared(np.asarray(datasets[0][0], theano.config.floatX))
    labels = theano.shared(np.asarray(datasets[0][1], 'int32'))
    step = theano.function(
        [index], cost, givens={x: images[index * 60:(index + 1) * 60], y: labels[index * 60:(index + 1) * 60]},
        updates=[(param, param - 0.13 * T.grad(cost, param)) for param in (W, b)])
    costs = [float(np.mean([step(i) for i in range(len(datasets[0][0]) // 60)])) for _ in range(10)]
    probabilities = theano.function([x], p_y_given_x)(np.asarray(datasets[2][0][:25], theano.config.floatX))
    return {'floatX': FLOATX, 'costs': costs, 'W': W.get_value().ravel()[::97].tolist(),
            'probabilities': probabilities.tolist()}


def elementwise():
    """Sigmoid, softplus and the gradient of the first, below, at and above the limits of Theano's C code."""
    x = T.vector()
    y = T.nnet.sigmoid(x)
    function = theano.function([x], [y, T.grad(T.sum(y), x), T.nnet.softplus(x)])
    limits = [-745.0, -709.0, -103.0, -88.0, 14.0, 15.0, 16.0, 19.0]
    values = np.asarray(sorted([-800.0, -30.0, -2.5, 0.0, 0.3, 7.0, 12.0, 40.0, 800.0]
                               + [limit + step for limit in limits for step in (-1e-3, 0.0, 1e-3)]),
                        theano.config.floatX)
    return dict(zip(('floatX', 'x', 'sigmoid', 'gradient', 'softplus'),
                    [FLOATX, values.tolist()] + [output.tolist() for output in function(values)]))


def draws(variable, times):
    draw = theano.function([], variable)
    for _ in range(times):
        values = draw()
        if values.size > 12:
            yield {'dtype': str(values.dtype), 'sha256': hashlib.sha256(values.tobytes()).hexdigest()}
        else:
            yield {'dtype': str(values.dtype), 'values': values.tolist()}


def drawn(theano_rng, seed, asked, variables):
    """What the streams of one RandomStreams give: three calls of each variable, and one more after seed(5)."""
    results = [list(draws(variable, 3)) for variable in variables]
    theano_rng.seed(5)
    for variable, result in zip(variables, results):
        result.extend(draws(variable, 1))
    return {'floatX': FLOATX, 'seed': seed,
            'streams': [{'name': name, 'arguments': arguments, 'draws': result}
                        for (name, arguments), result in zip(asked, results)]}


def streams():
    """What the streams of a RandomStreams give, for some seeds."""
    asked = [
        ('binomial', dict(size=(10, 10), n=1, p=0.7, dtype=theano.config.floatX)),
        ('binomial', dict(size=(7,), n=1, p=0.5)),
        ('binomial', dict(size=(3, 4), n=1, p=0.1, dtype='int32')),
        ('binomial', dict(size=(2, 3, 2), n=1, p=0.0)),
        ('binomial', dict(size=(2, 3), n=1, p=1.0)),
        ('binomial', dict(size=(500, 784), n=1, p=0.7)),
        ('binomial', dict(size=(500, 784), n=1, p=0.25)),
        ('binomial', dict(size=(4, 5), n=10, p=0.3)),
        ('binomial', dict(size=(300, 300), n=100, p=0.6)),
        ('binomial', dict(size=(300, 300), n=100000, p=0.73)),
        ('binomial', dict(size=(2, 4), n=[1, 2, 50, 1000], p=[0.0, 0.5, 0.9, 0.2])),
        ('binomial', dict(size=None, n=5, p=[0.2, 0.4, 0.0, 1.0])),
        ('uniform', dict(size=(4, 3))),
        ('uniform', dict(size=(500, 784))),
        ('uniform', dict(size=(5,), low=-3.0, high=5.0)),
        ('uniform', dict(size=(500, 300), low=0.1, high=0.7)),
        ('uniform', dict(size=(300, 300), low=-0.3, high=0.1, dtype='float64')),
        ('uniform', dict(size=(2, 3), low=2, high=9, dtype='float32')),
        ('uniform', dict(size=None, low=[0.0, 1.0, 2.5], high=[1.0, 7.0, 2.5])),
        ('normal', dict(size=(4, 3))),
        ('normal', dict(size=(5,), avg=-1.0, std=2.0)),
        ('normal', dict(size=None, avg=[0.0, 1.0, 2.5], std=[1.0, 0.1, 3.0])),
        ('random_integers', dict(size=(20, 20), low=-5, high=5)),
        ('random_integers', dict(size=(7,))),
        ('random_integers', dict(size=(6,), low=0, high=2 ** 40)),
        ('random_integers', dict(size=None, low=[100, 200, 300], high=[110, 220, 330])),
        ('choice', dict(size=(4, 3), a=10)),
        ('choice', dict(size=(5,), a=[3, 5, 9, 20, 31], replace=False)),
        ('choice', dict(size=(6,), a=4, p=[0.1, 0.2, 0.3, 0.4])),
        ('poisson', dict(size=(10, 10), lam=3.5)),
        ('poisson', dict(size=(300, 300), lam=50.0)),
        ('permutation', dict(size=(3,), n=10)),
        ('permutation', dict(n=7)),
        ('multinomial', dict(size=(4, 4), n=1, pvals=[0.1] * 10)),
        ('multinomial', dict(size=(3,), n=20, pvals=[0.5, 0.3, 0.2, 0.0])),
        ('multinomial', dict(size=None, n=[1, 2, 30], pvals=[[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])),
        # Where PyTensor, or the numpy of today, does not do the same by itself.
        ('binomial', dict(size=(4,), n=20.0, p=0.3)),
        ('uniform', dict(size=(-1, -1), low=[[0.0], [1.0]], high=[2.0, 3.0, 4.0])),
        ('uniform', dict(size=(3,), dtype='floatX')),
        ('random_integers', dict(size=(5,), low=-128, high=127)),
        ('random_integers', dict(size=(3,), low=[-100, 0, 100], high=127)),
        ('random_integers', dict(size=(4,), low=-2 ** 60, high=2 ** 60)),
        ('choice', dict(size=(4,), a=9, p=0)),
        ('permutation', dict(n=5, ndim=1)),
        ('multinomial', dict(size=(3,), n=20, pvals=[0.0, 0.5, 0.5])),
        ('multinomial', dict(size=None, n=[0, 30, 0, 30], pvals=[0.4, 0.6])),
    ]
    for seed in (123, 0, 2 ** 30 - 1):
        theano_rng = RandomStreams(seed)
        variables = [getattr(theano_rng, name)(**arguments) for name, arguments in asked]
        yield drawn(theano_rng, seed, asked, variables)


# Names that PyTensor lacks, or has with another meaning, and operators; x, y, k and n are below.
EXPRESSIONS = [
    'T.maximum(x, y)', 'T.maximum(x, 0)', 'T.maximum(0, x)', 'T.maximum(x, x)', 'T.maximum(k, 2)', 'T.minimum(x, y)',
    'T.minimum(x, 0)', 'T.max(m, axis=1)', 'T.clip(x, -1, 1)', 'abs(x)', 'T.round(x)', 'T.iround(x)', 'x.round()',
    'T.ceil(k)', 'T.floor(n)', 'T.trunc(x)', 'T.inv(y + 9)', 'T.sqr(x)', 'T.sgn(x)', 'T.stack(x, y)',
    'T.stack([x, y], axis=1)', 'T.flatten(T.stack([m, m]), outdim=2)', 'T.addbroadcast(m[:1], 0) + m',
    'T.patternbroadcast(m[:1], (True, False)) + m', 'T.Rop(x ** 2, x, y)', 'T.Lop(x ** 2, x, y)',
    'T.eq(x, y)', 'T.isnan(x)', 'T.all(x > 0)', 'T.mean(T.neq(k, 2))', 'x > y', '-(x >= 0)', '~(x < y)',
    '(x > 0) + (y > 0)', 'T.dot(x > 0, y > 0)', 'T.and_(x > 0, y <= 0)', 'T.switch(x > 0, x, y)', 'x[x > 0]',
    'x[(x > 0).nonzero()]',
    'k / 2', 'n / k[1]', 'k / 2.', 'x / 2', 'k // 2', 'k % 3', 'x % 2', 'k.mean()', 'n.sum()', 'n * n', 'n + 100',
    '1 if x else 2', '1 if not x.sum() else 2',
    'T.nnet.relu(x)', 'T.nnet.relu(x, 0.1)', 'T.nnet.elu(x)', 'T.nnet.hard_sigmoid(0.9 * x)', 'T.nnet.hard_sigmoid(n)',
    'T.nnet.ultra_fast_sigmoid(3 * x)', 'T.nnet.sigmoid(9 * x)', 'T.nnet.softplus(9 * x)', 'T.nnet.softmax(x)',
    'T.nnet.softmax(m)', 'T.nnet.logsoftmax(m)', 'T.nnet.softmax_with_bias(m, x[:3])',
    'T.nnet.binary_crossentropy(T.nnet.sigmoid(x), y)',
    'T.nnet.categorical_crossentropy(T.nnet.softmax(m), T.arange(3))',
    'T.nnet.categorical_crossentropy(T.nnet.softmax(m), T.eye(3))',
    'T.nnet.crossentropy_categorical_1hot(T.nnet.softmax(m), T.arange(3))',
    'T.nnet.crossentropy_softmax_1hot_with_bias(m, x[:3], T.arange(3))[0]',
    'T.nnet.crossentropy_softmax_argmax_1hot_with_bias(m, x[:3], T.arange(3))[2]',
    'T.nnet.conv2d(x.reshape((1, 1, 2, 5)), m.reshape((1, 1, 3, 3))[:, :, :2, :2])',
    'theano.function([s, theano.In(t, value=2.), theano.Param(u, default=3., name="w")], s + t + 99 * u)(4.)',
    'theano.function([s, theano.In(t, value=2.), theano.Param(u, default=3., name="w")], s + t + 99 * u)(4., w=5.)',
    'theano.function([s, theano.In(t, value=2.)], s + 10 * t)(4., 5.)',
    'theano.scan(lambda v, total: v + total, sequences=x, outputs_info=0 * x[0])[0]',
    'theano.clone(x * 2, replace={x: y})', 'theano.map(lambda v: v * 2, x)[0]', 'T.jacobian(x ** 2, x)',
]


def expressions():
    """The value of each expression and, of those of floats, the gradient of its sum with respect to x."""
    x, y, m, k, n = variables = T.vector('x'), T.vector('y'), T.matrix('m'), T.lvector('k'), T.bvector('n')
    values = [np.array([-2.5, -1.5, -1, -.5, 0, .3, .5, 1, 1.5, 2.5]),
              np.array([-2.5, 1.5, -1, .5, 0, 0, .5, -1, 2, 2.5]),
              np.array([[1., 1, -2], [0, 0, 0], [3, -1, 3]]),
              np.array([-7, 2, -1, 0, 7]),
              np.array([-100, 3, 100], 'int8')]
    names = dict(theano=theano, T=T, x=x, y=y, m=m, k=k, n=n, s=T.scalar('s'), t=T.scalar('t'), u=T.scalar('u'))
    yield {'values': {variable.name: value.tolist() for variable, value in zip(variables, values)}}
    for expression in EXPRESSIONS:
        result = eval(compile(expression, 'expression', 'eval', 0, True), names)  # without this file's division
        gradient = None
        if isinstance(result, theano.Variable):
            if result.dtype == 'float64' and 'ultra' not in expression:
                gradient = T.grad(result.sum(), x, disconnected_inputs='ignore')
            outputs = [result] + [gradient] * (gradient is not None)
            found = theano.function(variables, outputs, on_unused_input='ignore')(*values)
            result, gradient = found[0], found[1].tolist() if gradient is not None else None
        result = np.asarray(result)
        yield {'expression': expression, 'dtype': str(result.dtype), 'value': result.tolist(), 'gradient': gradient}


def mrg_streams():
    """As streams(), of MRG_RandomStreams. In the arguments size_of stands for the symbolic shape of such an array."""
    pvals = np.random.RandomState(3).dirichlet(np.ones(4), 5).tolist()
    asked = [
        ('uniform', dict(size=(4, 3))),
        ('uniform', dict(size=(500, 784))),
        ('uniform', dict(size=(7,), low=-3.0, high=5.0)),
        ('uniform', dict(size=(5,), nstreams=2)),
        ('uniform', dict(size=(4,), dtype='float32')),
        ('uniform', dict(size=(4,), dtype='float64')),
        ('uniform', dict(size_of=(200, 100))),
        ('binomial', dict(size=(10, 10), p=0.7, dtype=theano.config.floatX)),
        ('binomial', dict(size=(3, 4), p=0.1)),
        ('binomial', dict(size_of=(20, 784), p=0.7)),
        ('normal', dict(size=(4, 3))),
        ('normal', dict(size=(5,), avg=-1.0, std=2.0)),
        ('normal', dict(size_of=(3, 3))),
        ('normal', dict(size=(2, 2), nstreams=60 * 256)),
        ('multinomial', dict(pvals=pvals)),
        ('multinomial', dict(pvals=pvals, n=30, dtype='auto')),
        ('multinomial_wo_replacement', dict(pvals=pvals, n=3)),
    ]
    for seed in (12345, [1, 2, 3, 4, 5, 6]):
        theano_rng = MRG_RandomStreams(seed)
        variables = []
        for name, arguments in asked:
            arguments = dict(arguments)
            if 'size_of' in arguments:
                arguments['size'] = theano.shared(np.zeros(arguments.pop('size_of'))).shape
            variables.append(getattr(theano_rng, name)(**arguments))
        yield drawn(theano_rng, seed, asked, variables)


def of_images():
    """Convolutions and poolings of images of small integers, and the gradients of half the sum of their squares. They
    have no rounding, so a hash of each is enough, and it is the same in float32; what is hashed is float64."""
    random = np.random.RandomState(2016)
    images = np.asarray(random.randint(-4, 5, (2, 3, 7, 6)), theano.config.floatX)
    filters = np.asarray(random.randint(-4, 5, (4, 3, 3, 2)), theano.config.floatX)
    asked = [('conv2d', dict(border_mode=border_mode, subsample=subsample, filter_flip=filter_flip))
             for border_mode in ('valid', 'full', 'half', 1, (2, 0))
             for subsample, filter_flip in (((1, 1), True), ((2, 3), False))]
    asked += [('pool_2d', dict(ds=ds, ignore_border=ignore_border, st=st, padding=padding, mode=mode))
              for mode in ('max', 'sum', 'average_inc_pad', 'average_exc_pad')
              for ds, st in (((2, 2), None), ((2, 2), (1, 1)), ((2, 2), (3, 2)), ((3, 2), (2, 3)))
              for ignore_border, padding in ((True, (0, 0)), (False, (0, 0)), (True, (1, 1)))
              # 6 divides with rounding, and Theano has no gradient of the last.
              if (ds == (2, 2) or mode in ('max', 'sum')) and (mode != 'average_exc_pad' or padding == (0, 0))]
    x, w = T.tensor4(), T.tensor4()
    for name, arguments in asked:
        y = conv2d(x, w, **arguments) if name == 'conv2d' else pool_2d(x, **arguments)
        inputs = [x, w] if name == 'conv2d' else [x]
        values = theano.function(inputs, [y] + T.grad(T.sum(y ** 2) / 2, inputs))(*[images, filters][:len(inputs)])
        yield {'name': name, 'arguments': arguments, 'shape': values[0].shape,
               'sha256': [hashlib.sha256((value.astype(np.float64) + 0).tobytes()).hexdigest() for value in values]}


def costs(datasets):
    """Costs of three epochs at the page's settings and at others."""
    for settings in (dict(PAGE),
                     dict(learning_rate=0.05, batch_size=50, n_hidden=30, seed=7),
                     dict(learning_rate=0.2, batch_size=7, n_hidden=64, seed=2016)):
        for corruption_level in (None, 0.0, 0.3, 0.75):
            numpy_rng, theano_rng = seeded(settings['seed'])
            printed, _, _ = train(numpy_rng, theano_rng, datasets[0][0][:1000], 3, corruption_level, **settings)
            yield dict(settings, floatX=FLOATX, corruption_level=corruption_level, images=1000, costs=printed)


def main():
    golden = {'streams': list(streams()), 'costs': list(costs(load())), 'page': list(page(load())),
              'logistic_regression': [logistic_regression(load())], 'elementwise': [elementwise()],
              'mrg_streams': list(mrg_streams()), 'of_images': list(of_images()) if FLOATX == 'float64' else []}
    if FLOATX == 'float32':
        json.dump(golden, sys.stdout)
        return
    other = json.loads(subprocess.check_output([sys.executable, os.path.abspath(__file__), 'float32']))
    golden = {key: golden[key] + other[key] for key in golden}
    golden['expressions'] = list(expressions())
    golden['written_by'] = 'Theano %s, numpy %s' % (theano.__version__, np.__version__)
    with open(os.path.join(TESTS, 'golden.json'), 'w') as out:
        json.dump(golden, out, indent=1, sort_keys=True, separators=(',', ': '))
    with open(os.path.join(ORIGINAL, 'record.json')) as record:
        record = json.load(record)
    for run in golden['page'][:2]:
        print('%s: %d of 20 costs as the page printed them' % (
            run['model'], sum('%f' % run['costs'][epoch] == cost for epoch, cost in record[run['model']]['costs'])))


if __name__ == '__main__':
    main()
