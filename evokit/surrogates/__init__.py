"""Surrogates: cheap models of a fitness.

Imports the interfaces, ``common``, ``components`` and ``options``. Nothing imports it: ``builtin`` and recipes name
what lives here.
"""
