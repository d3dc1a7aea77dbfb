"""Coverage and type I error of the statistics on simulated pilots with known truth."""
