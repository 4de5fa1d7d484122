"""Crossover operators over kinds of genes, and the genome's own.

Imports the interfaces, ``contracts``, ``options`` and ``common``. ``genomes`` imports it for what their kinds do by
default.
"""
