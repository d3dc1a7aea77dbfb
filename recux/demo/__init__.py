"""``recux demo``: a synthetic pilot, whole rounds on it, and the app to look at them."""

from recux.demo.run import run_demo

__all__ = ["run_demo"]
