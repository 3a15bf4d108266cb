"""What a user asks about, and how it is opened."""
