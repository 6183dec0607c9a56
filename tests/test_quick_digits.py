"""The first printed costs of both models and their noise: small enough to run on every supported version."""
import json
import subprocess
import sys

from original import record


def test_first_digits(tmp_path):
    # In a process of its own, for warnings that would be printed at import or at exit.
    program = '''
import json
import numpy as np
from dA import Autoencoder, DenoisingAutoencoder, train
from logistic_sgd import load_data
from shared_randomstreams import RandomStreams

train_set_x = load_data('mini_mnist.pkl.gz')[0][0]
result = []
for model, corruption_level in (Autoencoder, 0.), (DenoisingAutoencoder, 0.3):
    rng = np.random.RandomState(123)
    theano_rng = RandomStreams(rng.randint(2 ** 30))
    noise = theano_rng.binomial(size=(10, 10), n=1, p=1 - 0.3).eval()
    autoencoder = model(rng, theano_rng, n_visible=784, n_hidden=100)
    result.append(['%f' % cost for cost in train(autoencoder, train_set_x, corruption_level, training_epochs=3)[0]])
print(json.dumps([result, noise.tolist()]))
'''
    run = subprocess.run([sys.executable, '-W', 'error', '-c', program], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == '... compiling Autoencoder\n... compiling DenoisingAutoencoder\n'
    (plain, denoising), noise = json.loads(run.stdout.splitlines()[-1])
    # The page printed the first of these; genuine Theano gives all six.
    assert plain == [record()['autoencoder']['costs'][0][1], '101.222285', '94.232147']
    assert denoising == [record()['denoising_autoencoder']['costs'][0][1], '108.071388', '101.286021']
    assert noise == record()['noise_10x10']
