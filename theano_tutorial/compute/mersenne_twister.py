"""RandomState.binomial with n = 1, in a loop that Numba vectorises: the same numbers, in a twentieth of the time.

M. Matsumoto, T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1), 1998. The state is 624 words of 32 bits, recomputed
together when all of them are used, so that each step can be done for many words at once. Two words make a uniform
number of 53 bits, which is compared with a threshold.
"""
import ctypes
import math

import numpy as np

from theano_tutorial.compute.jit import compiled, optional

numba = optional('numba')
WORD = np.uint32
STATE = ctypes.c_uint32 * 625  # 624 words, and how many of them are used


@compiled()
def _twist(key, first, last, offset):
    for i in range(first, last):
        y = (key[i] & WORD(0x80000000)) | (key[i + 1] & WORD(0x7fffffff))
        key[i] = key[i + offset] ^ (y >> WORD(1)) ^ ((WORD(0) - (y & WORD(1))) & WORD(0x9908b0df))


@compiled()
def _next_block(key):
    # Three loops, in each of which no word depends on another of the same few hundred.
    _twist(key, 0, 227, 397)
    _twist(key, 227, 454, -227)
    _twist(key, 454, 623, -227)
    y = (key[623] & WORD(0x80000000)) | (key[0] & WORD(0x7fffffff))
    key[623] = key[396] ^ (y >> WORD(1)) ^ ((WORD(0) - (y & WORD(1))) & WORD(0x9908b0df))


@compiled()
def _temper(key, words):
    for i in range(words.size):
        y = key[i]
        y ^= y >> WORD(11)
        y ^= (y << WORD(7)) & WORD(0x9d2c5680)
        y ^= (y << WORD(15)) & WORD(0xefc60000)
        words[i] = y ^ (y >> WORD(18))


@compiled()
def _threshold(p):
    """What a uniform number is above if the rarer of the outcomes 0 and 1 occurs."""
    if not 0 <= p <= 1:
        raise ValueError('p < 0, p > 1 or p is NaN')
    # numpy's legacy algorithm draws the rarer outcome by inversion: it occurs if a uniform number u is above
    # exp(log(1 - rare)). It would draw again if u were above the sum of both outcomes' rounded probabilities, which is
    # impossible with glibc's exp and log, and has a probability of 2 ** -53 if they are off by a bit.
    rare = p if p <= 0.5 else 1. - p
    return math.exp(math.log(1. - rare))


@compiled()
def draw_bernoulli(state, p, out):
    """Fill the vector `out` as RandomState.binomial(1, p) does. state : uint32 (625,), advanced"""
    threshold = np.int64(_threshold(p) * 2. ** 53)
    below = p > 0.5
    key, used = state[:624], np.int64(state[624])
    words = np.empty(624, WORD)  # those of a few numbers at a time: a large array would not stay in the cache
    for first in range(0, out.size, 312):
        some = out[first:first + 312]
        done = 0
        while done < 2 * some.size:
            if used == 624:
                _next_block(key)
                used = 0
            n = min(624 - used, 2 * some.size - done)
            _temper(key[used:used + n], words[done:done + n])
            used += n
            done += n
        for i in range(some.size):
            u = np.int64(words[2 * i] >> WORD(5)) * 67108864 + np.int64(words[2 * i + 1] >> WORD(6))  # times 2 ** 53
            some[i] = (u <= threshold) == below
    state[624] = used


def bernoulli(rng, p, shape, dtype):
    """rng.binomial(1, p, shape) as an array of `dtype`: the same numbers, and the same state of the RandomState after.

    rng : numpy.random.RandomState of MT19937; it is advanced
    p : probability of a 1, a float
    shape : tuple of integers

    Raises ValueError if p is not in [0, 1].
    """
    if numba is None:
        threshold, u = _threshold(p), rng.random_sample(shape)
        return (u <= threshold if p > 0.5 else u > threshold).astype(dtype)
    out = np.empty(shape, dtype)
    bits = rng._bit_generator
    with bits.lock:
        state = np.frombuffer(STATE.from_address(bits.ctypes.state_address), np.uint32)
        draw_bernoulli(state, p, out.reshape(-1))
    return out
