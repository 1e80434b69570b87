"""The search: `loop.py` is the second of the program's two loops; `journal.jsonl` is its only truth."""
