"""Multiply with the library of test_blas.py: again and again, from two threads at once, and in a forked process.

With more threads than cores, which take the chunks of a product in any order; each product must have the same bits.
"""
import ctypes
import os
import sys
import threading

os.environ['LARGE_GEMM_THREADS'] = '5'  # read at the first large product
import numpy as np  # noqa: E402

library = ctypes.CDLL(sys.argv[1])
m, n, k = 600, 50, 784
random = np.random.RandomState(0)
a, b = random.uniform(size=(k, m)), random.uniform(size=(n, k))  # BLAS stores them by columns
lengths = [ctypes.byref(ctypes.c_int(length)) for length in (m, n, k)]
one, zero = (ctypes.byref(ctypes.c_double(value)) for value in (1, 0))


def product():
    c = np.full((n, m), np.nan)
    library.float64(b'N', b'N', *lengths, one, a.ctypes, lengths[0], b.ctypes, lengths[2], zero, c.ctypes, lengths[0])
    return c.tobytes()


first = product()
np.testing.assert_allclose(np.frombuffer(first).reshape(n, m), b @ a)


def compare(results):
    results += [product() == first for _ in range(30)]


alone, at_once = [], []
compare(alone)
threads = [threading.Thread(target=compare, args=(at_once,)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if all(alone):
    print('the same bits')
if len(at_once) == 60 and all(at_once):
    print('the same bits', flush=True)

child = os.fork()  # without the helpers
if child == 0:
    if product() == first:
        print('the same bits', flush=True)
    os._exit(0)
os.waitpid(child, 0)
