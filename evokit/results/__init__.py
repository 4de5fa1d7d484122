"""What is read from finished runs: reports, curves, plots, comparisons, verification, replays, exports, the vault.

Imports ``runs`` and all below it. Only the command line imports it.
"""
