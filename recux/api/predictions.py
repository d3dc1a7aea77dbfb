"""What the models that serve a study predict."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recux.api.admission import KeyedRoute, needs
from recux.api.replies import Reply, as_json
from recux.api.scorer import Scorer
from recux.api.shapes import Head, PairsTaken, Predictions, StudySlug, TextsTaken

router = APIRouter(tags=["predict"], route_class=KeyedRoute)
PREDICT = needs("predict", 409, 415, largest=16 << 20)


@router.post("/studies/{study}/predictions/satisfaction", response_model=Predictions, **PREDICT)
def predict_texts(request: Request, study: StudySlug, taken: TextsTaken) -> Response:
    """P(satisfaction 1..5) of each comment, and whether its author would recommend."""
    return _asked(request, {"study": study, "head": "satisfaction", "texts": taken.texts})


@router.post("/studies/{study}/predictions/{head}", response_model=Predictions, **PREDICT)
def predict_pairs(request: Request, study: StudySlug, head: Head, taken: PairsTaken) -> Response:
    """What each participant would do with each item: `rating`, or `behaviour` (click and purchase at its position)."""
    pairs = [(pair.participant_id, pair.item_id, pair.position) for pair in taken.pairs]
    return _asked(request, {"study": study, "head": head, "pairs": pairs})


def _asked(request: Request, question: dict[str, Any]) -> Response:
    scorer: Scorer = request.app.state.scorer
    return as_json(Reply({"data": scorer.ask(question)}))
