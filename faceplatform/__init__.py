"""Composition root and shared base of the face recognition platform."""
