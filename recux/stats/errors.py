"""The one error of the statistics API."""


class StatisticsError(ValueError):
    """An argument breaks a rule: a value outside its scale, NaN, infinity, unequal lengths, an unknown option.

    Too little data is no error: the result then holds None and says why in `reason`.
    """
