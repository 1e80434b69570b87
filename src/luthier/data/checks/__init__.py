"""The checks of labelled rows, by what they look at: labels, numbers, texts, leaks between parts, and spans.

Each function looks for one thing and returns its findings, none when all is well; `luthier.data.check` gathers them.
"""
