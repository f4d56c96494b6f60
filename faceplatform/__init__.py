"""Composition root and shared base of the face recognition platform."""

__version__ = "0.1.0.dev0"
