"""From a checked recipe to a summary: parts, phases, contest, repeats, checkpoints, resumption, all in one directory.

Imports everything below it: ``recipe``, ``measuring``, ``statistics``, ``contracts``. Results and the command line
import it; parts and plugins do not.
"""
