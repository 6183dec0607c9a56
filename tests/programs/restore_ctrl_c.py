"""Run the script that the first argument names, with the usual reaction to Ctrl-C.

A background job, such as `make test &`, starts with SIGINT ignored, and so do its children.
"""
import runpy
import signal
import sys

signal.signal(signal.SIGINT, signal.default_int_handler)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name='__main__')
