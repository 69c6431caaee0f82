"""Requests, tokens and concurrent calls: how many a key, a user or a deployment may have."""
