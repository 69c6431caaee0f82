"""How upstreams answer: a module for each format that is read."""
