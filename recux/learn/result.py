"""What a training run reports."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recux.learn.recipe import Recipe

WARM_START = "warm start"


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A finished fine-tuning run."""

    folder: Path
    """The saved model."""
    recipe: Recipe
    """With every ``auto`` resolved."""
    heads: dict[str, int]
    """Trained heads, each with its number of labelled training rows."""
    left_out: dict[str, str]
    """Heads that could not be trained, each with the reason; by ``WARM_START``, why the base model was taken instead of
    the last round's."""
    n_train: int
    """Texts and pairs in the training part."""
    unknown_token_share: float
    out_of_domain: str | None
    """Why the encoder does not suit these texts and what would; None when it does."""
    device: str
    steps: int
    epochs: int
    tokens_seen: int
    """Real tokens, padding not counted."""
    seconds: float
    tokens_per_second: float
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry an epoch: ``epoch``, ``loss``, and ``tuning_loss`` where rows were kept for tuning."""
    last_round: int = 0
    """The newest round that it learned from."""
    unread: str | None = None
    """Which scripts the encoder does not know although it suits the texts on the whole; None when it knows all."""
    restarts: int = 0
    """How often a non-finite loss or gradient sent training back to a checkpoint."""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "folder": str(self.folder), "recipe": self.recipe.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainResult":
        """From ``to_dict``."""
        return cls(**{**values, "folder": Path(values["folder"]), "recipe": Recipe.from_dict(values["recipe"])})
