"""The ledger: moves that say what should happen, and the book that makes it so."""
