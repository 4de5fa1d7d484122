"""What components promise and how they are held to it: members, no change in place, no foreign generator.

Imports the interfaces, ``common`` and ``errors``. Whoever builds or calls what a plugin brings imports it.
"""
