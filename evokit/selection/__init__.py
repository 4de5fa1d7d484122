"""Selection operators: who becomes a parent.

Imports the interfaces and ``genomes``. Only ``builtin`` imports it: recipes name what lives here.
"""
