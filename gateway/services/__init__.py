"""What changes rows of the gateway."""
