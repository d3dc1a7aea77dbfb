"""Words of models: what they predict and how they are measured."""

from recux.ui.language import _


def head(code: str) -> str:
    """What a model predicts."""
    names = {
        "rating": _("Rating of an item"),
        "satisfaction": _("Satisfaction in a comment"),
        "behaviour": _("Click and purchase"),
        "response_time": _("Response time"),
    }
    return names.get(code, code)


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
        "coverage_90": _("Coverage of sets that promise .90"),
    }
    return names.get(code, code)


def change(code: str) -> str:
    """A small change of a text."""
    return {"typo": _("Typing errors"), "case": _("Capital letters"), "synonym": _("Synonyms")}.get(code, code)


def known(code: str) -> str:
    """How much was known of a person, or that an item was new."""
    names = {
        "0 earlier": _("No earlier rating"),
        "1-4 earlier": _("1 to 4 earlier ratings"),
        "5+ earlier": _("5 or more earlier ratings"),
        "new item": _("Items never rated in training"),
    }
    return names.get(code, code)
