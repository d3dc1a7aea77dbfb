"""What machines write: read, map, check, quarantine, store. The same code for files, the API and the simulation."""

from recux.ingest.kinds import KINDS
from recux.ingest.mapping import Map, read_map
from recux.ingest.result import ImportResult, Refused
from recux.ingest.run import import_file, import_rows
from recux.ingest.single import import_rating

__all__ = ["KINDS", "ImportResult", "Map", "Refused", "import_file", "import_rating", "import_rows", "read_map"]
