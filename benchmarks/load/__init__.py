"""Everything at once, and a SIGKILL every quarter of a minute: no acknowledged answer may be lost or doubled."""
