"""Surrogates: cheap models of a fitness.

Imports the interfaces and ``options``. Only ``builtin`` imports it: recipes name what lives here.
"""
