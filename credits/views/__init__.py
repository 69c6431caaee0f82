"""The REST API of credits."""
