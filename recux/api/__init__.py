"""HTTP routes for machines, mounted at ``/api``."""
