"""Which model serves: the rule, as a pure function."""

from collections.abc import Sequence
from dataclasses import dataclass

TOLERANCE = 0.02
"""Log-losses at most so far apart leave it to the quadratic kappa."""
TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Contender:
    """A model as the rule sees it; both figures are of the same held-out rows of all rounds."""

    name: str
    log_loss: float | None
    """None: not measured, so it cannot be promoted."""
    qwk: float | None = None
    """None where the model predicts no stars."""
    loss_name: str = "log-loss"
    """What the loss is called; response times have a pinball loss in its place."""
    unfit: str | None = None
    """Why it may not serve whatever its figures (out of its domain, for example)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who serves from now on, and why."""

    champion: str | None
    """Name of a contender; None when nothing can serve."""
    promoted: bool
    """False when the incumbent stays or nobody serves."""
    reason: str


def beats(a: Contender, b: Contender) -> bool:
    """Whether ``a`` may replace ``b``: a better kappa where log-losses are at most .02 apart, else a lower log-loss.

    Never both ways: would the lower log-loss do even against a better kappa, two models could replace each other in
    turn, round after round. The lower log-loss also decides between equal kappas, and where no stars are predicted.
    """
    if a.log_loss is None or a.unfit:
        return False
    if b.log_loss is None or b.unfit:
        return True
    close = abs(a.log_loss - b.log_loss) <= TOLERANCE
    if close and a.qwk is not None and b.qwk is not None and abs(a.qwk - b.qwk) > TIE:
        return a.qwk > b.qwk
    return a.log_loss < b.log_loss - TIE


def choose_champion(candidate: Contender | None, incumbent: Contender | None, baselines: Sequence[Contender]) -> Choice:
    """The rule: the candidate must beat the incumbent and every baseline; else the best baseline may serve.

    On a tie the incumbent stays. Without an incumbent the best of the others serves.
    """
    rivals = [*baselines, *([incumbent] if incumbent else [])]
    if candidate and serviceable(candidate) and all(beats(candidate, r) for r in rivals):
        beaten = listed(rivals) or "nobody: it is the first"
        return Choice(candidate.name, True, f"{described(candidate)} beats {beaten}")
    against = why_not(candidate, rivals)
    best: Contender | None = None
    for one in baselines:
        best = one if serviceable(one) and (best is None or beats(one, best)) else best
    if incumbent and serviceable(incumbent) and not (best and beats(best, incumbent)):
        return Choice(incumbent.name, False, f"{described(incumbent)} stays: {against}")
    if best:
        return Choice(best.name, True, f"the baseline {described(best)} serves: {against}")
    if incumbent and not incumbent.unfit:
        return Choice(incumbent.name, False, f"{named(incumbent)} stays: {against}")
    return Choice(None, False, f"nothing can serve yet: {against}")


def serviceable(contender: Contender) -> bool:
    """Whether it was measured and may serve."""
    return contender.log_loss is not None and not contender.unfit


def why_not(candidate: Contender | None, rivals: Sequence[Contender]) -> str:
    """Why the candidate was not promoted."""
    if candidate is None:
        return "no encoder could be trained on these examples"
    if candidate.unfit:
        return f"{candidate.name} is unfit, {candidate.unfit}"
    if candidate.log_loss is None:
        return f"{candidate.name} could not be measured, there are no labelled rows of held-out participants"
    stronger = [r for r in rivals if not beats(candidate, r)]
    return f"{described(candidate)} does not beat {listed(stronger)}"


def named(contender: Contender) -> str:
    """Its name as a sentence says it."""
    return "the incumbent" if contender.name == "incumbent" else contender.name


def described(contender: Contender) -> str:
    """Name and figures."""
    if contender.log_loss is None:
        return f"{named(contender)} (not measured)"
    kappa = "" if contender.qwk is None else f", QWK {contender.qwk:.3f}"
    return f"{named(contender)} ({contender.loss_name} {contender.log_loss:.4f}{kappa})"


def listed(contenders: Sequence[Contender]) -> str:
    """Names and figures, joined."""
    return " and ".join(described(c) for c in contenders)
