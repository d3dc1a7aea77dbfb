"""What an admin waits for on a large study."""
