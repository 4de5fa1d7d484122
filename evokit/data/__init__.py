"""Data in general form: texts, images, labelled texts, tables; their splits, near-duplicates, caches and vaults.

Imports the interfaces, ``common``, ``energy``, ``options`` and ``streams``; it knows no model. Plugins import what they
read, ``assembly`` and ``runs`` what tells splits and vaults apart.
"""
