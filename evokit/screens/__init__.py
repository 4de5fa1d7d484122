"""Screens: who is worth a full measurement, by a surrogate or by a race.

Imports the interfaces, ``components``, ``genomes`` and ``statistics``. ``runs`` imports the race, which tunes baselines
too, and ``searches`` that which is a race alone.
"""
