"""Recompute every figure of a report with pandas and scipy alone; nothing of recux's statistics is used."""
