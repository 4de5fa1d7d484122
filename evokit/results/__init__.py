"""What is read from finished runs: reports, pages, curves, plots, comparisons, verification, replays, exports, vaults.

Imports ``runs`` and all below it. The command line and Python's calls import it.
"""
