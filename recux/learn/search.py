"""Hyper-parameter search: what `recux round search` does.

Needs the extra ``search`` (optuna). Trials are judged by the loss on tuning participants, who are part of the training
split; held-out and audit people take no part, so that the figures of the model that comes of it stay honest.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recux.errors import InvalidInput
from recux.learn.errors import TrainingDiverged
from recux.learn.examples import Examples
from recux.learn.recipe import Recipe
from recux.learn.training import train

SEARCHED = ("lr", "head_lr", "layer_decay", "epochs", "minibatch_rows", "freeze_layers", "dropout", "label_smoothing")
TUNING_SHARE = 0.25
"""Share of the training participants that judge a trial."""


def search(
    examples: Examples,
    recipe: Recipe,
    *,
    folder: Path,
    trials: int = 20,
    seed: int = 0,
    tell: Callable[[int, float, Recipe], None] | None = None,
) -> tuple[Recipe, float]:
    """The best of ``trials`` recipes around ``recipe``, and its loss; ``recipe`` itself is the first trial.

    The search is a tree-structured Parzen estimator (Bergstra et al. 2011) over learning rates, layer decay, epochs,
    minibatch size, frozen layers, dropout and label smoothing. ``folder`` is used for work and emptied. ``tell`` hears
    of each trial: number, loss, recipe.

    Raises ``InvalidInput`` when optuna is not installed or there are too few people to judge by, ``TooFewExamples``,
    ``TrainingDiverged`` when no trial came to its end.
    """
    optuna = installed()
    judged = recipe.but(tuning_share=TUNING_SHARE, min_tuning_rows=1, patience=recipe.epochs)

    def loss(trial: Any) -> float:
        tried = around(trial, judged)
        work = folder / f"trial-{trial.number}"
        try:
            found = last_loss(examples, tried, work)
        except TrainingDiverged:
            raise optuna.TrialPruned from None
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if tell:
            tell(trial.number, found, tried)
        return found

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: getattr(judged, name) for name in SEARCHED})
    study.optimize(loss, n_trials=trials)
    if not study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)):
        raise TrainingDiverged(
            f"loss or gradients were not finite in any of {trials} trials; lower `lr` in the recipe that the search"
            " starts from, or set precision to fp32"
        )
    best = around(optuna.trial.FixedTrial(study.best_params), recipe)
    return best, float(study.best_value)


def around(trial: Any, recipe: Recipe) -> Recipe:
    """``recipe`` with the settings that ``trial`` proposes."""
    rows = sorted({16, 32, 64, recipe.minibatch_rows})
    return recipe.but(
        lr=trial.suggest_float("lr", 2e-5, 1e-3, log=True),
        head_lr=trial.suggest_float("head_lr", 2e-4, 1e-2, log=True),
        layer_decay=trial.suggest_float("layer_decay", 0.7, 1.0),
        epochs=trial.suggest_int("epochs", 1, 2 * recipe.epochs),
        minibatch_rows=trial.suggest_categorical("minibatch_rows", rows),
        freeze_layers=trial.suggest_int("freeze_layers", 0, 4),
        dropout=trial.suggest_float("dropout", 0.0, 0.3),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.2),
    )


def last_loss(examples: Examples, recipe: Recipe, work: Path) -> float:
    """The tuning loss after the last epoch of a training run: the settings that come of a search train all epochs."""
    losses = [epoch["tuning_loss"] for epoch in train(examples, recipe, out_dir=work).history if "tuning_loss" in epoch]
    if not losses:
        raise InvalidInput("too few people to judge trials by: a search needs at least two training participants")
    return losses[-1]


def installed() -> Any:
    """The optuna package; raises ``InvalidInput`` when it is absent."""
    try:
        import optuna
    except ImportError as problem:
        raise InvalidInput("the search needs optuna; install it with: pip install -e '.[search]'") from problem
    return optuna
