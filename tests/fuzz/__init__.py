"""What the API's own description allows for, and what it doesn't, sent to it: it never fails, and asks who calls."""
