"""What admin pages and reports read: figures, trends and lists, as frames or small records."""
