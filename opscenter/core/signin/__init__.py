"""Signing in: lockouts after failures, the second factor, and the pages of both."""
