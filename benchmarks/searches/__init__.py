"""How strong evokit's searches are beside the field's, at the same number of evaluations.

Runs from a checkout with ``PYTHONPATH=.:plugins`` and needs the extra ``bench``. Nothing is downloaded.

A search of evokit is built from a recipe, as for ``evokit run``, and stepped in this process; its individuals are
measured as one array, without ledger and workers, so that a run costs what the search costs. What it asks for a second
time is remembered and counts once, as in a run of evokit. A peer is called as its own documentation shows, with its
own defaults, and every call of the function counts.
"""
