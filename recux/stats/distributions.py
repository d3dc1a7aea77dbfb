"""Critical values and two-sided p-values of the normal and t distributions, without scipy.stats' overhead."""

from scipy import special

from recux.stats.arrays import share


def critical_z(level: float) -> float:
    """Normal quantile that holds `level` between minus and plus itself: 1.96 at .95."""
    return float(special.ndtri((1 + share(level, "level")) / 2))


def critical_t(level: float, df: float) -> float:
    """The same for the t distribution with `df` degrees of freedom."""
    return float(special.stdtrit(df, (1 + share(level, "level")) / 2))


def two_sided_z(z: float) -> float:
    """Probability that a standard normal variable lies beyond `z` on either side."""
    return float(2 * special.ndtr(-abs(z)))


def two_sided_t(t: float, df: float) -> float:
    """The same for the t distribution with `df` degrees of freedom."""
    return float(2 * special.stdtr(df, -abs(t)))


def satterthwaite(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of independent squared standard errors, each given with its own (Welch 1947)."""
    total = sum(square for square, _ in parts)
    return 1 / sum((square / total) ** 2 / free for square, free in parts)
