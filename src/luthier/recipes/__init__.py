"""What to try: a recipe (every hyperparameter of one fine-tuning), spaces of recipes, trials and their stages."""
