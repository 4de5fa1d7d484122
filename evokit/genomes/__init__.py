"""Genomes that are one array, and individuals: genes with a key and a score.

Imports the interfaces, ``contracts``, ``crossover`` and ``mutation``. Selection, screens, searches and all that
measures or runs import it.
"""
