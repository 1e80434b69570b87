"""What trials cost, and what they can share with one another."""
