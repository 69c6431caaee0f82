"""What the API says about credits, and what it is told. Amounts are decimal strings of credits."""
