"""Fork while Numba compiles for an Op. Print whether it had to, and the child's exit status after it called the Op."""
import os
import signal

import numpy as np
import pytensor
import pytensor.tensor as pt

from theano_tutorial.nnet import rows_of, sigmoid_cross_entropy

x, a = pt.matrices('xa')
L = pytensor.function([x, a], sigmoid_cross_entropy(x, a)[0], mode='FAST_COMPILE')
child = os.fork()
if child:
    print(len(rows_of(x.dtype).signatures), os.waitpid(child, 0)[1])
else:
    signal.alarm(60)  # to end if it waits for a lock
    os._exit(not np.allclose(L(*np.zeros((2, 2, 3))), 3 * np.log(2)))
