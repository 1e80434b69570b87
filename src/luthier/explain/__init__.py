"""What the figures mean: what simple methods reach on the same rows."""
