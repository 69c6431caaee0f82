"""How the pages write dates and times, instead of the locale's own way."""
