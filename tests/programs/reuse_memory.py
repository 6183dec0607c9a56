"""Print how many pages the system gives for arrays that are as large as some that were freed before."""
import resource

import numpy as np

from theano_tutorial.compute import backend

backend.use_fastest()
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(2 ** 20) for _ in range(10)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
