"""Codes of the database in words, in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Any

from db.tables import Round
from recux.evaluation.experiment import Comparison
from recux.ui import definitions
from recux.ui.language import _, language
from recux.ui.plain import plain

SOURCES = ["popularity", "itemknn", "content", "rerank", "imported", "http"]


def study_status(status: str) -> str:
    """A study's status."""
    return {"draft": _("draft"), "live": _("live"), "paused": _("paused"), "closed": _("closed")}[status]


def domain(name: str) -> str:
    """What a study's items are."""
    names = {
        "e-commerce": _("Products (e-commerce)"),
        "content": _("Articles, videos, music"),
        "social": _("People and posts (social)"),
        "medical": _("Health information (medical)"),
        "travel": _("Travel"),
    }
    return names[name]


def metric(name: str) -> str:
    """A figure's short name; an instrument's construct is shown as it is."""
    names = {
        "mean_rating": _("Mean rating (1 to 5)"),
        "nps": _("NPS (-100 to 100)"),
        "csat": _("CSAT (share satisfied)"),
        "ces": _("Ease (CES, 1 to 7)"),
        "sus": _("SUS (0 to 100)"),
        "umux_lite": _("UMUX-Lite (0 to 100)"),
        "combined": _("All questionnaires (0 to 100)"),
        "ctr": _("Click-through rate"),
        "purchase_rate": _("Purchase rate"),
        "dismiss_rate": _('"Not for me"'),
        "known_rate": _('"I know it already"'),
        "p50_ms": _("Median (ms)"),
        "p95_ms": _("Slowest 5 % (ms)"),
        "p99_ms": _("Slowest 1 % (ms)"),
        "failure_rate": _("Failed requests"),
        "availability": _("Availability"),
        "precision": _("Precision"),
        "recall": _("Recall"),
        "f1": _("F1"),
        "ndcg": _("NDCG"),
        "mrr": _("MRR"),
        "map": _("MAP"),
        "hit_rate": _("Hit rate"),
        "auc": _("AUC of the order"),
        "coverage": _("Catalogue coverage"),
        "gini": _("Exposure Gini"),
        "diversity": _("Diversity within a list"),
        "novelty": _("Novelty"),
        "serendipity": _("Serendipity"),
        "theme_share": _("Share of people who write about it"),
        "slow_share": _("Share of slow requests"),
        "typical_ms": _("Typical time (ms)"),
        "any_failure": _("Share of people who met a failure"),
        "assigned_share": _("Share assigned to the arm"),
        "careless": _("Share of careless people"),
        "comment_rate": _("Share of ratings with a comment"),
        "drop_off": _("Share who leave at the step"),
        "duplicate_share": _("Share of duplicate items"),
        "missing_share": _("Share of items without the field"),
        "repeat_share": _("Share of repeated items"),
        "response_rate": _("Response rate"),
        "same_answer": _("Share giving the same answer"),
        "people": _("People in the cohort"),
        "alpha": _("Reliability (alpha)"),
        "ece": _("Calibration error"),
        "forgetting": _("Forgetting (log-loss)"),
        "log_loss_gap": _("Distance to the baseline (log-loss)"),
        "unknown_token_share": _("Share of unknown tokens"),
    }
    instrument, dot, construct = name.partition(".")
    return names.get(name) or (f"{instrument.upper()}: {construct.replace('_', ' ')}" if dot else name)


def short(name: str) -> str:
    """A figure's name without its unit."""
    return metric(name).partition(" (")[0].partition("（")[0]


def compared_by(metrics: Iterable[str], *, together: bool = False) -> list[str]:
    """The metrics of satisfaction worth a tile: no reliabilities, nothing twice; questionnaires apart, or in one."""
    single = {"nps", "csat", "ces", "sus", "umux_lite"}
    known = dict.fromkeys(metrics)
    if together:
        return [m for m in known if m in {"combined", "mean_rating"}]
    apart = [m for m in known if not m.endswith(".alpha") and m.partition(".")[0] not in single - {m}]
    return [m for m in apart if m != "combined"]


def verdict(code: str) -> str:
    """An arm's verdict against the control."""
    names = {
        "better": _("better"),
        "worse": _("worse"),
        "equivalent": _("no difference that matters"),
        "cannot_tell": _("cannot tell yet"),
    }
    return names.get(code, code)


def category(code: str) -> str:
    """What a suggestion would change."""
    names = {
        "algorithm": _("Recommendation algorithm"),
        "interface": _("Interface"),
        "data": _("Data quality"),
        "feedback": _("How feedback is collected"),
    }
    return names.get(code, code)


def round_status(code: str) -> str:
    """How far a round is."""
    names = {
        "queued": _("waiting for the worker"),
        "running": _("running"),
        "done": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
    }
    return names.get(code, code)


