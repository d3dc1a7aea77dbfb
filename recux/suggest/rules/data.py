"""Rules about the quality of the data."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, aimed, practical, shrunken, text, undone
from recux.suggest.family import counts, discoveries
from recux.suggest.finding import Finding
from recux.suggest.rules.counted import counted

UNKNOWN_TOKENS = 0.10
FIELD_NAMES = {"description": "描述", "category": "类别", "image_url": "图片", "price": "价格"}


def sample_ratio_mismatch(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The arms do not have the sizes that were planned, so something else than chance assigns people."""
    for f in discoveries(findings, "sample_ratio"):
        yield Draft(
            rule="sample_ratio_mismatch",
            version=1,
            category="data",
            finding=f,
            title=text(
                "Arm {arm} has {share:.0%} of the people, {planned:.0%} were planned (p {p})",
                "方案 {arm} 有 {share:.0%} 的人，计划为 {planned:.0%}（p {p}）",
                arm=f.where["arm"],
                share=f.value,
                planned=f.facts["planned"],
                p="< 0.0001" if (f.p or 0) < 0.0001 else f"= {f.p:.4f}",
            ),
            change=text(
                "Trust no comparison of arms until the assignment is explained: look for lost or doubled people.",
                "在查明分配原因之前不要相信任何方案比较：检查是否有人丢失或重复。",
            ),
            predicted=aimed(f, float(f.facts["planned"])),
            guardrails=(),
        )


def thin_cohort(findings: Sequence[Finding]) -> Iterator[Draft]:
    """A cohort has too few people to be heard."""
    for f in counts(findings, "thin_cohort"):
        yield counted(
            "thin_cohort",
            "data",
            f,
            title=(
                "Cohort {cohort} has only {n} people who answered; the largest has {largest}",
                "人群“{cohort}”只有 {n} 人作答；最大的人群有 {largest} 人",
            ),
            change=(
                "Invite more of cohort {cohort}, or join it with a similar one before the next round.",
                "在下一轮之前邀请更多“{cohort}”人群，或与相似人群合并。",
            ),
            predicted=aimed(f, 10.0),
        )


def duplicate_items(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The catalogue lists the same thing more than once."""
    for f in counts(findings, "duplicates"):
        yield counted(
            "duplicate_items",
            "data",
            f,
            title=(
                "{items} items ({value:.0%}) repeat the title and description of another, such as “{example}”",
                "{items} 个内容（{value:.0%}）与另一内容的标题和描述相同，例如“{example}”",
            ),
            change=(
                "Join the doubled items under one id before the next round.",
                "在下一轮之前将重复内容合并为一个编号。",
            ),
            predicted=undone(f),
            guardrails=("mean_rating",),
            against=(text("Variants (size, colour) may share their words.", "不同规格可能共用文字。"),),
            more={"example": f.facts["examples"][0][:60]},
        )


def missing_field(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Part of the items that people see lack a field that others have."""
    for f in counts(findings, "missing_field"):
        field = f.where["field"]
        yield counted(
            "missing_field",
            "data",
            f,
            title=(
                "{value:.0%} of the items that people saw have no {name}",
                "人们看到的内容中有 {value:.0%} 没有{name_zh}",
            ),
            change=("Fill in {name} for these items.", "补全这些内容的{name_zh}。"),
            predicted=undone(f),
            guardrails=("mean_rating",),
            more={"name": field.removesuffix("_url"), "name_zh": FIELD_NAMES[field]},
        )


def ratings_drift(findings: Sequence[Finding]) -> Iterator[Draft]:
    """New people rate lower than people of earlier rounds did."""
    for f in discoveries(findings, "drift"):
        if -shrunken(f.value, f.low, f.high) >= practical(f.metric):
            yield Draft(
                rule="ratings_drift",
                version=1,
                category="data",
                finding=f,
                title=text(
                    "Mean ratings fell from {before:.2f} to {now:.2f} since the earlier rounds",
                    "与前几轮相比，平均评分由 {before:.2f} 降至 {now:.2f}",
                    before=f.facts["mean_before"],
                    now=f.facts["mean_now"],
                ),
                change=text(
                    "Find out what changed (who was invited, what was shown) before comparing rounds.",
                    "比较各轮之前，先查明有何变化（邀请了谁、展示了什么）。",
                ),
                predicted=undone(f),
                guardrails=(),
                against=(text("Rounds are not randomised.", "各轮之间没有随机分配。"),),
            )


def unsuitable_encoder(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The encoder does not know the language that people write."""
    for f in counts(findings, "unknown_tokens"):
        if f.value > UNKNOWN_TOKENS:
            yield counted(
                "unsuitable_encoder",
                "data",
                f,
                title=(
                    "The encoder does not know {value:.0%} of the words that people write",
                    "编码器不认识人们所写词语中的 {value:.0%}",
                ),
                change=(
                    "Run the next round with a base model of that language, for example bert-base-chinese or"
                    " bert-base-multilingual-cased; until then trust the n-gram baseline.",
                    "下一轮使用适合该语言的基础模型，例如 bert-base-chinese 或 bert-base-multilingual-cased；"
                    "在此之前请相信 n-gram 基线。",
                ),
                predicted=undone(f),
            )
