"""Speed, memory and quality of fine-tuning; see ``python -m benchmarks.train --help``."""
