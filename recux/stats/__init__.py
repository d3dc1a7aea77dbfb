"""Statistics of small pilots: arrays in, documented results out.

Differences are b - a, where a is the control. Intervals are at 95 % unless `level` is given. A wrong argument raises
StatisticsError; too little data gives a result whose value is None and whose `reason` says why.
"""

from recux.stats.clusters import cluster_bootstrap, cluster_mean, cluster_ratio
from recux.stats.errors import StatisticsError
from recux.stats.latency import compare_latency, latency_quantile
from recux.stats.means import compare_means, compare_paired
from recux.stats.multiplicity import Adjusted, benjamini_hochberg, holm
from recux.stats.nps import Nps, compare_nps, nps
from recux.stats.ordinal import compare_ordinal
from recux.stats.power import DetectableEffect, RequiredN, minimum_detectable_effect, required_n
from recux.stats.proportions import SampleRatio, compare_proportions, proportion, srm
from recux.stats.ranking import (
    ListScore,
    auc,
    average_precision,
    f1,
    hit_rate,
    mrr,
    ndcg,
    precision,
    recall,
)
from recux.stats.reliability import Omega, cronbach_alpha, item_rest_correlations, mcdonald_omega, reverse_keyed
from recux.stats.results import Difference, Estimate, Superiority
from recux.stats.scales import Sus, UmuxLite, bounded_mean, ces, csat, sus, umux_lite

__all__ = [
    "Adjusted",
    "DetectableEffect",
    "Difference",
    "Estimate",
    "ListScore",
    "Nps",
    "Omega",
    "RequiredN",
    "SampleRatio",
    "StatisticsError",
    "Superiority",
    "Sus",
    "UmuxLite",
    "auc",
    "average_precision",
    "benjamini_hochberg",
    "bounded_mean",
    "ces",
    "cluster_bootstrap",
    "cluster_mean",
    "cluster_ratio",
    "compare_latency",
    "compare_means",
    "compare_nps",
    "compare_ordinal",
    "compare_paired",
    "compare_proportions",
    "cronbach_alpha",
    "csat",
    "f1",
    "hit_rate",
    "holm",
    "item_rest_correlations",
    "latency_quantile",
    "mcdonald_omega",
    "minimum_detectable_effect",
    "mrr",
    "ndcg",
    "nps",
    "precision",
    "proportion",
    "recall",
    "required_n",
    "reverse_keyed",
    "srm",
    "sus",
    "umux_lite",
]
