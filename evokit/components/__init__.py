"""What plugins offer and by which names recipes call it: registry, full names, what options classes declare.

Imports the interfaces, ``common`` and ``errors``. Whoever loads, checks or lists components imports it.
"""
