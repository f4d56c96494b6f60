"""How good a network is: comparisons, rates, protocols. Imports no Django, reads no environment."""
