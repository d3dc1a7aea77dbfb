"""The same training by several loops: a naive one, the Hugging Face Trainer at its best, and recux's own.

All learn the star (five classes) from the same texts, cut at the same length, for the same epochs. On a CPU that is on
the embedded encoder, on a GPU on an encoder of the shape of BERT-base with random weights: a speed and nothing else.
Each prints one JSON line: real tokens seen, seconds, processor seconds, peak memory, and test QWK.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.train.reviews import sample
from recux.learn.calibration import predicted_stars
from recux.learn.device import autocast, resolve_device, resolve_precision
from recux.learn.encode import encode
from recux.learn.examples import Examples, star
from recux.learn.loop import Loop
from recux.learn.means import item_means
from recux.learn.metrics import Groups, one_hot, quadratic_kappa
from recux.learn.network import layers_of, non_embedding_parameters
from recux.learn.recipe import Recipe, default_recipe
from recux.learn.rows import training_rows
from recux.learn.scoring import EncoderScorer
from recux.learn.tested import labelled_rows
from recux.learn.training import build, data_of
from recux.learn.weights import load_encoder, load_tokenizer, locate

MAX_TOKENS = 128
WHERE = resolve_device("auto")
ROWS = 32
"""Texts a step of the Trainer, as of recux by its default recipe; the naive loop has 16."""
OWN: dict[str, Callable[[int], Recipe]] = {
    "recux": lambda n: default_recipe(max(n, 1000), WHERE.type),
    "few": lambda n: default_recipe(min(n, 500), WHERE.type),
}
"""Recux with its recipe from 1,000 texts on, which trains all that the others do, and with that for few texts."""


def run(name: str, *, texts: int, epochs: int, n_test: int, seed: int) -> dict[str, Any]:
    """Train one contestant and report."""
    examples = sample(texts, seed, n_test)
    taught = examples.of("train").satisfaction
    torch.manual_seed(seed)
    if name in OWN:
        recipe = OWN[name](len(taught)).but(
            base_model=base_model(),
            device=WHERE.type,
            max_tokens=MAX_TOKENS,
            epochs=epochs,
            seed=seed,
            checkpoint_seconds=float("inf"),
        )
        tokens, seconds, processor, predict = own(taught, recipe)
    else:
        recipe = None
        tokens, seconds, processor, predict = {"naive": naive, "trainer": trainer}[name](taught, epochs, seed)
    held_out = examples.of("heldout").satisfaction
    report = {
        "name": name,
        "tokens": tokens,
        "flops": tokens * flops_per_token([e.text for e in taught], recipe),
        "seconds": seconds,
        "processor_seconds": processor,
        "peak_mib": peak_mib(),
    }
    if held_out:
        stars = np.array([star(e.satisfaction or 0) for e in held_out])
        report["qwk"] = qwk(stars, predict([e.text for e in held_out]))
    return report


def peak_mib() -> float:
    """The most memory used so far: of the GPU where there is one, else of this process."""
    if WHERE.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@cache
def base_model() -> str:
    """The embedded encoder, or on a GPU a folder with BERT-base's shape, its weights drawn at random."""
    if WHERE.type == "cpu":
        return "embedded"
    from transformers import BertConfig, BertModel

    folder = Path(tempfile.mkdtemp()) / "bert-base"
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(load_tokenizer("embedded")))).save_pretrained(folder)
    load_tokenizer("embedded").save_pretrained(folder)
    return str(folder)


def qwk(stars: np.ndarray, called: np.ndarray) -> float:
    """Quadratic weighted kappa."""
    groups = Groups.of([str(i) for i in range(len(stars))])
    return float(quadratic_kappa(groups.total(one_hot((stars - 1) * 5 + called - 1, 25)).reshape(-1, 5, 5))[0])


def flops_per_token(texts: list[str], recipe: Recipe | None) -> float:
    """Multiplications and additions that learning from a real token needs, on average over ``texts``.

    A layer's parameters count twice forward and four times backward, if it learns; attention counts four times the
    text's length times the width forward, and twice that backward. Padding, heads and the optimiser count nothing.
    ``recipe`` says which layers there are and learn; None: all.
    """
    encoder = load_encoder(base_model())
    layers = len(layers_of(encoder))
    kept, frozen = (recipe.keep_layers or layers, recipe.freeze_layers) if recipe else (layers, 0)
    lengths = encode(load_tokenizer(base_model()), texts, [None] * len(texts), MAX_TOKENS).lengths
    length = float((lengths**2).sum() / lengths.sum())
    forward = 2 * non_embedding_parameters(encoder) / layers + 4 * length * encoder.config.hidden_size
    return forward * (kept + 2 * (kept - frozen))


def clock() -> tuple[float, float]:
    """Wall and processor seconds, once a GPU has done all that it was asked to."""
    if WHERE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def classifier(base: str, attention: str = "sdpa", classes: int = 5) -> Any:
    """The encoder with a fresh layer of that many classes."""
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        locate(base), num_labels=classes, attn_implementation=attention
    ).to(WHERE)


