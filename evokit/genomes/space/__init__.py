"""Spaces of named parameters of any kind, with conditions and forbidden combinations."""
