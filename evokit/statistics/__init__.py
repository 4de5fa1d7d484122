"""Numbers made of numbers: means, intervals, verdicts, rank correlation, fronts, break-even.

Imports the interfaces alone, no file and no run. Parts, runs and results import it.
"""
