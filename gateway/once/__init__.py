"""Calls with an Idempotency-Key: made once, charged once, answered as often as they are sent (docs/adr/0031)."""
