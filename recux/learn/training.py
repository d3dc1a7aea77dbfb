"""Fine-tuning the shared encoder: one call that can be killed at any moment and called again."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.adapters import adapted
from recux.learn.checkpoint import clear_checkpoints
from recux.learn.device import resolve_device, resolve_precision
from recux.learn.encode import encode
from recux.learn.errors import ModelUnreadable, TooFewExamples, WeightsCorrupt, WeightsMissing
from recux.learn.examples import HEADS, ORDINAL_HEADS, Examples, star
from recux.learn.files import read_json, write_json
from recux.learn.languages import out_of_domain, unknown_by_script, unread_scripts
from recux.learn.loop import Data, Loop, Progress
from recux.learn.means import item_means
from recux.learn.network import Network, longest_text, shorten
from recux.learn.optimise import freeze
from recux.learn.predictor import load
from recux.learn.recipe import Recipe
from recux.learn.result import WARM_START, TrainResult
from recux.learn.rows import TrainingRows, training_rows
from recux.learn.saved import encoder_of, heads_go_on, save_encoder, start_heads
from recux.learn.splits import unit_hash
from recux.learn.start import start_from_features
from recux.learn.tfidf import fit_comments
from recux.learn.together import ALONE, Team
from recux.learn.weights import load_encoder, load_tokenizer, need_embeddings

MIN_ROWS, MIN_OF_CLASS = 20, 3
log = logging.getLogger(__name__)


def train(
    examples: Examples,
    recipe: Recipe,
    *,
    out_dir: Path,
    start_from: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    team: Team = ALONE,
) -> TrainResult:
    """Fine-tune one shared encoder with every head that the training part of ``examples`` can teach.

    Only examples whose split is ``train`` are used. ``start_from`` is the folder of an earlier encoder model: its base
    model and layers then stand in the result's recipe; a prefix of it stays behind, and with it the heads. It is left
    aside when it has fewer layers than ``recipe`` wants, or cannot be read (``left_out`` says so). The same call on the
    same ``out_dir`` goes on from the last checkpoint, or returns at once when it had finished. With a ``team`` every
    process makes the same call; the one that leads writes.

    Raises ``TooFewExamples`` when no head but ``recommend`` can be trained, ``TrainingDiverged``, ``OutOfMemory``,
    ``FoldersApart``, and ``WeightsMissing`` or ``WeightsCorrupt`` for the base model.
    """
    try:
        start = None if outgrown(start_from, recipe) else start_from
        return fine_tune(examples, recipe, out_dir=out_dir, start_from=start, progress=progress, team=team)
    except (ModelUnreadable, WeightsCorrupt, WeightsMissing) as problem:
        if start_from is None:
            raise
        why = f"the model to go on from cannot be read, so the base model was taken: {problem}"
        log.warning(why)
    result = fine_tune(examples, recipe, out_dir=out_dir, start_from=None, progress=progress, team=team)
    return replace(result, left_out=result.left_out | {WARM_START: why})


def fine_tune(
    examples: Examples,
    recipe: Recipe,
    *,
    out_dir: Path,
    start_from: Path | None,
    progress: Callable[[Progress], None] | None,
    team: Team,
) -> TrainResult:
    """``train`` from ``start_from`` or, without one, the base model."""
    started = time.monotonic()
    out_dir.mkdir(parents=True, exist_ok=True)
    recipe = inherited(recipe, start_from)
    taught = examples.taught()
    means = item_means(taught.rating)
    rows = thinned(training_rows(taught, means), recipe)
    heads, left_out = trainable_heads(rows, held_back(examples, taught))
    if set(heads) <= {"recommend"}:  # auxiliary: no model serves for its sake
        raise TooFewExamples("nothing can be trained yet: " + "; ".join(f"{h}: {why}" for h, why in left_out.items()))
    mark = fingerprint(rows, recipe, start_from)
    done = finished(out_dir, mark)
    team.agree((mark, done is not None), out_dir)
    if done is not None:
        return done
    network, tokenizer, resolved = build(heads, recipe, start_from)
    if not heads_go_on(start_from):
        start_from_features(network, rows)
    loop = Loop(network, data_of(rows, tokenizer, resolved), resolved, folder=out_dir, fingerprint=mark, team=team)
    loop.run(progress)
    unknown = unknown_by_script(rows, loop.data.tokens, tokenizer.unk_token_id)
    result = TrainResult(
        folder=out_dir / "model",
        recipe=loop.recipe,
        heads={h: n for h, n in rows.counts().items() if h in heads},
        left_out=left_out,
        n_train=len(rows),
        unknown_token_share=loop.data.tokens.unknown_share,
        out_of_domain=out_of_domain(loop.data.tokens.unknown_share, recipe, unknown),
        unread=unread_scripts(recipe, unknown),
        device=str(loop.device),
        steps=loop.step,
        epochs=loop.epoch,
        tokens_seen=loop.tokens_seen,
        seconds=loop.seconds_before + time.monotonic() - started,
        tokens_per_second=loop.tokens_per_second,
        history=loop.history,
        last_round=examples.last_round,
        restarts=loop.restarts,
    )
    if not team.leads:
        return result
    words = fit_comments(taught.satisfaction) if recipe.words else None
    save_encoder(result, loop.network, tokenizer, means, words)
    write_json(out_dir / "trained.json", {"fingerprint": mark, "result": result.to_dict()})
    clear_checkpoints(out_dir)
    return result


def outgrown(start_from: Path | None, recipe: Recipe) -> bool:
    """Whether the model to go on from has fewer layers than so many rows can teach: then the base model is better.

    Raises ``ModelUnreadable`` when its recipe is damaged.
    """
    file = start_from / "recipe.json" if start_from else None
    try:
        kept = int(read_json(file).get("keep_layers", 0)) if file and file.is_file() else 0
    except (OSError, ValueError, AttributeError) as problem:
        raise ModelUnreadable(f"{file} cannot be read ({problem})") from problem
    return kept > 0 and not 0 < recipe.keep_layers <= kept


def inherited(recipe: Recipe, start_from: Path | None) -> Recipe:
    """``recipe`` with the base model and the layers of the model to go on from."""
    file = start_from / "recipe.json" if start_from else None
    if file is None or not file.is_file():
        return recipe
    before = Recipe.from_dict(read_json(file))
    return recipe.but(base_model=before.base_model, keep_layers=before.keep_layers)


def build(heads: list[str], recipe: Recipe, start_from: Path | None = None) -> tuple[Network, Any, Recipe]:
    """The network before its first step, its tokenizer, and the recipe with every ``auto`` resolved."""
    import torch

    torch.manual_seed(recipe.seed)
    base = str(encoder_of(start_from)) if start_from else recipe.base_model
    encoder, tokenizer = load_encoder(base, dropout=recipe.hidden_dropout), load_tokenizer(base)
    need_embeddings(tokenizer, encoder, base)
    if recipe.keep_layers and start_from is None:
        shorten(encoder, recipe.keep_layers)
    device = resolve_device(recipe.device)
    resolved = recipe.but(
        device=str(device),
        precision=resolve_precision(recipe.precision, device),
        max_tokens=longest_text(encoder, recipe),
    )
    if recipe.method != "full":
        encoder = adapted(encoder, recipe)
    network = Network(encoder, heads, ordinal=recipe.ordinal, dropout=recipe.dropout)
    if start_from and heads_go_on(start_from):
        start_heads(network, start_from)
    freeze(network, resolved)
    return network.to(device), tokenizer, resolved


def data_of(rows: TrainingRows, tokenizer: Any, recipe: Recipe) -> Data:
    """The rows tokenised, and divided into those that learn and those that decide when to stop."""
    import torch

    tokens = encode(tokenizer, rows.texts, rows.seconds, recipe.max_tokens)
    learn, tune = tuning_rows(rows, recipe)
    labels, features = torch.from_numpy(rows.labels), torch.from_numpy(rows.features)
    pairs = np.array([second is not None for second in rows.seconds], dtype=bool)
    return Data(tokens, labels, features, pairs, learn, tune, tokenizer.pad_token_id or 0)


def held_back(examples: Examples, taught: Examples) -> dict[str, int]:
    """How many labelled comments of the training part are not in ``taught``, by head."""
    kept = {e.key for e in taught.satisfaction}
    others = [e for e in examples.of("train").satisfaction if e.key not in kept]
    return {head: sum(getattr(e, head) is not None for e in others) for head in ("satisfaction", "recommend")}


def trainable_heads(rows: TrainingRows, held_back: Mapping[str, int]) -> tuple[list[str], dict[str, str]]:
    """The heads that ``rows`` can teach, and why the others are left out; ``held_back`` comments are not in it."""
    heads, left_out = [], {}
    for column, head in enumerate(HEADS):
        labels = rows.labels[:, column]
        known = labels[~np.isnan(labels)]
        classes, counts = np.unique(known, return_counts=True)
        if len(known) < MIN_ROWS:
            left_out[head] = too_few(len(known), held_back.get(head, 0))
        elif len(classes) < 2 or np.sort(counts)[-2] < MIN_OF_CLASS:
            left_out[head] = (
                f"nearly all {len(known)} examples are labelled {label_name(head, classes[counts.argmax()])}, so there"
                f" is nothing to tell apart; at least {MIN_OF_CLASS} of another label are needed"
            )
        else:
            heads.append(head)
    return heads, left_out


def too_few(labelled: int, held_back: int) -> str:
    """Why a head has too few examples, and what would help."""
    if not held_back:
        return f"{labelled} labelled examples, at least {MIN_ROWS} needed; collect more"
    return (
        f"{labelled + held_back} labelled comments, {held_back} left out because the same words stand on a testing"
        f" side; at least {MIN_ROWS} others needed: collect comments of more than a word or two"
    )


def label_name(head: str, label: float) -> str:
    """A label as people say it."""
    return str(star(label)) if head in ORDINAL_HEADS else ("yes" if label else "no")


def thinned(rows: TrainingRows, recipe: Recipe) -> TrainingRows:
    """At most ``recipe.max_rows`` rows: half from the newest round when it has so many, the rest drawn from all."""
    if len(rows) <= recipe.max_rows:
        return rows
    shuffled = np.random.default_rng(recipe.seed).permutation(len(rows))
    newest = rows.rounds[shuffled] == rows.rounds.max()
    first = shuffled[newest][: recipe.max_rows // 2]
    rest = shuffled[~np.isin(shuffled, first)][: recipe.max_rows - len(first)]
    return rows.take(np.sort(np.concatenate([first, rest])))


def tuning_rows(rows: TrainingRows, recipe: Recipe) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices that learn and indices that decide when to stop; nobody is on both sides."""
    kept = np.array([unit_hash(p, "tuning") < recipe.tuning_share for p in rows.participants], dtype=bool)
    if kept.sum() < recipe.min_tuning_rows or kept.all():
        kept[:] = False
    return np.flatnonzero(~kept), np.flatnonzero(kept)


def fingerprint(rows: TrainingRows, recipe: Recipe, start_from: Path | None) -> str:
    """What makes two calls the same job."""
    digest = hashlib.sha256(json.dumps([recipe.to_dict(), str(start_from)], sort_keys=True).encode())
    digest.update(json.dumps([rows.texts, rows.seconds, rows.participants]).encode())
    digest.update(rows.labels.tobytes() + rows.features.tobytes())
    return digest.hexdigest()


def finished(out_dir: Path, mark: str) -> TrainResult | None:
    """The result of an earlier call that ran to its end on the same job, if its model can still be read."""
    file = out_dir / "trained.json"
    if not file.is_file():
        return None
    try:
        saved = read_json(file)
        if saved["fingerprint"] != mark:
            return None
        result = TrainResult.from_dict(saved["result"])
        load(result.folder, device="cpu")
    except (ModelUnreadable, OSError, ValueError, KeyError, TypeError) as problem:
        log.warning("what was trained in %s cannot be read (%s); training again", out_dir, problem)
        return None
    return result
