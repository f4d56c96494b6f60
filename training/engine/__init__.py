"""Training networks and heads: Django-free; values come in as arguments, nothing reads settings."""
