"""The training process on a job folder: killed, orphaned, refused, and run to its end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from math import log
from pathlib import Path
from statistics import mean

import pytest
import torch

from recux.learn import loop
from recux.learn.errors import JobUnreadable
from recux.learn.evaluation import RECOMMEND_AUC
from recux.learn.examples import Examples, RequestExample
from recux.learn.jobs import read_job, read_result, write_job
from recux.learn.logs import training_logs
from recux.learn.loop import Progress
from recux.learn.predictor import load
from recux.learn.recipe import Recipe
from recux.learn.run import encoder_folder, main, run_job
from recux.learn.splits import split_of
from recux.learn.training import train
from tests.learn.conftest import comments, everything

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def start(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "recux.learn.run", str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT)


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def requests(n: int = 400) -> tuple[RequestExample, ...]:
    rng = random.Random(0)
    found = []
    for i in range(n):
        slow = i % 2
        ms = rng.lognormvariate(4 + slow, 0.3)
        found.append(
            RequestExample(
                f"q{i}", f"p{i % 40}", split_of(f"p{i % 40}", "salt"), ms, rng.random() < 0.05, arm="ab"[slow]
            )
        )
    return tuple(found)


def test_a_job_survives_its_folder(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, everything(), tiny_recipe, requests=requests(5), incumbents={"rating": tmp_path / "old"})
    job = read_job(tmp_path)
    assert (job.examples, job.recipe, job.requests) == (everything(), tiny_recipe, requests(5))
    assert job.incumbents == {"rating": tmp_path / "old"}


def test_a_job_trains_tests_and_chooses_for_every_kind(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, everything(400, 80), tiny_recipe, requests=requests())
    told = []
    assert run_job(tmp_path, progress=told.append).kinds.keys() == read_result(tmp_path).kinds.keys()
    result = read_result(tmp_path)
    assert set(result.kinds) == {"satisfaction", "rating", "behaviour", "response_time"}
    assert result.left_out.keys() == {"purchase"}
    satisfaction = result.kinds["satisfaction"]
    assert {m.name for m in satisfaction.models} == {"encoder", "tfidf_logistic"}
    for model in satisfaction.models:
        for name in ("log_loss", "auc", "f1_macro", "accuracy", "mae", "qwk", "brier", "ece", "coverage_90"):
            measure = model.metrics[name]
            assert measure.value is not None
            assert measure.ci_low <= measure.ci_high
            assert measure.definition
    winner = next(m for m in satisfaction.models if m.name == satisfaction.choice.champion)
    assert winner.audit["log_loss"].value is not None
    taught = read_job(tmp_path).examples.taught()
    rows = {"satisfaction": len(taught.satisfaction), "rating": len(taught.rating), "behaviour": len(taught.behaviour)}
    assert {kind: {m.n_train for m in result.kinds[kind].models} for kind in rows} == {k: {n} for k, n in rows.items()}
    assert {m.metrics["auc"].definition for m in satisfaction.models} == {RECOMMEND_AUC}
    slow, fast = result.kinds["response_time"].models
    assert slow.metrics["pinball"].value < fast.metrics["pinball"].value
    assert {p.stage for p in told} == {"prepare", "train", "baselines", "evaluate", "look closer", "done"}
    assert json.loads((tmp_path / "progress.json").read_text())["stage"] == "done"


def test_a_model_that_only_knows_who_would_recommend_is_none_for_satisfaction(tmp_path: Path, tiny_recipe: Recipe):
    said = tuple(replace(e, satisfaction=None) for e in comments(200))
    write_job(tmp_path, replace(everything(0, 60), satisfaction=said), tiny_recipe)
    result = run_job(tmp_path)
    assert set(result.kinds) == {"rating", "behaviour"}
    assert "recommend" in result.training["heads"]
    assert result.left_out["satisfaction"].startswith("0 labelled examples")
    read = json.loads((tmp_path / "comments.json").read_text())["readings"]
    assert len(read) == 200
    assert {one["expected"] for one in read} == {None}


def test_the_next_round_starts_from_the_champion_and_measures_it_on_the_same_rows(tmp_path: Path, tiny_recipe: Recipe):
    given = Examples(comments(300))
    write_job(tmp_path / "1", given, tiny_recipe)
    first = run_job(tmp_path / "1").kinds["satisfaction"]
    old = next(m for m in first.models if m.name == "encoder").folder
    write_job(tmp_path / "2", given, tiny_recipe, start_from=old, incumbents={"satisfaction": old})
    models = {m.name: m for m in run_job(tmp_path / "2").kinds["satisfaction"].models}
    assert models["incumbent"].n_train == models["encoder"].n_train == len(given.taught().satisfaction)
    assert (
        models["incumbent"].metrics["log_loss"] == next(m for m in first.models if m.folder == old).metrics["log_loss"]
    )
    assert models["encoder"].metrics["log_loss"].value < models["incumbent"].metrics["log_loss"].value


def test_a_round_whose_champion_is_damaged_starts_from_the_base_model_and_goes_through(
    tmp_path: Path, tiny_recipe: Recipe
):
    given = Examples(comments(150))
    write_job(tmp_path / "1", given, tiny_recipe)
    old = run_job(tmp_path / "1").kinds["satisfaction"].models[0].folder
    weights = old / "encoder" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    write_job(tmp_path / "2", given, tiny_recipe, start_from=old, incumbents={"satisfaction": old})
    run_job(tmp_path / "2")
    result = read_result(tmp_path / "2")
    assert "so the base model was taken" in result.left_out["warm start"]
    assert result.kinds["satisfaction"].choice.champion in {"encoder", "tfidf_logistic"}
    assert not next(m for m in result.kinds["satisfaction"].models if m.name == "incumbent").metrics


def test_the_model_that_served_is_tested_on_people_who_came_later_with_the_calibration_it_served_with(
    tmp_path: Path, tiny_recipe: Recipe
):
    write_job(tmp_path / "1", Examples(comments(400)), tiny_recipe)
    old = run_job(tmp_path / "1").kinds["satisfaction"].models[0].folder
    newcomers = [replace(e, key=f"n{e.key}", participant=f"n{e.participant}", round=2) for e in comments(300, seed=1)]
    regular = replace(comments(1)[0], key="again", text="great and lovely", round=2)
    copied = replace(newcomers[0], key="copy", split="train", text=comments(1)[0].text.upper())
    given = Examples((*comments(400), *newcomers, regular, copied))
    changed = next(e.participant for e in newcomers if e.split == "train")
    known_since = {changed: 1}  # what this person said first was changed in round 2
    serving = {"satisfaction": old}
    write_job(tmp_path / "2", given, tiny_recipe, start_from=old, incumbents=serving, first_rounds=known_since)
    run_job(tmp_path / "2")
    models = {m.name: m for m in read_result(tmp_path / "2").kinds["satisfaction"].models}
    assert not models["encoder"].ahead
    seen = [e for e in newcomers if e.split != "audit" and e.participant != changed]
    known = {e.text for e in comments(400)}
    asked = [e for e in seen if e.text not in known]
    answers = load(old).satisfaction([e.text for e in asked])
    stars = [round(e.satisfaction) for e in asked]
    found = models["incumbent"].ahead
    assert found["accuracy"].n == len(asked) > 200
    assert found["accuracy"].value == pytest.approx(
        mean(a["predicted"] == y for a, y in zip(answers, stars, strict=True))
    )
    assert found["coverage_90"].value == pytest.approx(
        mean(y in a["set_90"] for a, y in zip(answers, stars, strict=True))
    )
    losses = [-log(a["probabilities"][y - 1]) for a, y in zip(answers, stars, strict=True)]
    assert found["log_loss"].value == pytest.approx(mean(losses))


def test_killed_at_any_moment_and_started_again_it_ends_with_the_same_model(tmp_path: Path, tiny_recipe: Recipe):
    recipe = tiny_recipe.but(epochs=12, checkpoint_seconds=0.1)
    given = Examples(comments(150))
    write_job(tmp_path / "killed", given, recipe)
    write_job(tmp_path / "whole", given, recipe)
    child = start(tmp_path / "killed")
    models = tmp_path / "killed" / "models" / "encoder"
    wait_for(lambda: (models / "checkpoint.json").is_file() or (models / "trained.json").is_file())
    time.sleep(random.Random(1).uniform(0.0, 0.2))
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed" / "result.json").exists()
    child = start(tmp_path / "killed")
    assert child.wait(120) == 0
    child.stdin.close()
    torch.set_num_threads(1)  # as in the child: the number of threads decides the order of sums
    run_job(tmp_path / "whole")
    texts = ["a lovely dress", "awful"]
    folders = [tmp_path / name / "models" / "encoder" / "model" for name in ("killed", "whole")]
    killed, whole = (load(folder, device="cpu").satisfaction(texts) for folder in folders)
    assert killed == whole


def test_two_processes_train_the_model_that_one_trains(tmp_path: Path, tiny_recipe: Recipe):
    recipe = tiny_recipe.but(dropout=0.0, epochs=2)  # dropout masks depend on which rows are together
    write_job(tmp_path / "one", Examples(comments(150)), recipe)
    write_job(tmp_path / "two", Examples(comments(150)), recipe)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launch, "-m", "recux.learn.run", "--alone", str(tmp_path / "two")]
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT, timeout=120)
    run_job(tmp_path / "one")
    one, two = read_result(tmp_path / "one").training, read_result(tmp_path / "two").training
    assert (two["steps"], two["tokens_seen"]) == (one["steps"], one["tokens_seen"])
    assert [e["loss"] for e in two["history"]] == pytest.approx([e["loss"] for e in one["history"]], rel=1e-5)
    texts = ["a lovely dress", "awful"]
    folders = [tmp_path / name / "models" / "encoder" / "model" for name in ("one", "two")]
    a, b = (load(folder, device="cpu").scorer.raw(texts)["satisfaction"] for folder in folders)
    assert b == pytest.approx(a, abs=1e-5)


APART = """
import os, sys
from recux.learn.run import main
sys.exit(main(["--alone", os.path.join(sys.argv[1], os.environ["RANK"])]))
"""


@pytest.mark.parametrize("all_of_it", [True, False])
def test_processes_that_see_different_folders_do_not_train_together(
    all_of_it: bool, tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    """As on two machines, each with a folder of its own; on the first, all or some of the training was done before."""
    recipe, given = tiny_recipe.but(epochs=1, checkpoint_seconds=0.0), Examples(comments(150))
    for rank in "01":
        write_job(tmp_path / rank, given, recipe)
    monkeypatch.setattr(loop, "TELL_SECONDS", -1.0)

    def tell(progress: Progress) -> None:
        if progress.step == 3 and not all_of_it:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        train(given, recipe, out_dir=encoder_folder(tmp_path / "0"), progress=tell)
    (tmp_path / "apart.py").write_text(APART)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launch, str(tmp_path / "apart.py"), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode != 0
    errors = [json.loads(file.read_text()) for file in tmp_path.glob("[01]/error.json")]
    assert {error["error"] for error in errors} == {
        "FoldersApart"
    }  # the launcher may have ended the other before it wrote
    assert "where all machines see the same folder" in errors[0]["message"]
    assert not list(tmp_path.glob("[01]/result.json"))


def test_it_ends_when_its_parent_does(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, Examples(comments(150)), tiny_recipe.but(epochs=10_000))
    child = start(tmp_path)
    wait_for((tmp_path / "progress.json").is_file)
    child.stdin.close()
    assert child.wait(10) == 3
    assert not (tmp_path / "result.json").exists()


def test_it_ends_with_its_lease_and_a_prolonged_lease_lets_it_live(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, Examples(comments(150)), tiny_recipe.but(epochs=10_000))
    child = start(tmp_path)
    wait_for((tmp_path / "progress.json").is_file)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    child.stdin.write(f"{now + 0.8}\n{now + 3}\n".encode())  # the pipe stays open: only the moment ends it
    child.stdin.flush()
    time.sleep(1.6)
    assert child.poll() is None
    assert child.wait(20) == 3
    assert time.clock_gettime(time.CLOCK_BOOTTIME) >= now + 3
    child.stdin.close()


WANDB = """
import json, os
def init(**given):
    if os.environ["WANDB_MODE"] == "broken":
        raise OSError("no network")
    told = open(given["dir"] + "/told.jsonl", "a")
    class Run:
        def log(self, values, step):
            told.write(json.dumps([step, values]) + chr(10))
            if os.environ["WANDB_MODE"] == "breaking": raise OSError("gone")
        def finish(self):
            told.close()
            if os.environ["WANDB_MODE"] == "breaking": raise OSError("gone")
    return Run()
