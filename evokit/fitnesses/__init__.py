"""Fitnesses whose best is known, for tests and first steps.

Imports the interfaces, ``options`` and ``streams``. Only ``builtin`` imports it: recipes name what lives here.
"""
