"""The same training by three loops: a naive one, the Hugging Face Trainer at its best, and recux's own.

All learn the star (five classes) from the same texts, cut at the same length, for the same epochs, on the embedded
encoder. Each prints one JSON line: real tokens seen, seconds, processor seconds, peak memory, and test QWK.
"""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.train.reviews import sample
from recux.learn.calibration import predicted_stars
from recux.learn.device import resolve_precision
from recux.learn.encode import encode
from recux.learn.evaluation import labelled_rows
from recux.learn.examples import Examples, star
from recux.learn.loop import Loop
from recux.learn.means import item_means
from recux.learn.metrics import Groups, one_hot, quadratic_kappa
from recux.learn.network import layers_of, non_embedding_parameters
from recux.learn.recipe import Recipe, default_recipe
from recux.learn.rows import training_rows
from recux.learn.scoring import EncoderScorer
from recux.learn.training import build, data_of
from recux.learn.weights import load_encoder, load_tokenizer, locate

MAX_TOKENS = 128
CPU = torch.device("cpu")


def run(name: str, *, texts: int, epochs: int, n_test: int, seed: int) -> dict[str, Any]:
    """Train one contestant and report."""
    examples = sample(texts, seed, n_test)
    contestant = {"naive": naive, "trainer": trainer, "recux": own}[name]
    torch.manual_seed(seed)
    tokens, seconds, processor, predict = contestant(examples.of("train").satisfaction, epochs, seed)
    held_out = examples.of("heldout").satisfaction
    report = {
        "name": name,
        "tokens": tokens,
        "flops": tokens * flops_per_token([e.text for e in examples.of("train").satisfaction], name),
        "seconds": seconds,
        "processor_seconds": processor,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if held_out:
        stars = np.array([star(e.satisfaction or 0) for e in held_out])
        report["qwk"] = qwk(stars, predict([e.text for e in held_out]))
    return report


def qwk(stars: np.ndarray, called: np.ndarray) -> float:
    """Quadratic weighted kappa."""
    groups = Groups.of([str(i) for i in range(len(stars))])
    return float(quadratic_kappa(groups.total(one_hot((stars - 1) * 5 + called - 1, 25)).reshape(-1, 5, 5))[0])


def flops_per_token(texts: list[str], name: str) -> float:
    """Multiplications and additions that learning from a real token needs, on average over ``texts``.

    A layer's parameters count twice forward and four times backward, if it learns; attention counts four times the
    text's length times the width forward, and twice that backward. Padding, heads and the optimiser count nothing.
    """
    encoder = load_encoder("embedded")
    recipe = default_recipe(len(texts), "cpu")
    layers = len(layers_of(encoder))
    kept, frozen = (recipe.keep_layers or layers, recipe.freeze_layers) if name == "recux" else (layers, 0)
    lengths = encode(load_tokenizer("embedded"), texts, [None] * len(texts), MAX_TOKENS).lengths
    length = float((lengths**2).sum() / lengths.sum())
    forward = 2 * non_embedding_parameters(encoder) / layers + 4 * length * encoder.config.hidden_size
    return forward * (kept + 2 * (kept - frozen))


def clock() -> tuple[float, float]:
    """Wall and processor seconds."""
    return time.perf_counter(), time.process_time()


def classifier(dropout: float = 0.1) -> Any:
    """The embedded encoder with a fresh five-class layer."""
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        locate("embedded"), num_labels=5, attn_implementation="sdpa"
    )


def naive(examples: Any, epochs: int, seed: int) -> Any:
    """What a first notebook does: pad everything to the limit, fp32, 16 texts a step, plain AdamW on all parameters."""
    tokenizer, model = load_tokenizer("embedded"), classifier()
    texts = [e.text for e in examples]
    coded = tokenizer(texts, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    labels = torch.tensor([star(e.satisfaction) - 1 for e in examples])
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5)
    model.train()
    wall, processor = clock()
    for epoch in range(epochs):
        order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed + epoch))
        for rows in order.split(16):
            out = model(**{k: v[rows] for k, v in coded.items()}, labels=labels[rows])
            out.loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    wall_end, processor_end = clock()
    tokens = int(coded["attention_mask"].sum()) * epochs
    return tokens, wall_end - wall, processor_end - processor, lambda t: classified(model, tokenizer, t)


