"""One file per network family. Only `prepare` and the torch engine import these modules."""
