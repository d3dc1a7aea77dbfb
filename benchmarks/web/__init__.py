"""What a participant waits for, measured: the first slate, a star, and whether an acknowledged answer can be lost."""
