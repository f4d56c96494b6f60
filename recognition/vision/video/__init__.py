"""Videos: reading them in a confined child, tracking faces, choosing frames. No Django."""
