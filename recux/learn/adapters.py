"""Parameter-efficient tuning by name of method, through peft."""

from pathlib import Path
from typing import Any

from recux.learn.recipe import Recipe

MERGED = ("lora", "adalora", "ia3")
"""Methods whose result is an encoder of the original shape."""


STEPS = 100
"""Steps after which AdaLoRA has settled its ranks; small enough for the smallest batch of feedback."""


def adapted(encoder: Any, recipe: Recipe) -> Any:
    """The encoder with its adapter, everything else frozen."""
    from peft import AdaLoraConfig, IA3Config, LoraConfig, PrefixTuningConfig, TaskType, get_peft_model

    task = TaskType.FEATURE_EXTRACTION
    rank = recipe.adapter_rank
    configs = {
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
        ),
        "ia3": lambda: IA3Config(task_type=task),
        "prefix": lambda: PrefixTuningConfig(task_type=task, num_virtual_tokens=rank),
    }
    return get_peft_model(encoder, configs[recipe.method]())


def save_adapted(encoder: Any, method: str, folder: Path) -> None:
    """Write ``encoder/`` with the adapter's change worked in where its method allows, else ``adapter/`` beside it."""
    if method in MERGED:
        encoder = encoder.merge_and_unload()
    elif method != "full":
        encoder.save_pretrained(folder / "adapter")
        encoder = encoder.get_base_model()
    encoder.save_pretrained(folder / "encoder")


def load_adapted(encoder: Any, folder: Path) -> Any:
    """The encoder with the adapter that lies beside it, if any."""
    if not (folder / "adapter").is_dir():
        return encoder
    from peft import PeftModel

    return PeftModel.from_pretrained(encoder, str(folder / "adapter"))


def after_step(encoder: Any, step: int) -> None:
    """AdaLoRA moves its ranks to where they matter; the other methods need nothing."""
    model: Any = getattr(encoder, "base_model", None)
    if hasattr(model, "update_and_allocate"):
        model.update_and_allocate(step)


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
