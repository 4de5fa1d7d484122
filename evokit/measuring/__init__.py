"""The one door through which anything is measured: cache, ledger, evaluation, back ends (C1, C4, C5, C6).

Imports ``assembly``, whose jobs it measures and which its workers build anew, and what that stands on; it knows no
runs. Runs, results and the DEAP toolbox import it.
"""
