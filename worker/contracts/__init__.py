"""What the provider says and how it is spoken to."""
