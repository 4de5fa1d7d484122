"""From a checked recipe to what can be measured: parts in their order, jobs, and the directory that they lie in.

Imports ``recipe``, ``contracts``, ``energy`` and ``data``, and no part by name: a recipe says which. ``measuring``,
whose workers build it anew, and ``runs`` import it.
"""
