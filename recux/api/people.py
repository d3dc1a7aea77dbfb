"""What an app that embeds the questions does for its participants: the same functions that the pages call."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from sqlmodel import Session, col, select
from starlette.responses import Response

from db.engine import read_session
from db.tables import ConsentText, Impression, Item, Participant, Slate, Study
from recux.access.embedding import token_for, url_for
from recux.api.admission import KeyedRoute, needs
from recux.api.replies import Reply, answer, as_json, hashed
from recux.api.shapes import (
    AnswerShape,
    AnswerTaken,
    CompletedShape,
    ConsentShape,
    Decision,
    InstrumentId,
    InstrumentShape,
    Language,
    LinkShape,
    LinkTaken,
    PersonId,
    QuestionName,
    RatingShape,
    RatingTaken,
    SlateShape,
    StudySlug,
)
from recux.collect.consent import current_consent, decide, decision_of, standing
from recux.collect.ratings import save_rating
from recux.collect.responses import complete_response, save_answer
from recux.collect.slates import ShownSlate, current_slate, open_slate
from recux.collect.studies import get_study
from recux.errors import Conflict, NotAllowed, NotFound
from recux.instruments import Instrument, Question
from recux.operate import metrics
from recux.questionnaires import instrument_of

router = APIRouter(tags=["collect"], route_class=KeyedRoute)
COLLECT = needs("collect", 409, 415)
PERSON = "/studies/{study}/participants/{participant}"


@router.get(PERSON + "/consent", response_model=ConsentShape, **COLLECT)
def read_consent(request: Request, study: StudySlug, participant: PersonId, language: Language = None) -> Response:
    """The consent text to show, and what the person decided; also for a person who is not known yet."""
    with read_session(_engine(request)) as session:
        found = get_study(session, study)
        person = _find(session, found, participant) or _stranger(found, participant)
        return as_json(Reply(_consent(session, person, language)))


@router.put(PERSON + "/consent", response_model=ConsentShape, **COLLECT)
async def write_consent(request: Request, study: StudySlug, participant: PersonId, taken: Decision) -> Response:
    """Record what the person decided about the text that your app showed. A new person is created."""

    def work(session: Session) -> Reply:
        person = _person_or_new(session, get_study(session, study), participant)
        text = current_consent(session, person, taken.language)
        if text.version != taken.version:
            raise Conflict(f"the consent text is at version {text.version} now, not {taken.version}; show it again")
        decide(session, person, text, taken.given)
        return Reply(_consent(session, person, taken.language), participant_id=person.id)

    return await _answered(request, work)


@router.post(PERSON + "/slate", response_model=SlateShape, **COLLECT)
def slate(request: Request, study: StudySlug, participant: PersonId) -> Response:
    """The person's slate: made when there is none yet, and the same one afterwards; 403 for who may not answer now."""
    engine = _engine(request)
    with read_session(engine) as session:
        person_id = _person(session, study, participant).id
    assert person_id is not None  # it was read from the database
    return as_json(Reply(_slate(open_slate(engine, person_id))))


@router.get(PERSON + "/slate", response_model=SlateShape, **COLLECT)
def shown_slate(request: Request, study: StudySlug, participant: PersonId) -> Response:
    """The slate that the person was shown last, with what they said of it; 404 before the first."""
    with read_session(_engine(request)) as session:
        shown = current_slate(session, _person(session, study, participant))
    if shown is None:
        raise NotFound(f"participant {participant!r} was shown no slate yet; POST to this address makes one")
    return as_json(Reply(_slate(shown)))


@router.put(PERSON + "/ratings", response_model=RatingShape, **COLLECT)
async def rate(request: Request, study: StudySlug, participant: PersonId, taken: RatingTaken) -> Response:
    """Keep a rating of an item of the person's slate; another one later is a revision."""

    def work(session: Session) -> Reply:
        person, impression = _impression(session, study, participant, taken)
        row = save_rating(session, person, impression, rating=taken.rating, comment=taken.comment)
        said = {"rating": row.rating, "comment": row.comment, "rated_at": _iso(row.rated_at)}
        return Reply({"slate_id": taken.slate_id, "item_id": taken.item_id, **said}, participant_id=person.id)

    with metrics.saving("rating"):
        return await _answered(request, work)


@router.get("/studies/{study}/instruments/{instrument}", response_model=InstrumentShape, **COLLECT)
def read_instrument(
    request: Request, study: StudySlug, instrument: InstrumentId, language: Language = None
) -> Response:
    """A questionnaire of the study, to be shown with this wording."""
    with read_session(_engine(request)) as session:
        found = _instrument(session, get_study(session, study), instrument)
    title = found.title.get(language or "") or found.title["en"]
    questions = [_question(one, language) for one in found.questions]
    named = {"instrument": found.id, "version": found.version, "title": title}
    return as_json(Reply({**named, "questions": questions}))


@router.put(PERSON + "/responses/{instrument}/{question}", response_model=AnswerShape, **COLLECT)
async def write_answer(  # noqa: PLR0917 - FastAPI fills them by name
    request: Request,
    study: StudySlug,
    participant: PersonId,
    instrument: InstrumentId,
    question: QuestionName,
    taken: AnswerTaken,
) -> Response:
    """Keep an answer; another one later is a revision."""

    def work(session: Session) -> Reply:
        person = _person(session, study, participant)
        asked = _instrument(session, session.get_one(Study, person.study_id), instrument)
        row = save_answer(session, person, asked, question, **taken.model_dump())
        said = {name: getattr(row, name) if row else None for name in ("value", "text", "wording")}
        named = {"instrument": instrument, "question": question, "refused": bool(row and row.refused)}
        return Reply({**named, **said}, participant_id=person.id)

    with metrics.saving("answer"):
        return await _answered(request, work)


