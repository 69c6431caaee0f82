"""What the management API of the gateway reads and answers."""
