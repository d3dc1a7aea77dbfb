"""Looking after a running recux: backup and restore."""
