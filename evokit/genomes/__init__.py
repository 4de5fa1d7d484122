"""Genomes that are one array, trees and what they are made of, and individuals: genes with a key and a score.

Imports the interfaces, ``contracts``, ``crossover`` and ``mutation``. Selection, screens, searches and all that
measures or runs import it.
"""
