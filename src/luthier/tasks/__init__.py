"""Tasks: how labels become targets, outputs become answers, and answers become figures."""
