"""What the HTTP API costs: single writes, bulk ingest, and requests made to break it."""