def naive(examples: Any, epochs: int, seed: int) -> Any:
    """What a first notebook does: pad everything to the limit, fp32, 16 texts a step, plain AdamW on all parameters."""
    tokenizer, model = load_tokenizer(base_model()), classifier(base_model())
    texts = [e.text for e in examples]
    coded = tokenizer(texts, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    labels = torch.tensor([star(e.satisfaction) - 1 for e in examples])
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5)
    model.train()
    wall, processor = clock()
    for epoch in range(epochs):
        order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed + epoch))
        for rows in order.split(16):
            out = model(**{k: v[rows].to(WHERE) for k, v in coded.items()}, labels=labels[rows].to(WHERE))
            out.loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    wall_end, processor_end = clock()
    tokens = int(coded["attention_mask"].sum()) * epochs
    return tokens, wall_end - wall, processor_end - processor, lambda t: classified(model, tokenizer, t)


def trainer(examples: Any, epochs: int, seed: int) -> Any:
    """The Hugging Face Trainer: dynamic padding, grouping by length, bf16 where it pays, fused AdamW.

    On a CPU with the plain attention and 32 texts a step, which measured 14 % faster than the fused one with 16.
    """
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    attention = "eager" if WHERE.type == "cpu" else "sdpa"
    tokenizer, model = load_tokenizer(base_model()), classifier(base_model(), attention)
    coded = tokenizer([e.text for e in examples], truncation=True, max_length=MAX_TOKENS)
    rows = [
        {"input_ids": ids, "attention_mask": mask, "labels": star(e.satisfaction) - 1}
        for ids, mask, e in zip(coded["input_ids"], coded["attention_mask"], examples, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=ROWS,
            learning_rate=5e-5,
            seed=seed,
            train_sampling_strategy="group_by_length",
            optim="adamw_torch_fused",
            save_strategy="no",
            report_to=[],
            use_cpu=WHERE.type == "cpu",
            bf16=resolve_precision("auto", WHERE) == "bf16",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=WHERE.type == "cuda",
        )
        job = Trainer(model, settings, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer))
        wall, processor = clock()
        job.train()
        wall_end, processor_end = clock()
    tokens = sum(map(len, coded["input_ids"])) * epochs
    return tokens, wall_end - wall, processor_end - processor, lambda t: classified(model, tokenizer, t)


def classified(model: Any, tokenizer: Any, texts: list[str]) -> np.ndarray:
    """The likeliest star of each text."""
    return shares(model, tokenizer, texts, MAX_TOKENS).argmax(1) + 1


@torch.inference_mode()
def shares(model: Any, tokenizer: Any, texts: list[str], longest: int, precision: str = "fp32") -> np.ndarray:
    """The probabilities of the classes for each text."""
    model.eval()
    order = np.argsort([len(text) for text in texts])
    found = np.zeros((len(texts), model.config.num_labels))
    for at in range(0, len(texts), 32):
        rows = order[at : at + 32]
        coded = coded_texts(tokenizer, [texts[i] for i in rows], longest)
        with autocast(WHERE, precision):
            found[rows] = model(**coded).logits.float().softmax(-1).cpu().numpy()
    return found


def coded_texts(tokenizer: Any, texts: list[str], longest: int) -> Any:
    """Padded to the longest of them."""
    return tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt").to(WHERE)


def plain_shares(examples: Examples, recipe: Recipe, head: str) -> np.ndarray:
    """What a plain fine-tune on ``head`` alone says of the held-out comments: P(1..5), or P(no, yes) of a flag.

    What a tutorial does: a fresh layer on the encoder, cross-entropy, AdamW at 5e-5 on all parameters, 16 texts a
    step, linear decay; epochs, seed and longest text are those of ``recipe``. Padded to the longest of a step, which
    changes the time and not the result; bf16 where it pays, as recux.
    """
    precision = resolve_precision(recipe.precision, WHERE)
    taught = labelled_rows(examples.taught(), head, "train")
    torch.manual_seed(recipe.seed)
    tokenizer, model = load_tokenizer("embedded"), classifier("embedded", classes=5 if head == "satisfaction" else 2)
    labels = torch.tensor(taught.labels - (head == "satisfaction"))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=True)
    steps = recipe.epochs * -(-len(labels) // 16)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    model.train()
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(labels)).split(16):
            coded = coded_texts(tokenizer, [taught.inputs[i] for i in rows], recipe.max_tokens)
            with autocast(WHERE, precision):
                loss = model(**coded, labels=labels[rows].to(WHERE)).loss
            loss.backward()
            optimiser.step()
            decay.step()
            optimiser.zero_grad()
    held_out = labelled_rows(examples, head, "heldout").inputs
    return shares(model, tokenizer, held_out, recipe.max_tokens, precision)


def own(examples: Any, recipe: Recipe) -> Any:
    """Recux with ``recipe``; nothing is kept back for early stopping, so that the epochs are the same."""
    rows = training_rows(Examples(tuple(examples)), item_means(()))
    network, tokenizer, resolved = build(["satisfaction"], recipe)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(network, data_of(rows, tokenizer, resolved), resolved, folder=Path(folder), fingerprint="bench")
        wall, processor = clock()
        loop.run(None)
        wall_end, processor_end = clock()
    scorer = EncoderScorer(network.eval(), tokenizer, item_means(()), MAX_TOKENS, WHERE, resolved.precision)
    return (
        loop.tokens_seen,
        wall_end - wall,
        processor_end - processor,
        lambda t: predicted_stars(scorer.raw(t)["satisfaction"]),
    )
