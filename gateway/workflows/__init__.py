"""Workflows: steps of one model call each, whose prompts are templates over the input and the earlier steps."""