"""


def test_weights_and_biases_hears_of_training_only_where_someone_configured_it(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "wandb.py").write_text(WANDB)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    told = {}
    for mode in ("", "offline", "broken", "breaking"):
        monkeypatch.setenv("WANDB_MODE", mode)
        with training_logs(tmp_path / mode / "logs", tiny_recipe) as tell:
            tell(Progress("prepare", 0, 1, loss=9.0))
            tell(Progress("train", 3, 8, loss=0.5))
            if mode == "breaking":
                tell(Progress("train", 4, 8, loss=0.4))  # what failed once is left alone
        file = tmp_path / mode / "logs" / "told.jsonl"
        told[mode] = file.read_text() if file.is_file() else None
        assert list((tmp_path / mode / "logs").glob("events.out.tfevents*"))  # TensorBoard hears of it always
    heard = '[3, {"loss": 0.5}]\n'
    assert told == {"": None, "offline": heard, "broken": None, "breaking": heard}


def test_too_little_data_is_one_line_in_error_json(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, Examples(comments(2)), tiny_recipe)
    assert main(["--alone", str(tmp_path / "job.json")]) == 1
    error = json.loads((tmp_path / "error.json").read_text())
    assert error["error"] == "TooFewExamples"
    assert "at least 20 needed; collect more" in error["message"]
    assert "\n" not in error["message"]


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (int(sys.argv.pop(1)),))
runpy.run_module("recux.learn.run", run_name="__main__")
"""


