import numpy as np
import pandas as pd
import pytest

from recux.evaluation.stability import figures, objectives


def calls(durations, failed=None, people=None):
    n = len(durations)
    return pd.DataFrame(
        {
            "id": range(1, n + 1),
            "arm": "a",
            "participant": people if people is not None else [0] * n,
            "duration_ms": np.asarray(durations, dtype=float),
            "failed": failed if failed is not None else [False] * n,
        }
    )


def test_published_requests_give_the_known_quantiles_and_failure_share(data_folder):
    log = pd.read_csv(data_folder / "openstack_requests" / "requests.csv")
    found = figures(calls(log["seconds"] * 1000, failed=log["status"] >= 400))
    assert found["p50_ms"].value == pytest.approx(259.165)
    assert found["p95_ms"].value == pytest.approx(384.379, abs=0.001)
    assert found["p99_ms"].value == pytest.approx(504.143, abs=0.001)
    assert found["failure_rate"].value == pytest.approx(0.040315, abs=1e-6)
    assert found["availability"].value == pytest.approx(1 - 0.040315, abs=1e-6)


def test_a_quantile_of_too_few_calls_is_not_estimable():
    found = figures(calls(range(50)))
    assert found["p95_ms"].value is None
    assert "needs 72" in found["p95_ms"].reason
    assert found["p50_ms"].value == 24.5


def test_no_failure_still_has_an_upper_limit():
    found = figures(calls(range(40)))["failure_rate"]
    assert (found.value, round(found.ci_high, 3)) == (0, 0.088)


def test_failures_of_one_person_widen_the_interval():
    failed = [True] * 10 + [False] * 90
    one_by_one = figures(calls(range(100), failed))["failure_rate"]
    clustered = figures(calls(range(100), failed, people=np.repeat(range(1, 11), 10)))["failure_rate"]
    assert one_by_one.value == clustered.value == 0.1
    assert clustered.n == 10
    assert clustered.ci_high - clustered.ci_low > 2 * (one_by_one.ci_high - one_by_one.ci_low)


def test_objectives_say_whether_they_hold_and_how_sure_that_is():
    found = figures(calls(np.arange(1, 1001)))
    by_name = {one.name: one for one in objectives({"p95_ms": 800.0, "p50_ms": 505.0, "failure_rate": 0.01}, found)}
    assert (by_name["p95_ms"].ok, by_name["p95_ms"].certain) == (False, True)
    assert (by_name["p50_ms"].ok, by_name["p50_ms"].certain) == (True, False)
    assert (by_name["failure_rate"].ok, by_name["failure_rate"].certain) == (True, True)


def test_an_objective_without_calls_is_neither_kept_nor_broken():
    (one,) = objectives({"p95_ms": 800.0}, figures(calls([])))
    assert (one.value, one.ok, one.certain) == (None, None, False)
