"""A slate for a person, from wherever their arm takes it. It never fails because a recommender did.

When an arm cannot deliver (no imported list left, nothing prepared, a remote recommender that hangs) the person gets
popular items; the slate's ``source`` and ``model_version``, every explanation and the log of requests say so.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from db.tables import Arm, Participant, Slate, Study, now
from recux.errors import Conflict
from recux.recommend.catalogue import Catalogue, catalogue_of
from recux.recommend.options import HttpOptions, Options, options_of
from recux.recommend.order import Columns, diversified, pool_for, ranked
from recux.recommend.people import Met, met_by, rated_by, seed_of
from recux.recommend.reasons import Reason, in_words
from recux.recommend.remote import RemoteAnswer, call, question_of
from recux.recommend.rerank import prepared, trim
from recux.recommend.scores import Scores, content, itemknn, popularity
from recux.recommend.writing import Chosen, log_request, write_slate

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """Who gets how much of what, and the session to do it in."""

    session: Session
    study: Study
    arm: Arm
    participant: Participant
    options: Options
    size: int


def make_slate(
    session: Session,
    participant: Participant,
    *,
    size: int,
    answer: RemoteAnswer | None = None,
    arm: Arm | None = None,
) -> Slate:
    """Make, or take from the store, the next slate of ``participant``: added and flushed, ``served_at`` set.

    ``arm`` is whose slate it is, by default the person's own arm; in a crossover study a person has two.
    ``size`` is at most what the arm's ``slate_size`` allows; an imported slate keeps its own length. Items that the
    person rated or dismissed come only when there is nothing else. ``answer`` is what ``ask`` returned for an
    ``http`` arm; without it the recommender is called here, while the caller's transaction is open.

    Every live call is logged as a request with its duration in milliseconds; an imported list that is merely handed
    out is no call.

    Raises:
        Conflict: the person has no arm yet, or the study has no items.
        InvalidInput: the arm's options are wrong.
    """
    order = _order(session, participant, size, arm)
    if order.arm.source == "imported":
        return _imported(order)
    if order.arm.source == "rerank":
        return _reranked(order)
    if order.arm.source == "http":
        return _remote(order, answer)
    return _logged(order, lambda: _built_in(order))


def _order(session: Session, participant: Participant, size: int, arm: Arm | None) -> Order:
    if arm is None:
        if participant.arm_id is None:
            raise Conflict(f"participant {participant.external_id!r} has no arm yet; assign one before making a slate")
        arm = session.get_one(Arm, participant.arm_id)
    options = options_of(arm)
    study = session.get_one(Study, participant.study_id)
    return Order(session, study, arm, participant, options, max(1, min(size, options.slate_size or size)))


def _imported(order: Order) -> Slate:
    """The person's next imported slate of their arm (or of no arm) that was not shown yet."""
    of_arm = col(Slate.arm_id).is_(None) | (col(Slate.arm_id) == order.arm.id)
    statement = select(Slate).where(
        Slate.participant_id == order.participant.id,
        Slate.source == "imported",
        col(Slate.served_at).is_(None),
        of_arm,
    )
    slate = order.session.exec(statement.order_by(col(Slate.id))).first()
    if slate is None:
        return _logged(order, lambda: _popular_instead(order), outcome="error")
    slate.served_at = now()
    order.session.add(slate)
    order.session.flush()
    return slate


def _reranked(order: Order) -> Slate:
    slate = prepared(order.session, order.participant, order.arm)
    if slate is not None and trim(order.session, slate, rated_by(order.session, order.participant), order.size):
        slate.served_at = now()
        order.session.add(slate)
        return _logged(order, lambda: slate)
    if slate is not None:
        order.session.delete(slate)  # all of it was rated since
    return _logged(order, lambda: _popular_instead(order), outcome="error")


def _remote(order: Order, answer: RemoteAnswer | None) -> Slate:
    answer = answer or call(question_of(order.session, order.arm, order.participant, order.size))
    for attempt in answer.attempts:
        if attempt.problem:
            log.warning("recommender of arm %s: %s %s", order.arm.key, attempt.endpoint, attempt.problem)
    chosen = _named(order, answer)
    if chosen:
        slate = _write(order, chosen, "http", answer.model_version)
    else:
        slate = _listed_instead(order) or _popular_instead(order)
    for attempt in answer.attempts:
        useless = attempt.outcome == "ok" and not chosen  # it named no item that could be shown
        log_request(
            order.session,
            order.study,
            order.arm,
            requested_at=attempt.requested_at,
            duration_ms=attempt.duration_ms,
            outcome="error" if useless else attempt.outcome,
            endpoint=attempt.endpoint,
            slate=slate,
            slate_size=order.size,
            http_status=attempt.http_status,
        )
    return slate


