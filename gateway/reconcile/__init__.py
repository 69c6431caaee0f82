"""Our count of what providers did for us beside theirs."""
