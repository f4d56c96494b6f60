"""What can go wrong with the stack, as one line for the person at the terminal."""


class StackError(Exception):
    """A problem its message explains completely; shown without a traceback."""


class AlreadyRunningError(StackError):
    """Another `manage.py up` holds the same data."""
