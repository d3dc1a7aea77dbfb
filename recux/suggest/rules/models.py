"""Rules about the models that a round fine-tunes."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, shrunken, text, undone
from recux.suggest.family import counts, discoveries
from recux.suggest.finding import Finding
from recux.suggest.rules.counted import counted

HEADS = {"rating": "评分", "satisfaction": "满意度", "behaviour": "行为", "response_time": "响应时间"}
FORGOTTEN = 0.05
"""Log-loss on an earlier round that is worth a change."""
UNFAIR = 0.2
"""Difference of the mean error between two cohorts, in stars, that is worth a change."""


def worse_than_baseline(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The fine-tuned model loses to a simple baseline on held-out people."""
    for f in counts(findings, "baseline"):
        if f.low > 0:
            yield counted(
                "worse_than_baseline",
                "algorithm",
                f,
                title=(
                    "The fine-tuned {model} model (log-loss {ours:.2f}) is worse than {baseline} ({theirs:.2f})",
                    "微调的{model_zh}模型（对数损失 {ours:.2f}）不如 {baseline}（{theirs:.2f}）",
                ),
                change=(
                    "Let {baseline} serve, and collect more feedback or try another base model before the next round.",
                    "由 {baseline} 提供服务；下一轮之前收集更多反馈或更换基础模型。",
                ),
                predicted=undone(f),
                guardrails=("mean_rating",),
                more=_model(f),
            )


def miscalibrated_model(findings: Sequence[Finding]) -> Iterator[Draft]:
    """A model's probabilities are further from the truth than chance alone would put them."""
    for f in counts(findings, "ece"):
        if f.low > max(0.05, f.facts["perfect"]):
            yield counted(
                "miscalibrated_model",
                "algorithm",
                f,
                title=(
                    "The {model} model's probabilities are off by {value:.2f}; a perfect model shows up to"
                    " {perfect:.2f}",
                    "{model_zh}模型的概率偏差为 {value:.2f}；完美模型至多为 {perfect:.2f}",
                ),
                change=(
                    "Calibrate it on more held-out people; until then read its order, not its probabilities.",
                    "用更多留出的人进行校准；在此之前只看其排序，不看概率。",
                ),
                predicted=undone(f),
                more=_model(f),
            )


def model_forgets(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The new model does worse on an earlier round than the model before it did."""
    for f in counts(findings, "forgetting"):
        if f.low > 0 and f.value > FORGOTTEN:
            yield counted(
                "model_forgets",
                "algorithm",
                f,
                title=(
                    "The new {model} model lost {value:.2f} log-loss on round {round}",
                    "新的{model_zh}模型在第 {round} 轮上损失增加 {value:.2f}",
                ),
                change=(
                    "Replay more of the earlier rounds, or keep the model of the round before.",
                    "增加对前几轮数据的重放，或保留上一轮的模型。",
                ),
                predicted=undone(f),
                more=_model(f),
            )


def unfair_model(findings: Sequence[Finding]) -> Iterator[Draft]:
    """A model errs more on one cohort than on another."""
    for f in discoveries(findings, "unfair"):
        if shrunken(f.value, f.low, f.high) >= UNFAIR:
            facts = {**_model(f), **f.facts}
            yield Draft(
                rule="unfair_model",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "The {model} model is off by {error:.2f} stars for cohort {worst} and by {least:.2f} for {best}",
                    "{model_zh}模型对人群“{worst}”偏差 {error:.2f} 星，对“{best}”偏差 {least:.2f} 星",
                    **facts,
                ),
                change=text(
                    "Invite more of cohort {worst} before the next round; until then let another model rank for it.",
                    "下一轮之前邀请更多“{worst}”人群；在此之前由其他模型为其排序。",
                    **facts,
                ),
                predicted=undone(f),
                guardrails=("mean_rating",),
                against=(
                    text(
                        "Cohorts differ in how much they can be predicted at all: compare with the baseline's errors.",
                        "各人群的可预测程度本就不同：请与基线的误差比较。",
                    ),
                ),
            )


def _model(f: Finding) -> dict[str, str]:
    head = f.where["head"]
    return {"model": head.replace("_", " "), "model_zh": HEADS.get(head, head)}
