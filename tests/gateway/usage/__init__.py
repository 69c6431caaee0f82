"""Usage as it is asked for, exported and forgotten."""
