"""A Temporal worker that gets its OAuth tokens at run time and survives what happens to them."""
