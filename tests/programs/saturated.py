"""Train with saturated weights, where z is rounded to 0 and 1; the training must stay finite."""
import contextlib
import io

import numpy as np
import pytensor

from dA import DenoisingAutoencoder, train
from logistic_sgd import load_data
from theano_tutorial.compute import backend
from theano_tutorial.shared_randomstreams import RandomStreams

backend.use_fastest()
for floatX in 'float64', 'float32':
    pytensor.config.floatX = floatX
    with contextlib.redirect_stdout(io.StringIO()):
        images = load_data('mini_mnist.pkl.gz')[0][0].get_value()[:500]
        model = DenoisingAutoencoder(np.random.RandomState(123), RandomStreams(1), n_visible=784, n_hidden=50)
        model.W.set_value(model.W.get_value() * np.array(60, floatX))
        train(model, images, 0.3, learning_rate=1., training_epochs=3)  # raises if not finite
    print(f'{floatX}: finite')
