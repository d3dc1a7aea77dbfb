"""The parts of the page that sets up studies."""
