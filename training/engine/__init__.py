"""Datasets, losses, loops and recipes of training. Imports no Django and reads no environment."""
