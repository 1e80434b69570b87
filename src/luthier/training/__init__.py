"""Training one trial: `loop.py` is the first of the program's two loops."""