def trainer(examples: Any, epochs: int, seed: int) -> Any:
    """The Hugging Face Trainer: dynamic padding, grouping by length, bf16 where it pays, fused AdamW."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    tokenizer, model = load_tokenizer("embedded"), classifier()
    coded = tokenizer([e.text for e in examples], truncation=True, max_length=MAX_TOKENS)
    rows = [
        {"input_ids": ids, "attention_mask": mask, "labels": star(e.satisfaction) - 1}
        for ids, mask, e in zip(coded["input_ids"], coded["attention_mask"], examples, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=16,
            learning_rate=5e-5,
            seed=seed,
            train_sampling_strategy="group_by_length",
            optim="adamw_torch_fused",
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            bf16=resolve_precision("auto", CPU) == "bf16",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        job = Trainer(model, settings, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer))
        wall, processor = clock()
        job.train()
        wall_end, processor_end = clock()
    tokens = sum(map(len, coded["input_ids"])) * epochs
    return tokens, wall_end - wall, processor_end - processor, lambda t: classified(model, tokenizer, t)


def classified(model: Any, tokenizer: Any, texts: list[str]) -> np.ndarray:
    """The likeliest star of each text."""
    return five_shares(model, tokenizer, texts, MAX_TOKENS).argmax(1) + 1


@torch.inference_mode()
def five_shares(model: Any, tokenizer: Any, texts: list[str], longest: int) -> np.ndarray:
    """P(1..5) of each text."""
    model.eval()
    order = np.argsort([len(text) for text in texts])
    found = np.zeros((len(texts), 5))
    for at in range(0, len(texts), 32):
        rows = order[at : at + 32]
        coded = coded_texts(tokenizer, [texts[i] for i in rows], longest)
        found[rows] = model(**coded).logits.softmax(-1).numpy()
    return found


def coded_texts(tokenizer: Any, texts: list[str], longest: int) -> Any:
    """Padded to the longest of them."""
    return tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")


def plain_stars(examples: Examples, recipe: Recipe) -> np.ndarray:
    """P(1..5) of the held-out comments by a plain fine-tune, with the epochs, seed and longest text of ``recipe``.

    What a tutorial does: a fresh five-class layer on all layers, cross-entropy, AdamW at 5e-5 on all parameters, 16
    texts a step, linear decay. Padded to the longest of a step, which changes the time and not the result.
    """
    taught = [e for e in examples.of("train").without_duplicates().satisfaction if e.text.strip()]
    torch.manual_seed(recipe.seed)
    tokenizer, model = load_tokenizer("embedded"), classifier()
    labels = torch.tensor([star(e.satisfaction or 0) - 1 for e in taught])
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)
    steps = recipe.epochs * -(-len(taught) // 16)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    model.train()
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(taught)).split(16):
            coded = coded_texts(tokenizer, [taught[i].text for i in rows], recipe.max_tokens)
            model(**coded, labels=labels[rows]).loss.backward()
            optimiser.step()
            decay.step()
            optimiser.zero_grad()
    held_out = labelled_rows(examples, "satisfaction", "heldout").inputs
    return five_shares(model, tokenizer, held_out, recipe.max_tokens)


def own(examples: Any, epochs: int, seed: int) -> Any:
    """Recux with its default recipe, early stopping off so that the epochs are the same."""
    recipe = default_recipe(len(examples), "cpu", epochs=epochs, seed=seed, max_tokens=MAX_TOKENS, tuning_share=0.0)
    rows = training_rows(Examples(tuple(examples)), item_means(()))
    network, tokenizer, resolved = build(["satisfaction"], recipe)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(network, data_of(rows, tokenizer, resolved), resolved, folder=Path(folder), fingerprint="bench")
        wall, processor = clock()
        loop.run(None, None)
        wall_end, processor_end = clock()
    scorer = EncoderScorer(network.eval(), tokenizer, item_means(()), MAX_TOKENS, CPU, resolved.precision)
    return (
        loop.tokens_seen,
        wall_end - wall,
        processor_end - processor,
        lambda t: predicted_stars(scorer.raw(t)["satisfaction"]),
    )