@pytest.mark.parametrize("largest", [50_000, 100])
def test_a_full_disk_ends_the_run_at_its_model_with_a_line_that_says_so(
    largest: int, tmp_path: Path, tiny_recipe: Recipe
):
    """Files may not grow, so libraries meet what they meet on a full disk; with 100 bytes not even progress is told."""
    write_job(tmp_path, Examples(comments(90)), tiny_recipe.but(epochs=1))
    command = [sys.executable, "-c", LIMITED, str(largest), "--alone", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, env=ENVIRONMENT, text=True, timeout=120)
    assert done.returncode == 1
    assert "no checkpoint at step 0" in done.stderr
    message = json.loads(done.stderr.strip().splitlines()[-1])["message"]
    assert "File too large" in message
    assert "run the round again" in message
    if largest > 100:
        assert json.loads((tmp_path / "error.json").read_text())["message"] == message


def test_an_error_that_nobody_foresaw_is_said_and_not_an_abort(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, Examples(comments(90)), tiny_recipe)
    (tmp_path / "people.json").write_text('{"cohorts": ["nobody wrote"], "first_rounds": {}}')
    child = start(tmp_path)
    assert child.wait(60) == 1
    child.stdin.close()
    error = json.loads((tmp_path / "error.json").read_text())
    assert error["message"].startswith(f"training failed: {error['error']}: ")
    assert "\n" not in error["message"]


def test_an_unreadable_job_or_result_says_which_file(tmp_path: Path):
    with pytest.raises(JobUnreadable, match=r"job\.json"):
        read_job(tmp_path)
    with pytest.raises(JobUnreadable, match=r"result\.json"):
        read_result(tmp_path)
