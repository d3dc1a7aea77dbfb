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
