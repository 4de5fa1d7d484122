"""What Python calls: a function minimised, a recipe run, a run looked at, a search that asks and is told.

Stands above runs and results, beside the command line. Everything here goes the way of a recipe: the same checks, the
same run directory, the same numbers.
"""
