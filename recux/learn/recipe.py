"""Every setting of a training run, in one frozen record that is saved with the model."""

import json
import re
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from recux.errors import InvalidInput
from recux.learn.examples import HEADS

Method = Literal["full", "lora", "adalora", "ia3", "prefix"]
METHODS: tuple[Method, ...] = ("full", "lora", "adalora", "ia3", "prefix")
CHOICES = {"method": METHODS, "precision": ("auto", "fp32", "bf16"), "ordinal": ("corn", "cross_entropy")}
DEVICE = re.compile(r"auto|cpu|(cuda|mps)(:\d+)?")
INF = float("inf")
LIMITS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),
    "max_tokens": (8, INF),
    "minibatch_tokens": (1, INF),
    "minibatch_rows": (1, INF),
    "forward_tokens": (1, INF),
    "epochs": (1, INF),
    "lr": (0, 1),
    "head_lr": (0, 1),
    "layer_decay": (0, 1),
    "keep_layers": (0, INF),
    "freeze_layers": (0, INF),
    "warmup": (0, 1),
    "dropout": (0, 1),
    "hidden_dropout": (0, 1),
    "weight_decay": (0, 1),
    "clip": (0.001, 1e9),
    "label_smoothing": (0, 1),
    "words": (0, 100),
    "tuning_share": (0, 1),
    "patience": (0, INF),
    "min_tuning_rows": (0, INF),
    "max_rows": (1, INF),
    "checkpoint_seconds": (0, INF),
    "adapter_rank": (1, INF),
}
"""Least and greatest value of each number."""
EMBEDDED_LAYERS = 4
"""Layers of the embedded encoder that are used unless a recipe says otherwise."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the shared encoder is fine-tuned. Defaults come from measurements; see docs/benchmarks.md."""

    base_model: str = "embedded"
    """``embedded`` (the encoder installed with recux), a local folder, or a hub id."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; auto takes a GPU when there is one."""
    precision: str = "auto"
    """``fp32``, ``bf16``, or ``auto``: the faster of the two in a short measurement on the device."""
    method: Method = "full"
    """Full fine-tuning, or one of the parameter-efficient methods of ``peft``."""
    seed: int = 0
    max_tokens: int = 256
    """Longer texts are cut, in tokens; bounded by what the encoder can take."""
    minibatch_tokens: int = 2048
    """Real tokens an optimiser step learns from, about."""
    minibatch_rows: int = 32
    """Most rows an optimiser step learns from, on average; short texts would else give too few steps."""
    forward_tokens: int = 8192
    """Most tokens (padding included) in one forward pass; halved when memory runs out, the minibatch stays."""
    epochs: int = 4
    lr: float = 1e-4
    """Peak learning rate of the encoder's top layer."""
    head_lr: float = 1e-3
    layer_decay: float = 0.9
    """Each layer below the top learns at this multiple of the layer above."""
    keep_layers: int = 0
    """Lowest layers of the base model that are used at all; 0 uses all. A warm start keeps those of its model, and
    gives way to the base model when more are wanted."""
    freeze_layers: int = 0
    """Lowest encoder layers that do not learn."""
    freeze_embeddings: bool = True
    """Token embeddings do not learn: less time and memory, and no worse with few texts."""
    warmup: float = 0.1
    """Share of all steps in which the learning rate rises; then it falls linearly to 0."""
    dropout: float = 0.1
    """On the pooled vector."""
    hidden_dropout: float = 0.0
    """Inside the encoder, after attention and feed-forward."""
    weight_decay: float = 0.01
    clip: float = 1.0
    """Largest gradient norm."""
    label_smoothing: float = 0.0
    """Share of the target moved evenly to all classes of an ordinal head."""
    ordinal: Literal["corn", "cross_entropy"] = "corn"
    """Loss of the 1..5 heads: continuation-ratio (ordered) or plain cross-entropy."""
    head_weights: dict[str, float] = field(
        default_factory=lambda: {"satisfaction": 1.0, "recommend": 0.5, "rating": 1.0, "click": 0.5, "purchase": 0.5}
    )
    words: float = 0.75
    """Weight of the evidence of a bag of words (TF-IDF) beside what the encoder says of comments; 0: none."""
    tuning_share: float = 0.0
    """Share of the training participants kept from the gradient for early stopping; 0 trains all epochs."""
    patience: int = 1
    """Epochs without a better tuning loss before training stops."""
    min_tuning_rows: int = 50
    """With fewer tuning rows nothing is kept back, and all epochs are trained."""
    max_rows: int = 20_000
    """Most training rows; more are thinned by the seed, newest round kept first."""
    checkpoint_seconds: float = 20.0
    """Least time between checkpoints, of which writing takes at most a fiftieth; 0: one after every step."""
    adapter_rank: int = 8
    """Rank of LoRA and AdaLoRA, number of virtual tokens of prefix tuning."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant; raises ``InvalidInput``."""
        for setting in fields(self):
            value, wanted = getattr(self, setting.name), dict if setting.default is MISSING else type(setting.default)
            if type(value) is not wanted and not (wanted is float and type(value) is int):
                raise refusal(setting.name, value, f"of type {wanted.__name__}")
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:  # NaN is not, either
                raise refusal(name, getattr(self, name), f"at least {low}" if high == INF else f"from {low} to {high}")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise refusal(name, getattr(self, name), f"one of {', '.join(known)}")
        if not DEVICE.fullmatch(self.device):
            raise refusal("device", self.device, "auto, cpu, cuda, cuda:N or mps")
        for head, weight in self.head_weights.items():
            if head not in HEADS or type(weight) not in (int, float) or not 0 <= weight < INF:
                what = f"numbers from 0 on for some of {', '.join(HEADS)}"
                raise refusal("head_weights", self.head_weights, what)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """From ``to_dict``; raises ``InvalidInput`` for a setting that does not exist or cannot be meant."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InvalidInput(f"recipe: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return cls(**values)

    def but(self, **changes: Any) -> "Recipe":
        """A copy with some settings changed."""
        return replace(self, **changes)


def refusal(name: str, value: object, allowed: str) -> InvalidInput:
    """What to raise for a setting that cannot be meant."""
    return InvalidInput(f"recipe: {name} is {value!r}, must be {allowed}")


def default_recipe(n_texts: int, device: str = "cpu", **changes: Any) -> Recipe:
    """The recipe for ``n_texts`` labelled comments or ratings (whichever are more) on ``device`` (``cpu`` or ``cuda``).

    A GPU learns in the same minibatches, only in fewer passes, so that the model is the same. Fewer rows get more
    epochs (6 up to about 700, 3 from about 1,200) and smaller minibatches, so that there are enough steps; the fewest,
    at which these epochs are few steps still, a higher rate. Nothing is kept back for early stopping at any size: every
    row teaches more than the stop would save. Below 1,000 the embeddings and the two lowest layers stay as they are (a
    third faster, no worse), and of the embedded encoder the lowest four layers are used: the top two know about topics
    more than about praise, which takes more rows to unlearn. From 1,000 on everything learns.
    """
    small = n_texts < 1000
    embedded = changes.get("base_model", "embedded") == "embedded"
    recipe = Recipe(
        device=device,
        minibatch_tokens=1024 if small else 2048,
        forward_tokens=8192 if device == "cpu" else 65536,
        keep_layers=EMBEDDED_LAYERS if small and embedded else 0,
        freeze_layers=2 if small else 0,
        freeze_embeddings=small,
        lr=2e-4 if n_texts < 350 else 1e-4,
        epochs=min(6, max(3, round(4000 / max(1, n_texts)))),
        tuning_share=0.0,
        max_rows=12_000 if device == "cpu" else 100_000,
    )
    return recipe.but(**changes)


def read_settings(file: Path) -> dict[str, Any]:
    """Some settings or all of a recipe from a JSON file, such as a search writes; raises ``InvalidInput``."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidInput(f"recipe: {file} cannot be read as JSON ({problem})") from problem
    if not isinstance(values, dict):
        raise InvalidInput(f'recipe: {file} must hold one object of settings, such as {{"lr": 0.0002}}')
    Recipe.from_dict(values)
    return values
