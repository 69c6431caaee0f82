"""What the REST API reads and writes; input and output apart, every field named."""
