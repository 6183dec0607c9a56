"""The cross-entropy of a sigmoid for the rows of a matrix, and its gradient, in one pass; nnet.py has the formula."""
import functools
import math

import numpy as np

from theano_tutorial.compute.jit import compiled, optional


def compiled_rows(all_linear, all_one, real, integer, fraction_bits, largest, terms, ln2_high, ln2_low):
    """A compiled function (x, a) -> L, (n,), and dL / da, (n, m), of contiguous matrices (n, m) of one dtype.

    all_linear, all_one : softplus is linear above the first, the sigmoid is 1 above the second
    real, integer : that dtype, and the integers of its size
    fraction_bits : number of bits after the exponent's
    largest : |a| is cut off here, since beyond it 2 ** q has no normal number; exp(-|a|) is below 1e-37 there
    terms : of the series of exp, so many that the next one is below the rounding
    ln2_high, ln2_low : their sum is ln 2 with more digits than one number has, and q * ln2_high is exact
    """
    one, zero, half, infinity, log2_e = map(real, (1, 0, 0.5, math.inf, 1 / math.log(2)))
    largest, ln2_high, ln2_low = map(real, (largest, ln2_high, ln2_low))
    series = tuple(real(1 / math.factorial(k)) for k in range(terms))
    bias = integer(np.finfo(real).maxexp - 1)
    shift = integer(fraction_bits)
    all_linear, all_one = real(all_linear), real(all_one)

    # exp is written out because Numba's own is not vectorised; this takes a tenth of the time. The flags allow sums in
    # another order and fused multiply-add, and keep infinities and NaN.
    @compiled(error_model='numpy', fastmath={'reassoc', 'contract', 'nsz'})
    def rows(x, a):
        n, m = a.shape
        L, gradient = np.empty(n, real), np.empty((n, m), real)
        e, power = np.empty(m, real), np.empty(m, integer)
        scale = power.view(real)  # the same memory
        for i in range(n):
            # exp(-|a|) = 2 ** q exp(r), with |r| <= ln 2 / 2.
            for j in range(m):
                u = -min(abs(a[i, j]), largest)
                q = np.floor(u * log2_e + half)
                r = (u - q * ln2_high) - q * ln2_low
                exp_r = zero
                for k in range(terms - 1, -1, -1):
                    exp_r = exp_r * r + series[k]
                e[j] = exp_r
                power[j] = (integer(q) + bias) << shift  # the bits of 2 ** q
            linear = 0.
            for j in range(m):
                v, x_j = a[i, j], x[i, j]
                size = abs(v)
                e_j = e[j] * scale[j] if v == v else v  # min() may have lost a NaN
                t = one - x_j if v > zero else x_j  # the share of softplus(|a|)
                linear += zero if t == zero and size == infinity else t * size
                e[j] = e_j if size <= all_linear else (one - t) * e_j
                gradient[i, j] = (one if v >= zero else e_j) / (one + (e_j if v <= all_one else zero)) - x_j
            # log(1 + e) + log(1 + e') + ... = log((1 + e)(1 + e') ...): 1000 factors from 1 to 2 have a finite product.
            logarithms = 0.
            for first in range(0, m, 1000):
                some = e[first:first + 1000]
                product = 1.
                for j in range(some.size):  # not from `first` on, which Numba would not vectorise
                    product *= 1. + np.float64(some[j])
                logarithms += np.log(product)
            L[i] = linear + logarithms
        return L, gradient
    return rows


def rows_in_numpy(all_linear, all_one, x, a):
    """The same two arrays without Numba."""
    size, positive = abs(a), a > 0
    e, t = np.exp(-size), np.where(positive, 1 - x, x)
    factors = 1 + np.where(size <= all_linear, e, (1 - t) * e)
    if not np.isfinite(size.max(initial=0)):
        size = np.where(t == 0, 0, size)  # 0 times infinity is 0 here
    logarithms = np.log(np.multiply.reduceat(factors, range(0, a.shape[1], 1000), axis=1, dtype=float)).sum(axis=1)
    L = (t * size).sum(axis=1) + logarithms
    return L.astype(a.dtype), np.where(positive, 1, e) / (1 + np.where(a <= all_one, e, 0)) - x


def cross_entropy_rows(dtype, all_linear, all_one):
    """The function for matrices of float64 or float32, compiled if Numba is installed. See compiled_rows."""
    if optional('numba') is None:
        return functools.partial(rows_in_numpy, all_linear, all_one)
    constants = {
        'float64': (np.float64, np.int64, 52, 708, 14, 6.93147180369123816e-01, 1.90821492927058770e-10),
        'float32': (np.float32, np.int32, 23, 87, 8, 0.693359375, -2.12194440e-4),
    }[dtype]
    return compiled_rows(all_linear, all_one, *constants)
