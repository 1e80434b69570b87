"""Engines run stages: here, worker processes on this machine."""
