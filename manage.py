#!/usr/bin/env python
"""Command line of the platform; `manage.py up` runs it, every other command works alone."""

import sys

from faceplatform.stack.entry import run

if __name__ == "__main__":
    run(sys.argv)
