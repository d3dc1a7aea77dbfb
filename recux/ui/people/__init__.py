"""The parts of the page about the people of a study."""
