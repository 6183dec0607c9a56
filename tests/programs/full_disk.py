"""Save an image and a model where no file may grow beyond 2000 bytes, and print the errors."""
import resource

import numpy as np

from theano_tutorial.storage import save_arrays, save_image

resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
noise = np.random.RandomState(0).randint(0, 256, (100, 100)).astype(np.uint8)
for save in (lambda: save_image(noise, './image.png')), (lambda: save_arrays('model.npz', 'test', noise=noise)):
    try:
        save()
    except OSError as error:
        print(error)
