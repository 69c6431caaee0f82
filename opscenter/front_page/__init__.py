"""The admin's front page: how things stand, from the database alone, in a fixed number of bounded queries."""
