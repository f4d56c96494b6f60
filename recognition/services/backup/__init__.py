"""One file with everything, and the way back.

`manage.py backup` writes it while the platform runs, `manage.py restore` reads it into an empty
installation. See `docs/backup.md`.
"""
