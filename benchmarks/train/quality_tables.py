"""The tables of ``quality``: means over seeds, paired differences, calibration, and the coverage of conformal sets."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import Said, covered, crossed, predicted_stars, said_of, taught
from recux.learn.metrics import Groups, auc, calibration_error, one_hot, quadratic_kappa

Array = NDArray[np.float64]
AIMS = {200: (0.945, 0.50), 500: (0.952, 0.68), 4000: (0.969, 0.82)}
AIM_ALL = (0.973, 0.84)
SPLITS, CALIBRATION_ROWS, SIMULATED = 20, 1000, 1000


def print_tables(folder: Path) -> None:
    """Every table, from the files in ``folder``."""
    from benchmarks.train.quality import results

    by_size: dict[int, list[dict[str, Any]]] = {}
    for n, _, arrays in results(folder):
        by_size.setdefault(n, []).append(arrays)
    print("\n| texts | seeds | AUC, recommend (aim) | QWK, stars (aim) | AUC, TF-IDF | QWK | AUC, plain | QWK |")
    print("|---|---|---|---|---|---|---|---|")
    for n, found in by_size.items():
        print(means(n, found))
    print("\n| texts | QWK, recux - TF-IDF | QWK, recux - plain | the same, plain called alike | AUC, recux - plain |")
    print("|---|---|---|---|---|")
    for n, found in by_size.items():
        print(differences(n, found))
    print("\n| texts | calibration error, stars | at most, if perfect | flag | at most | covered by 90 % sets |")
    print("|---|---|---|---|---|---|")
    for n, found in by_size.items():
        print(calibrated(n, found))


def means(n: int, found: list[dict[str, Any]]) -> str:
    """AUC and QWK of each model, means over seeds with their standard deviation."""
    aim = AIMS.get(n, AIM_ALL if n > 10_000 else (None, None))
    cells = [
        shown([flag_auc(f, f["recux_flag"])[0] for f in found], 4, aim[0]),
        shown([kappa(f, called(f, "recux"))[0] for f in found], 3, aim[1]),
        shown([flag_auc(f, f["tfidf_flag"])[0] for f in found], 4),
        shown([kappa(f, called(f, "tfidf"))[0] for f in found], 3),
    ]
    cells.append(shown([flag_auc(f, f["plain_flag"])[0] for f in found if "plain_flag" in f], 4))
    cells.append(shown([kappa(f, f["plain"].argmax(1) + 1)[0] for f in found if "plain" in f], 3))
    return f"| {n} | {len(found)} | " + " | ".join(cells) + " |"


def shown(values: list[float], digits: int, aim: float | None = None) -> str:
    """Mean, standard deviation over seeds, and the aim."""
    if not values:
        return "not measured"
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}" + (f" ({aim})" if aim else "")


def flag_auc(found: dict[str, Any], score: Array) -> Array:
    """AUC of the recommend flag, of the data and of each resample of the test rows."""
    return auc(Groups.of(list(found["people"])), score, found["flags"].astype(float))


def called(found: dict[str, Any], name: str) -> NDArray[np.int64]:
    """Stars as recux serves them: calibrated, and cut so that each is called as often as it occurs; cross-fitted."""
    return said(found, name, "stars").called


def said(found: dict[str, Any], name: str, labels: str) -> Said:
    """What recux says of ``stars`` or ``flags`` with calibration, cuts and sets of the other half of the people."""
    about = (found[name], found[labels] - (labels == "stars"), list(found["people"]))
    return said_of(labels, *about, crossed(labels, *about))


def kappa(found: dict[str, Any], stars: NDArray[np.int64]) -> Array:
    """QWK of the data and of each resample of the test rows, the same resamples for every model."""
    groups = Groups.of(list(found["people"]))
    return quadratic_kappa(groups.total(one_hot((found["stars"] - 1) * 5 + stars - 1, 25)).reshape(-1, 5, 5))


def differences(n: int, found: list[dict[str, Any]]) -> str:
    """Recux minus the others: the mean over seeds, with the interval over resampled test rows."""
    plain, flag = ([f for f in found if name in f] for name in ("plain", "plain_flag"))
    cells = [
        difference([kappa_of_recux(f) - kappa(f, called(f, "tfidf")) for f in found]),
        difference([kappa_of_recux(f) - kappa(f, f["plain"].argmax(1) + 1) for f in plain]),
        difference([kappa_of_recux(f) - kappa(f, called(f, "plain")) for f in plain]),
        difference([flag_auc(f, f["recux_flag"]) - flag_auc(f, f["plain_flag"]) for f in flag], 4),
    ]
    return f"| {n} | " + " | ".join(cells) + " |"


def kappa_of_recux(found: dict[str, Any]) -> Array:
    """QWK of the stars that recux serves."""
    return kappa(found, called(found, "recux"))


def difference(seeds: list[Array], digits: int = 3) -> str:
    """One of them, from a row of resamples a seed whose first is the data itself."""
    if not seeds:
        return "not measured"
    resampled = np.mean(seeds, axis=0)
    low, high = np.percentile(resampled[1:], [2.5, 97.5])
    return f"{resampled[0]:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def calibrated(n: int, found: list[dict[str, Any]]) -> str:
    """Calibration errors beside what a perfectly calibrated model shows on as many rows; coverage of the sets."""
    cells = []
    for name, labels in (("recux", "stars"), ("recux_flag", "flags")):
        pairs = [errors(fair(f, name, labels), f[labels] - (labels == "stars")) for f in found]
        cells += [f"{np.mean([error for error, _ in pairs]):.4f}", f"{np.mean([limit for _, limit in pairs]):.4f}"]
    enough = all(len(f["stars"]) > CALIBRATION_ROWS for f in found)
    cells.append(f"{100 * np.mean([coverage(f) for f in found]):.1f} %" if enough else "not measured")
    return f"| {n} | " + " | ".join(cells) + " |"


def fair(found: dict[str, Any], name: str, labels: str) -> Array:
    """Cross-fitted calibrated probabilities, as (n, classes)."""
    p = said(found, name, labels).p
    return p if p.ndim == 2 else np.stack([1 - p, p], 1)


def errors(p: Array, classes: NDArray[np.int64]) -> tuple[float, float]:
    """The calibration error (15 bins), and its 95th percentile when labels are drawn from ``p`` itself."""
    groups = Groups(np.arange(len(p)), np.ones((1, len(p))))
    confidence = p.max(1)
    random = np.random.default_rng(0)

    def error(right: NDArray[np.bool_]) -> float:
        return float(calibration_error(groups, confidence, right.astype(float))[0])

    drawn = [error(random.random(len(p)) < confidence) for _ in range(SIMULATED)]
    return error(p.argmax(1) == classes), float(np.percentile(drawn, 95))


def coverage(found: dict[str, Any]) -> float:
    """The share of rows whose 90 % set holds their star; mean over random splits into calibration and test rows."""
    p, classes = found["recux"], found["stars"] - 1
    shares = []
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(len(p))
        known, test = order[:CALIBRATION_ROWS], order[CALIBRATION_ROWS:]
        model = taught("stars", p[known], classes[known])
        fair = model.served("stars", p[test])
        called = predicted_stars(fair, model.cuts["stars"])
        shares.append(covered(fair, classes[test], model.quantile["stars"], called).mean())
    return float(np.mean(shares))
