"""Runs an unmodified pytest suite in its own interpreter for a platform that steers from outside.

Needs pytest 7 or newer and the standard library of Python 3.9 or newer, nothing else.
"""

PROTOCOL = 1