def stage(code: str | None) -> str:
    """What a running round is doing."""
    names = {
        "prepare": _("preparing the data"),
        "train": _("fine-tuning"),
        "record": _("recording the models"),
        "evaluate": _("computing the figures"),
        "suggest": _("looking for suggestions"),
        "rerank": _("preparing the next slates"),
    }
    return names.get(code or "", code or "")


def head(code: str) -> str:
    """What a model predicts."""
    names = {
        "rating": _("Rating of an item"),
        "satisfaction": _("Satisfaction in a comment"),
        "behaviour": _("Click and purchase"),
        "response_time": _("Response time"),
    }
    return names.get(code, code)


def kind(code: str) -> str:
    """A kind of data that can be imported."""
    names = {
        "participants": _("Participants"),
        "items": _("Items"),
        "slates": _("Slates: which list was shown to whom"),
        "interactions": _("Interactions: views, clicks, purchases"),
        "ratings": _("Ratings and comments"),
        "responses": _("Questionnaire answers"),
        "requests": _("Requests to the recommender"),
    }
    return names.get(code, code)


def import_counts() -> dict[str, str]:
    """The counts of an import."""
    return {
        "read": _("Read"),
        "written": _("Written"),
        "updated": _("Updated"),
        "unchanged": _("Unchanged"),
        "quarantined": _("Put aside"),
    }


def measure(code: str) -> str:
    """A measure of a model, and which way is better."""
    names = {
        "auc": _("AUC (higher is better)"),
        "qwk": _("Agreement, QWK (higher is better)"),
        "f1_macro": _("F1, macro average (higher is better)"),
        "accuracy": _("Accuracy (higher is better)"),
        "mae": _("Mean error in stars (lower is better)"),
        "brier": _("Brier score (lower is better)"),
        "ece": _("Calibration error (lower is better)"),
        "log_loss": _("Log-loss (lower is better)"),
    }
    return names.get(code, code)


def closed_by(code: str) -> str:
    """Why a batch was closed."""
    return {"size": _("it was full"), "age": _("it was old"), "hand": _("by hand")}.get(code, code)


def round_columns() -> dict[str, str]:
    """The columns of the history of rounds."""
    return {
        "number": _("Round"),
        "status": _("Status"),
        "ratings": _("Ratings"),
        "answers": _("Answers"),
        "closed_by": _("Closed"),
        "minutes": _("Minutes"),
        "message": _("Note"),
    }


def said(text: Mapping[str, str]) -> str:
    """A stored text in the reader's language, else in English."""
    return text.get(language()) or text.get("en", "")


def sentence(one: Comparison, arms: Mapping[str, str]) -> str:
    """A comparison in one sentence."""
    texts = {
        "better": _("{arm} is better than {control}"),
        "worse": _("{arm} is worse than {control}"),
        "equivalent": _("No difference that matters between {arm} and {control}"),
        "cannot_tell": _("Cannot tell yet whether {arm} differs from {control}"),
    }
    return texts[one.verdict].format(arm=plain(arms[one.arm]), control=plain(arms[one.control]))


def because(one: Comparison) -> str:
    """Why that verdict."""
    return _("Decided by: {metric}. {reason}").format(metric=metric(one.metric), reason=definitions.said(one.because))


def steps() -> dict[str, str]:
    """The steps of a participant's way."""
    return {
        "in_study": _("In the study"),
        "opened": _("Opened the link"),
        "consented": _("Agreed to take part"),
        "rated": _("Rated an item"),
        "answered": _("Answered a question"),
        "finished": _("Finished"),
    }


def loop(newest: Round | None, size: int) -> str:
    """Where the loop stands, in one line."""
    if newest is None:
        return _("The first round starts at {n} ratings").format(n=f"{size:,}")
    return _("Round {n}: {status}").format(n=newest.number, status=round_status(newest.status))


def model(name: str) -> str:
    """A model's name in words."""
    names = {
        "encoder": _("Fine-tuned encoder"),
        "tfidf_logistic": _("Baseline: word counts (TF-IDF)"),
        "participant_item_means": _("Baseline: means of people and items"),
        "base_rate": _("Baseline: rates of clicks and purchases"),
        "gradient_boosting": _("Gradient boosting"),
        "overall_quantiles": _("Baseline: quantiles of all calls"),
    }
    return names.get(name, name)


def change(code: str) -> str:
    """A small change of a text."""
    return {"typo": _("Typing errors"), "case": _("Capital letters"), "synonym": _("Synonyms")}.get(code, code)


def alert_rule(code: str) -> str:
    """Why an alert was opened."""
    return {"objective": _("a promise is broken"), "anomaly": _("unlike the two days before")}.get(code, code)


