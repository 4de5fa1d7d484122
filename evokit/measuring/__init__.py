"""The one door through which anything is measured: cache, ledger, evaluation, back ends (C1, C4, C5, C6).

Imports the interfaces, ``common``, ``contracts``, ``energy`` and ``genomes.individuals``; it knows neither recipes nor
runs, which hand it their jobs. Runs and results import it.
"""
