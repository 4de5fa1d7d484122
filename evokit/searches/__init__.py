"""Searches, one generation at a time, and what those that ask and tell have in common.

Imports the interfaces, ``components``, ``genomes``, ``screens``, ``statistics`` and ``streams``; it knows no files,
workers or clocks. Plugins with a search of their own import it, and ``runs`` for estimates.
"""
