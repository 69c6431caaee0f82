"""What can be called: AI servers, provider keys, the model catalog, prices and active providers."""
