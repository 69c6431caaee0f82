"""What consumers paid against what providers cost, and what is sold below cost."""
