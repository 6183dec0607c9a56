"""Print the numbers of threads that Numba's products of two sizes set, and whether the results are right."""
import ctypes

import numpy as np
import pytensor
import pytensor.tensor as pt

from theano_tutorial.compute import backend, numba_products

find = numba_products._set_num_threads
numbers = []


def recorded():
    set_num_threads = find()

    @ctypes.CFUNCTYPE(None, ctypes.c_int)
    def record(threads):
        set_num_threads(threads)
        numbers.append(threads)
    recorded.kept = record  # compiled code calls it
    return record


numba_products._set_num_threads = recorded
print(backend.use_fastest())
x, y = pt.matrices('x', 'y')
product = pytensor.function([x, y], pt.dot(x, y.T))
for shape in (200, 500), (200, 1001):
    values = np.arange(np.prod(shape), dtype=float).reshape(shape) % 7
    numbers.clear()
    right = np.array_equal(product(values, values), np.einsum('ij,kj', values, values))
    print(*shape, *numbers, right)
