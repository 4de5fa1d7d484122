"""Selection operators: who becomes a parent.

Imports the interfaces, ``contracts``, ``options`` and ``genomes``. Nothing imports it: ``builtin`` and recipes name
what lives here.
"""
