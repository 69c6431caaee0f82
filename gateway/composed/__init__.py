"""Calls that are made of several: one request, one hold, one bill (docs/adr/0032)."""