def channel(code: str) -> str:
    """How alerts are sent."""
    return {"webhook": _("Webhook"), "email": _("E-mail")}.get(code, code)


def known(code: str) -> str:
    """How much was known of a person, or that an item was new."""
    names = {
        "0 earlier": _("No earlier rating"),
        "1-4 earlier": _("1 to 4 earlier ratings"),
        "5+ earlier": _("5 or more earlier ratings"),
        "new item": _("Items never rated in training"),
    }
    return names.get(code, code)


def at_work(code: str | None) -> str:
    """What a training process is doing."""
    names = {
        "prepare": _("reading the texts"),
        "train": _("learning"),
        "baselines": _("fitting the baselines"),
        "evaluate": _("testing on held-out people"),
        "look closer": _("looking closer at the models"),
    }
    return names.get(code or "", "")


def period(code: str) -> str:
    """What a point of a trend stands for."""
    return {"round": _("Round"), "hour": _("Hour"), "day": _("Day"), "week": _("Week")}[code]


def dimension(code: str) -> str:
    """What figures are split by."""
    return {"arm": _("Arm"), "cohort": _("Cohort"), "category": _("Category"), "language": _("Language")}[code]


def by(code: str) -> str:
    """The title of groups beside each other."""
    names = {"arm": _("By arm"), "cohort": _("By cohort"), "category": _("By category"), "language": _("By language")}
    return names[code]


def row_columns() -> dict[str, Any]:
    """The columns of the rows behind a figure."""
    return {
        "person": _("Participant"),
        "arm": _("Arm"),
        "cohort": _("Cohort"),
        "language": _("Language"),
        "category": _("Category"),
        "question": _("Question"),
        "value": _("Value"),
    }


def trend(code: str) -> str:
    """The title of a trend."""
    return {"round": _("Round by round"), "day": _("Day by day"), "week": _("Week by week")}[code]


def as_of(done: Round | None, waiting: int) -> str:
    """What the figures are about."""
    intervals = _("Lines are intervals (95 %); people are the unit, never single ratings.")
    if done is None:
        present = _("As of now.")
        return f"{intervals} {present}"
    more = _("As of round {n}; {waiting} newer ratings wait for the next one.")
    return f"{intervals} {more.format(n=done.number, waiting=f'{waiting:,}')}"


def flag_columns() -> dict[str, str]:
    """The columns of flagged answers."""
    return {
        "reason": _("Reason"),
        "people": _("People"),
        "rule": _("What it means"),
        "participant": _("Participant"),
        "arm": _("Arm"),
    }


def flag(code: str) -> str:
    """Why answers were flagged, in short."""
    names = {
        "straight_lining": _("always the same answer"),
        "too_fast": _("too fast"),
        "contradiction": _("contradicts itself"),
        "duplicate_comments": _("repeated comments"),
        "attention": _("failed attention question"),
    }
    return names.get(code, code)


def flag_rule(code: str) -> str:
    """The rule behind a flag."""
    rules = {
        "straight_lining": _(
            "the same answer to all of 5 or more questions that include reversed ones, or to all of 5 or more items"
        ),
        "too_fast": _("a questionnaire faster than 500 words a minute, or 5 or more items at under a second each"),
        "contradiction": _(
            "agreed, or disagreed, with a statement and its opposite alike, on average by three fifths of the scale"
        ),
        "duplicate_comments": _(
            "the same comment of 4 or more words on two items, or one of 20 or more words that another person gave"
        ),
        "attention": _("another answer to an attention question than the one it asked for"),
    }
    return rules.get(code, code)


def not_counted(why: str) -> str:
    """Why somebody's answers do not count; an admin's own words are shown as they are."""
    names = {"test": _("test participant"), "soft_launch": _("discarded after the soft launch")}
    return names.get(why, why)


def points(metric: str) -> list[int]:
    """The points of the scale that people answered on."""
    return list(range(11)) if metric == "nps" else list(range(1, 8 if metric == "ces" else 6))


def check(code: str, count: int | None) -> str:
    """A line of the checklist before a launch."""
    names = {
        "consent": _("Consent text in every language"),
        "arm": _("At least one arm with a weight"),
        "two_arms": _("Two arms or more, so that a difference can be seen"),
        "items": _("Items to recommend"),
        "people": _("People in the study"),
        "slates": _("Imported slates"),
    }
    return names[code] if count is None else f"{names[code]}: {count:,}"


def role(code: str) -> str:
    """A role, and what it adds."""
    names = {
        "viewer": _("Viewer: reads"),
        "analyst": _("Analyst: also runs rounds and decides"),
        "admin": _("Admin: also sets up"),
    }
    return names.get(code, code)


def audit_columns() -> dict[str, Any]:
    """The columns of the audit log."""
    return {"who": _("Who"), "what": _("What"), "target": _("About"), "details": _("Details")}
