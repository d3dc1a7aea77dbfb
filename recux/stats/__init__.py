"""Statistics of small pilots: arrays in, documented results out.

Differences are b - a, where a is the control. Intervals are at 95 % unless `level` is given. A wrong argument raises
StatisticsError; too little data gives a result whose value is None and whose `reason` says why.
"""

from recux.stats.adjust import compare_means_adjusted
from recux.stats.catalogue import coverage, gini, intra_list_diversity, novelty, serendipity
from recux.stats.clusters import cluster_bootstrap, cluster_mean, cluster_ratio
from recux.stats.confirm import FactorModel, confirm_factors
from recux.stats.crossover import Crossover, compare_crossover
from recux.stats.drivers import Driver, KeyDrivers, key_drivers
from recux.stats.errors import StatisticsError
from recux.stats.latency import compare_latency, latency_quantile
from recux.stats.means import compare_means, compare_paired
from recux.stats.mix import Mix, compare_mix, compare_standardised
from recux.stats.multiplicity import Adjusted, benjamini_hochberg, holm
from recux.stats.net_promoter import Nps, compare_nps, nps
from recux.stats.ordinal import compare_ordinal
from recux.stats.ordinal_regression import OddsRatio, compare_ordinal_clustered
from recux.stats.permutation import compare_paired_permutation
from recux.stats.power import (
    DetectableEffect,
    FurtherN,
    RequiredN,
    further_n,
    minimum_detectable_effect,
    required_n,
)
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
from recux.stats.ranking_lists import ListScores, ndcg_lists, score_lists
from recux.stats.reliability import Omega, cronbach_alpha, item_rest_correlations, mcdonald_omega, reverse_keyed
from recux.stats.results import Difference, Estimate, Superiority
from recux.stats.round_drift import Drift, drift
from recux.stats.scales import Sus, UmuxLite, bounded_mean, ces, csat, sus, umux_lite
from recux.stats.sequential import monitor
from recux.stats.simulate_power import simulated_power

__all__ = [
    "Adjusted",
    "Crossover",
    "DetectableEffect",
    "Difference",
    "Drift",
    "Driver",
    "Estimate",
    "FactorModel",
    "FurtherN",
    "KeyDrivers",
    "ListScore",
    "ListScores",
    "Mix",
    "Nps",
    "OddsRatio",
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
    "compare_crossover",
    "compare_latency",
    "compare_means",
    "compare_means_adjusted",
    "compare_mix",
    "compare_nps",
    "compare_ordinal",
    "compare_ordinal_clustered",
    "compare_paired",
    "compare_paired_permutation",
    "compare_proportions",
    "compare_standardised",
    "confirm_factors",
    "coverage",
    "cronbach_alpha",
    "csat",
    "drift",
    "f1",
    "further_n",
    "gini",
    "hit_rate",
    "holm",
    "intra_list_diversity",
    "item_rest_correlations",
    "key_drivers",
    "latency_quantile",
    "mcdonald_omega",
    "minimum_detectable_effect",
    "monitor",
    "mrr",
    "ndcg",
    "ndcg_lists",
    "novelty",
    "nps",
    "precision",
    "proportion",
    "recall",
    "required_n",
    "reverse_keyed",
    "score_lists",
    "serendipity",
    "simulated_power",
    "srm",
    "sus",
    "umux_lite",
]