def _named(order: Order, answer: RemoteAnswer) -> list[Chosen]:
    """The known, different, unrated items that the recommender named, in its order."""
    catalogue = _catalogue(order)
    rated = rated_by(order.session, order.participant)
    chosen: dict[int, Chosen] = {}
    for entry in answer.entries:
        column = catalogue.place_of_external.get(entry.item)
        if column is not None and (item := int(catalogue.item_ids[column])) not in rated and item not in chosen:
            chosen[item] = Chosen(item, entry.score, entry.explanation if order.options.explanations else None)
    return list(chosen.values())[: order.size]


def _built_in(order: Order) -> Slate:
    catalogue = _catalogue(order)
    met = met_by(order.session, order.study, order.participant, catalogue)
    scores = _scores(order, catalogue, met)
    columns = _pick(order, catalogue, met, scores)
    return _write(
        order, _chosen(order, catalogue, scores, columns, explain=order.options.explanations), order.arm.source
    )


def _scores(order: Order, catalogue: Catalogue, met: Met) -> Scores:
    if order.arm.source == "itemknn":
        return itemknn(catalogue, met.history)
    if order.arm.source == "content":
        return content(catalogue, met.history, order.participant.interests)
    return popularity(catalogue)


def _pick(order: Order, catalogue: Catalogue, met: Met, scores: Scores) -> Columns:
    diversity = order.options.diversity
    tie_break = popularity(catalogue).values
    seed = seed_of(order.study, order.participant)
    pool = pool_for(order.size, diversity)
    from_best = ranked(scores.values, tie_break, met.tier, order.size, pool=pool, seed=seed)
    return diversified(catalogue, scores.values, from_best, order.size, diversity)


def _chosen(order: Order, catalogue: Catalogue, scores: Scores, columns: Columns, *, explain: bool) -> list[Chosen]:
    def explained(column: int) -> str | None:
        return in_words(scores.why(column), order.participant.language) if explain else None

    return [
        Chosen(int(catalogue.item_ids[column]), float(scores.values[column]), explained(column))
        for column in columns.tolist()
    ]


def _popular_instead(order: Order) -> Slate:
    """Popular items, each saying that it stands in, even in an arm that explains nothing."""
    catalogue = _catalogue(order)
    met = met_by(order.session, order.study, order.participant, catalogue)
    popular = popularity(catalogue)
    said = Scores(popular.values, lambda _: Reason("fallback"))
    columns = _pick(order, catalogue, met, said)
    log.warning("arm %s (%s) had no slate for a participant; popular items instead", order.arm.key, order.arm.source)
    chosen = _chosen(order, catalogue, said, columns, explain=True)
    return _write(order, chosen, "popularity", f"instead of {order.arm.source}")


def _listed_instead(order: Order) -> Slate | None:
    """The arm's own fallback list, when it has one with items that can be shown."""
    assert isinstance(order.options, HttpOptions)  # only http arms come here
    catalogue = _catalogue(order)
    rated = rated_by(order.session, order.participant)
    places = (catalogue.place_of_external.get(item) for item in dict.fromkeys(order.options.fallback))
    columns = [p for p in places if p is not None and int(catalogue.item_ids[p]) not in rated][: order.size]
    if not columns:
        return None
    reason = in_words(Reason("fallback"), order.participant.language)
    chosen = [Chosen(int(catalogue.item_ids[column]), None, reason) for column in columns]
    return _write(order, chosen, "fallback", "instead of http")


def _catalogue(order: Order) -> Catalogue:
    catalogue = catalogue_of(order.session, order.study)
    if not len(catalogue.item_ids):
        raise Conflict(f"study {order.study.slug!r} has no items; import some before making slates")
    return catalogue


def _write(order: Order, chosen: Sequence[Chosen], source: str, model_version: str | None = None) -> Slate:
    return write_slate(
        order.session,
        order.study,
        order.participant,
        order.arm,
        chosen,
        source=source,
        model_version=model_version,
        served_at=now(),
    )


def _logged(order: Order, make: Callable[[], Slate], *, outcome: str = "ok") -> Slate:
    asked, start = now(), time.perf_counter()
    slate = make()
    log_request(
        order.session,
        order.study,
        order.arm,
        requested_at=asked,
        duration_ms=(time.perf_counter() - start) * 1000,
        outcome=outcome,
        endpoint=f"recommend/{order.arm.source}",
        slate=slate,
        slate_size=order.size,
    )
    return slate