@router.post(PERSON + "/responses/{instrument}/complete", response_model=CompletedShape, **COLLECT)
async def complete(request: Request, study: StudySlug, participant: PersonId, instrument: InstrumentId) -> Response:
    """Mark a questionnaire as complete; 409 names the questions that are still to be answered."""

    def work(session: Session) -> Reply:
        person = _person(session, study, participant)
        asked = _instrument(session, session.get_one(Study, person.study_id), instrument)
        row = complete_response(session, person, asked, language=person.language)
        said = {"instrument": instrument, "version": row.version, "completed_at": _iso(row.completed_at)}
        return Reply(said, participant_id=person.id)

    return await _answered(request, work)


@router.post(PERSON + "/link", response_model=LinkShape, **COLLECT)
def link(request: Request, study: StudySlug, participant: PersonId, taken: LinkTaken) -> Response:
    """A signed link for the person, for an iframe or an e-mail, and a token for the event beacon."""
    settings = request.app.state.settings
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=taken.hours)
    with read_session(_engine(request)) as session:
        found = get_study(session, study)
    token = token_for(settings, found, participant, until)
    return as_json(Reply({"url": url_for(settings, token), "expires_at": _iso(until), "token": token}))


async def _answered(request: Request, work: Any) -> Response:
    call = partial(answer, request, work, body_hash=hashed(await request.body()))
    return await to_thread.run_sync(call, limiter=request.app.state.writes)


def _engine(request: Request) -> Any:
    return request.app.state.doorkeeper.engine


def _find(session: Session, study: Study, external_id: str) -> Participant | None:
    where = select(Participant).where(Participant.study_id == study.id, Participant.external_id == external_id)
    return session.exec(where).first()


def _person(session: Session, slug: str, external_id: str) -> Participant:
    study = get_study(session, slug)
    person = _find(session, study, external_id)
    if person is None:
        raise NotFound(f"there is no participant {external_id!r} in study {slug!r}; PUT their consent first")
    return person


def _stranger(study: Study, external_id: str) -> Participant:
    assert study.id is not None  # it was read from the database
    return Participant(study_id=study.id, external_id=external_id)


def _person_or_new(session: Session, study: Study, external_id: str) -> Participant:
    person = _find(session, study, external_id)
    if person is None:
        person = _stranger(study, external_id)
        session.add(person)
        session.flush()
    if standing(session, person) != "open":
        raise NotAllowed(f"nobody is taken in now: {standing(session, person).replace('_', ' ')}")
    return person


def _impression(session: Session, slug: str, external_id: str, taken: RatingTaken) -> tuple[Participant, Impression]:
    """The person, and the place of the item in their slate."""
    found = session.exec(
        select(Participant, Impression)
        .join(Study, col(Study.id) == Participant.study_id)
        .join(Slate, col(Slate.participant_id) == Participant.id)
        .join(Impression, col(Impression.slate_id) == Slate.id)
        .join(Item, col(Item.id) == Impression.item_id)
        .where(Study.slug == slug, Participant.external_id == external_id)
        .where(Slate.external_id == taken.slate_id, Item.external_id == taken.item_id)
    ).first()
    if found is not None:
        return found
    _person(session, slug, external_id)
    raise NotFound(f"participant {external_id!r} has no slate {taken.slate_id!r} that holds item {taken.item_id!r}")


def _instrument(session: Session, study: Study, name: str) -> Instrument:
    if name not in study.instruments:
        raise NotFound(
            f"study {study.slug!r} does not ask {name!r}; it asks {', '.join(study.instruments) or 'nothing'}"
        )
    assert study.id is not None  # it was read from the database
    return instrument_of(session, study.id, name)


def _question(question: Question, language: str | None) -> dict[str, Any]:
    return {
        "name": question.name,
        "kind": question.kind,
        "wording": question.wording(language),
        "low": question.low,
        "high": question.high,
        "ends": question.end_labels(language),
        "options": [
            {"value": one.value, "text": one.text.get(language or "") or one.text["en"]} for one in question.options
        ],
        "optional": question.optional,
        "ask_if": question.ask_if.model_dump() if question.ask_if else None,
    }


def _consent(session: Session, person: Participant, language: str | None) -> dict[str, Any]:
    text: ConsentText = current_consent(session, person, language)
    given = decision_of(session, person) if person.id is not None else None
    return {"version": text.version, "language": text.language, "text": text.text, "given": given}


def _slate(shown: ShownSlate) -> dict[str, Any]:
    cards = [
        {
            "position": card.impression.position,
            "item_id": card.item.external_id,
            **{name: getattr(card.item, name) for name in ("title", "description", "category", "tags")},
            **{name: getattr(card.item, name) for name in ("price", "image_url")},
            "explanation": card.impression.explanation,
            "rating": card.rating.rating if card.rating else None,
            "comment": card.rating.comment if card.rating else None,
        }
        for card in shown.cards
    ]
    return {"slate_id": shown.slate.external_id, "served_at": _iso(shown.slate.served_at), "items": cards}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
