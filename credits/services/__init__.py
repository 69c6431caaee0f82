"""What may be done with credits; keyword-only."""
