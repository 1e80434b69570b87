"""Pre-trained models: where they come from, how they are built up, and how the trained one is saved and used."""
