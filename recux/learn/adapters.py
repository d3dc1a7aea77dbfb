"""Parameter-efficient tuning by name of method, through peft."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recux.learn.errors import MethodUnfit
from recux.learn.recipe import METHODS, Recipe

MERGED = ("lora", "adalora", "ia3")
"""Methods whose result is an encoder of the original shape."""


STEPS = 100
"""Steps after which AdaLoRA has settled its ranks; small enough for the smallest batch of feedback."""
ORTHOGONALITY = 0.001
"""Weight of AdaLoRA's penalty. peft's own, .5, is for thousands of steps: in the few of a small batch its factors would
learn to be orthogonal and little else.
"""


def adapted(encoder: Any, recipe: Recipe) -> Any:
    """The encoder with its adapter, everything else frozen.

    Raises ``MethodUnfit`` where the encoder's architecture does not go with the method.
    """
    from peft import AdaLoraConfig, IA3Config, LoraConfig, PrefixTuningConfig, TaskType, get_peft_model

    task = TaskType.FEATURE_EXTRACTION
    rank = recipe.adapter_rank
    configs: dict[str, Callable[[], Any]] = {
        "lora": lambda: LoraConfig(task_type=task, r=rank, lora_alpha=2 * rank, target_modules="all-linear"),
        "adalora": lambda: AdaLoraConfig(
            task_type=task,
            init_r=rank + rank // 2,
            target_r=rank,
            lora_alpha=2 * rank,
            target_modules="all-linear",
            tinit=STEPS // 10,
            tfinal=STEPS // 3,
            total_step=STEPS,
            orth_reg_weight=ORTHOGONALITY,
        ),
        "ia3": lambda: IA3Config(task_type=task, **rescaled(encoder)),
        "prefix": lambda: PrefixTuningConfig(task_type=task, num_virtual_tokens=rank),
    }
    if recipe.method != "prefix":
        return get_peft_model(encoder, configs[recipe.method]())
    try:
        found = get_peft_model(encoder, configs["prefix"]())
        reaches = heeds_prefix(found)
    except Exception as problem:  # what an architecture raises that has no place for a prefix is its own affair
        raise unfit(encoder, "prefix") from problem
    if not reaches:
        raise unfit(encoder, "prefix")
    return found


KEYS_VALUES = ("key", "value", "k", "v", "k_lin", "v_lin", "k_proj", "v_proj", "key_proj", "value_proj")
ALL_IN_ONE = ("Wqkv", "qkv", "qkv_proj", "query_key_value", "in_proj")
"""Names of the layers that make keys and values, apart or together with queries."""


def rescaled(encoder: Any) -> dict[str, Any]:
    """What IA3 rescales, as settings for peft: keys, values, and what goes into the layer that ends a feed-forward
    block, told by its narrowing to the encoder's width. Empty where peft has a list of its own.
    """
    from peft.utils import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as KNOWN
    from torch.nn import Linear

    if encoder.config.model_type in KNOWN:
        return {}
    width = int(encoder.config.hidden_size)
    linear = {name: m for name, m in encoder.named_modules() if isinstance(m, Linear)}
    last = {name: name.rpartition(".")[2] for name in linear}
    attention = [n for n in linear if last[n] in KEYS_VALUES] or [n for n in linear if last[n] in ALL_IN_ONE]
    narrowing = [n for n, m in linear.items() if m.in_features > m.out_features == width]
    if not attention or not narrowing:
        raise unfit(encoder, "ia3")
    return {"target_modules": attention + narrowing, "feedforward_modules": narrowing}


def heeds_prefix(encoder: Any) -> bool:
    """Whether what the encoder says of two short texts, one of them padded, depends on its prefix."""
    import torch

    learning = [p for p in encoder.parameters() if p.requires_grad]
    ids = torch.zeros(2, 4, dtype=torch.long)
    said = encoder(input_ids=ids, attention_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])).last_hidden_state
    found = torch.autograd.grad(said[:, 0, 0].sum(), learning, allow_unused=True)
    return any(gradient is not None and bool(gradient.any()) for gradient in found)


def unfit(encoder: Any, method: str) -> MethodUnfit:
    """The error to show for a method that an architecture does not go with."""
    others = ", ".join(m for m in METHODS if m not in {method, "ia3", "prefix"})
    kind = encoder.config.model_type
    return MethodUnfit(f"recipe: method {method!r} does not go with an encoder of type {kind!r}; take one of {others}")


def save_adapted(encoder: Any, method: str, folder: Path) -> None:
    """Write ``encoder/`` with the adapter's change worked in where its method allows, else ``adapter/`` beside it."""
    if method in MERGED:
        encoder = encoder.merge_and_unload()
    elif method != "full":
        encoder.save_pretrained(folder / "adapter")
        encoder = encoder.get_base_model()
    encoder.save_pretrained(folder / "encoder")


def has_adapter(folder: Path) -> bool:
    """Whether an adapter lies beside the saved encoder."""
    return (folder / "adapter").is_dir()


def load_adapted(encoder: Any, folder: Path) -> Any:
    """The encoder with the adapter that lies beside it, if any."""
    if not has_adapter(folder):
        return encoder
    from peft import PeftModel

    return PeftModel.from_pretrained(encoder, str(folder / "adapter"))


def after_step(encoder: Any, step: int) -> None:
    """AdaLoRA moves its ranks to where they matter; the other methods need nothing."""
    model: Any = getattr(encoder, "base_model", None)
    if hasattr(model, "update_and_allocate"):
        model.update_and_allocate(step)


def add_orthogonality(encoder: Any) -> None:
    """Add to the gradients those of AdaLoRA's penalty, which keeps its factors orthogonal; nothing for other methods.

    peft adds it only to a loss that the encoder itself computes. Once a step, whatever pieces the minibatch is in.
    """
    import torch

    model: Any = getattr(encoder, "base_model", None)
    if not hasattr(model, "rankallocator"):
        return
    named = list(model.named_parameters())
    factors = [p for name, p in named if "lora_A" in name] + [p.T for name, p in named if "lora_B" in name]
    apart = [torch.linalg.matrix_norm(f @ f.T - torch.eye(len(f), device=f.device)) for f in factors]  # f (rank, width)
    torch.autograd.backward(encoder.active_peft_config.orth_reg_weight * torch.stack(apart).mean())


IMPORTANCE = ("ipt", "exp_avg_ipt", "exp_avg_unc")
"""AdaLoRA's running importance of each number, by the names peft gives them."""


def adapter_state(encoder: Any) -> dict[str, Any]:
    """What the next step of AdaLoRA depends on beside parameters; empty for the other methods."""
    model: Any = getattr(encoder, "base_model", None)
    if not hasattr(model, "rankallocator"):
        return {}
    kept = {kind: {k: v.clone() for k, v in getattr(model.rankallocator, kind).items()} for kind in IMPORTANCE}
    return {**kept, "ranks": dict(encoder.active_peft_config.rank_pattern or {})}


def restore_adapter(encoder: Any, state: dict[str, Any]) -> None:
    """Go on from what ``adapter_state`` returned."""
    if state:
        device = next(encoder.parameters()).device
        for kind in IMPORTANCE:
            setattr(encoder.base_model.rankallocator, kind, {k: v.to(device).clone() for k, v in state[kind].items()})
        encoder.active_peft_config.rank_pattern = dict(state["ranks"])
