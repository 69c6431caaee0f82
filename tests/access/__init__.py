"""Who may ask for what: every route that there is, by everybody who may come."""
