"""Run a script where Numba cannot be imported: without_numba.py SCRIPT [ARGUMENT ...]"""
import runpy
import sys

sys.modules['numba'] = None
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name='__main__')
