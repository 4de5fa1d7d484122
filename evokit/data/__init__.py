"""Data in general form: texts, images, labelled texts; their splits, near-duplicates, caches and vaults.

Imports the interfaces, ``common`` and ``energy``; it knows no model. Plugins import what they read, ``assembly`` and
``runs`` what tells splits and vaults apart.
"""
