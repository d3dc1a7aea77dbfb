"""Words of rounds: where they stand and what they are doing."""

from db.tables import Round
from recux.ui.language import _


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


def loop(newest: Round | None, size: int) -> str:
    """Where the loop stands, in one line."""
    if newest is None:
        return _("The first round starts at {n} ratings or questionnaires").format(n=f"{size:,}")
    return _("Round {n}: {status}").format(n=newest.number, status=round_status(newest.status))
