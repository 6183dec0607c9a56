"""Time an epoch of the page without each of the things that make it fast.

    python -m benchmarks.variants [--rounds N]

Each variant runs in a process of its own, in the C backend with one thread. They take turns, an epoch each.
"""
import argparse
import statistics
import sys

from benchmarks import contenders
from benchmarks.bench import CASES, take_turns, title
from theano_tutorial.compute import backend, blas


def flags(value):
    def change():
        backend._c_flags = lambda: value
    return change


def products_whole():
    blas._include_small_gemm = lambda: ''


def without_the_op():
    import dA
    dA.stabilize = lambda cost: cost


def without_both():
    without_the_op()
    flags('')()


# What to change before PyTensor is configured.
VARIANTS = {
    'as the scripts run': lambda: None,
    'products whole, not in parts': products_whole,
    'without the Op for the cross-entropy': without_the_op,
    "without the Op, PyTensor's own C flags": without_both,
    "PyTensor's own C flags": flags(''),
    '-O3 -ffast-math': flags('-O3 -ffast-math -march=native'),
}


def main():
    parser = argparse.ArgumentParser(prog='variants', description='Time an epoch without what makes it fast.')
    parser.add_argument('--rounds', type=int, default=15, help='epochs to time of each (default: 15)')
    rounds = parser.parse_args().rounds
    results = {case: take_turns({name: [sys.executable, '-m', 'benchmarks.variants', name, *map(str, case)]
                                 for name in VARIANTS}, rounds, None, None)[0] for case in CASES}
    print(f'{backend.versions()}; median of {rounds} epochs\n\n| seconds per epoch | '
          f'{" | ".join(title(*case) for case in CASES)} |\n| --- |{" --- |" * len(CASES)}')
    for name in VARIANTS:
        cells = [f'{statistics.median(results[case][name]):.4f}' if name in results[case] else '' for case in CASES]
        print(f'| {name} | {" | ".join(cells)} |')


if __name__ == '__main__':
    if sys.argv[1:2] and sys.argv[1] in VARIANTS:
        name, *rest = sys.argv[1:]
        VARIANTS[name]()
        sys.argv[1:] = ['ours, C', *rest]
        contenders.main()
    else:
        main()
