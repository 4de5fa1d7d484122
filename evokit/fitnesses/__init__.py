"""Fitnesses of trees, and those whose best is known, for tests and first steps.

Imports the interfaces, ``common``, ``options`` and ``streams``. Nothing imports it: ``builtin`` and recipes name what
lives here.
"""
