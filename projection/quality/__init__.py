"""How good the data are, in numbers with reasons."""
