"""What every wing uses and nothing of evolution: files, JSON, digests, names in messages, processors, memory, signals.

Imports ``evokit.errors`` alone. Everything may import it.
"""
