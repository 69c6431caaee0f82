"""Virtual keys, as their users make and manage them."""
