"""What GitHub is made to create keeps within what it takes, and what can be done without makes room for the rest."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import SourceError
from deployer.github.budget import CREATIONS, WAIT, Budget, LeftOutError, budget_of
from deployer.github.client import GitHub
from deployer.github.statuses import set_status
from deployer.repository import Repository
from deployer.retry import PATIENCE
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import TOKEN, Clone

(MINUTE, _), (HOUR, _) = CREATIONS
SECONDARY = {"message": "You have exceeded a secondary rate limit."}
LIMITED = {"message": "API rate limit exceeded for user ID 1."}


def take(budget: Budget, now: float, *, dispensable: bool = False) -> float | str:
    """The seconds to wait; or what becomes of a request that gets no turn."""
    try:
        return budget.take("POST /x", now, dispensable=dispensable)
    except LeftOutError:
        return "left out"
    except SourceError as error:
        passes = error.transient and (error.retry_after or 0) > WAIT
        return f"refused for {error.retry_after:g} s" if passes else str(error)


def test_what_is_more_than_a_minute_takes_waits_in_line_for_a_while() -> None:
    budget = Budget()
    assert {take(budget, 0) for _ in range(MINUTE - 1)} == {0}
    assert take(budget, 10) == 0
    assert take(budget, 50) == "refused for 12 s"
    assert take(budget, 58) == 4
    assert take(budget, 59) == 3
    assert {take(budget, 62) for _ in range(MINUTE - 3)} == {0}
    assert take(budget, 62) == "refused for 10 s", "the one of second 10 counts as well"


def test_what_is_more_than_an_hour_takes_is_refused() -> None:
    budget = Budget()
    for number in range(HOUR):
        assert take(budget, 2.0 * number) == 0
    assert take(budget, 1_000) == "refused for 2602 s"
    assert take(budget, 3_602) == 0


def test_what_can_be_done_without_is_left_out_once_more_than_half_is_used() -> None:
    budget = Budget()
    assert {take(budget, 0, dispensable=True) for _ in range(MINUTE // 2 + 1)} == {0}
    assert take(budget, 0, dispensable=True) == "left out"
    assert take(budget, 0) == 0
    assert take(budget, 61, dispensable=True) == "left out"
    assert take(budget, 62, dispensable=True) == 0, "a minute later there is room again"


def test_of_the_hour_too_more_than_half_is_for_what_matters() -> None:
    budget = Budget()
    for number in range(HOUR // 2 + 1):
        assert take(budget, 4.0 * number, dispensable=True) == 0
    assert take(budget, 2_000, dispensable=True) == "left out"
    assert take(budget, 2_000) == 0


def test_a_refusal_of_github_closes_it() -> None:
    budget = Budget()
    budget.close(30)
    budget.close(20)
    assert take(budget, 0, dispensable=True) == "left out"
    assert take(budget, 0) == "refused for 30 s"
    assert take(budget, 28, dispensable=True) == "left out"
    assert take(budget, 28) == 2
    assert take(budget, 30, dispensable=True) == 0


def test_a_person_is_told_why_and_for_how_long() -> None:
    budget = Budget(share=10)
    for _ in range(8):
        take(budget, 0)
    with pytest.raises(SourceError) as caught:
        budget.take("POST /x", 10.5, dispensable=False)
    assert str(caught.value) == (
        "POST /x was not sent: this process may send 8 in 62 s and 50 in 3,602 s, so as to keep within GitHub's "
        "limits; try again in 52 s"
    )
    budget.close(100)
    with pytest.raises(SourceError) as caught:
        budget.take("POST /x", 10, dispensable=False)
    assert str(caught.value) == (
        "POST /x was not sent: GitHub has refused the last one, as too many came in a short time; try again in 90 s"
    )


@pytest.mark.parametrize(("share", "minute"), [(100, 80), (50, 40), (12, 9), (1, 1), (1_000, 800)])
def test_a_process_may_have_a_share(share: int, minute: int) -> None:
    budget = Budget(share)
    assert {take(budget, 0) for _ in range(minute)} == {0}
    assert take(budget, 0) == "refused for 62 s"


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=300))
def test_no_minute_has_more_than_github_takes(steps: list[tuple[float, bool]]) -> None:
    budget, now, sent = Budget(share=5), 0.0, []
    for step, dispensable in steps:
        now += step
        wait = take(budget, now, dispensable=dispensable)
        if isinstance(wait, float | int):
            assert not (dispensable and wait)
            sent.append(now + wait)
    assert sent == sorted(sent), "whoever comes first goes first"
    for most, seconds in ((4, 60.0), (25, 3_600.0)):
        assert all(later - first > seconds for first, later in zip(sent, sent[most:], strict=False))


def test_each_token_has_one_at_each_github() -> None:
    one = budget_of("https://api.github.com", "ghp_1", 100)
    assert budget_of("https://api.github.com", "ghp_1", 100) is one
    assert budget_of("https://api.github.com", "ghp_2", 100) is not one
    assert budget_of("https://github.example.com/api/v3", "ghp_1", 100) is not one


def test_an_app_has_one_for_each_of_many_installations() -> None:
    many = [budget_of("https://api.github.com", f"App 1 of {number}", 100) for number in range(300)]
    assert [budget_of("https://api.github.com", f"App 1 of {number}", 100) for number in range(300)] == many
    assert len(set(map(id, many))) == 300


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def tell(github: GitHub, repository: Repository, commit: str, text: str, *, dispensable: bool = False) -> bool:
    state = "pending" if dispensable else "success"
    return set_status(github, repository, commit, state, "deployer/shop", text, dispensable=dispensable)  # type: ignore[arg-type]


def test_github_need_not_refuse_what_threads_and_connections_write(
    server: LocalGitHub, repository: Repository, commit: str
) -> None:
    def write(number: int) -> bool | str:
        with GitHub(server.api_url, TOKEN) as github:
            try:
                return tell(github, repository, commit, str(number), dispensable=number % 2 == 0)
            except SourceError as error:
                return str(error)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, range(2 * MINUTE)))
    told = server.statuses.of("acme/web", commit)
    posts = [method for method, _ in server.requests if method == "POST"]
    assert len(told) == len(posts) == results.count(True) == MINUTE
    assert sum(one.state == "pending" for one in told) <= MINUTE // 2 + 1
    assert {result for number, result in enumerate(results) if number % 2 == 0} <= {True, False}
    refused = [result for result in results if isinstance(result, str)]
    assert refused
    assert all(
        re.search(r"was not sent: this process may send 80 in 62 s .*; try again in \d+ s", one) for one in refused
    )


def test_what_has_its_turn_soon_waits_for_it(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    budget_of(server.api_url, TOKEN, 100).close(time.monotonic() + 0.5)
    start = time.monotonic()
    assert not tell(github, repository, commit, "deploying", dispensable=True)
    assert time.monotonic() - start < 0.3
    assert tell(github, repository, commit, "live")
    assert time.monotonic() - start >= 0.5
    assert [one.description for one in server.statuses.of("acme/web", commit)] == ["live"]


def test_what_github_refuses_can_be_done_without_for_as_long_as_it_says(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    proxy.play("POST", Answer(403, SECONDARY, {"Retry-After": "1"}))
    start = time.monotonic()
    assert not tell(faulty, repository, commit, "deploying", dispensable=True)
    assert not tell(faulty, repository, commit, "still deploying", dispensable=True)
    assert time.monotonic() - start < 0.5, "nobody waits for what can be done without"
    assert len(proxy.seen) == 1, "and GitHub is left in peace"
    assert tell(faulty, repository, commit, "live")
    assert time.monotonic() - start >= 1
    assert tell(faulty, repository, commit, "deploying the next", dispensable=True)
    assert [one.description for one in server.statuses.of("acme/web", commit)] == ["live", "deploying the next"]


def test_what_matters_is_sent_again_when_github_takes_it(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    proxy.play("POST", Answer(429, SECONDARY, {"Retry-After": "1"}))
    start = time.monotonic()
    assert tell(faulty, repository, commit, "live")
    assert 1 <= time.monotonic() - start < PATIENCE / 2
    assert [one.description for one in server.statuses.of("acme/web", commit)] == ["live"]


def test_a_refusal_for_long_is_not_waited_for_nor_tried_again(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    proxy.play("POST", Answer(403, SECONDARY, {"Retry-After": "60"}))
    start = time.monotonic()
    with pytest.raises(SourceError, match="GitHub's rate limit for this token is used up until"):
        tell(faulty, repository, commit, "live")
    with pytest.raises(SourceError, match=r"was not sent: GitHub has refused .* try again in \d\d s") as caught:
        tell(faulty, repository, commit, "live")
    assert caught.value.transient
    assert time.monotonic() - start < 1
    assert len(proxy.seen) == 1
    assert faulty.request("GET", "/repos/acme/web").text("full_name") == "acme/web", "reads go on"


def test_what_can_be_done_without_is_tried_again_after_a_fault_that_passes(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    proxy.play("POST", Answer(502, headers={"Retry-After": "0"}))
    assert tell(faulty, repository, commit, "deploying", dispensable=True)


def test_reads_need_no_turn(server: LocalGitHub, github: GitHub, commit: str) -> None:
    budget_of(server.api_url, TOKEN, 100).close(time.monotonic() + 60)
    assert github.request("GET", "/repos/acme/web").text("full_name") == "acme/web"


@pytest.mark.parametrize("status", [403, 429])
def test_an_hour_that_is_used_up_is_told_until_when_and_never_waited_for(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str, status: int
) -> None:
    server.limits.primary.limit = server.limits.primary.used
    server.limits.status = type(server.limits.status)(status)
    ends = time.strftime("%H:%M", time.gmtime(server.limits.primary.reset + 1))
    start = time.monotonic()
    told = rf"used up until {ends}:\d\d UTC \({status} to .*try again then"
    with pytest.raises(SourceError, match=told) as reading:
        github.request("GET", "/repos/acme/web")
    with pytest.raises(SourceError, match=told) as writing:
        tell(github, repository, commit, "live")
    with pytest.raises(SourceError, match=told):
        tell(github, repository, commit, "deploying", dispensable=True)
    assert time.monotonic() - start < 2
    assert github.requests == 3, "each is sent once"
    for caught in (reading, writing):
        assert caught.value.transient
        assert caught.value.retry_after is not None
        assert 3_000 < caught.value.retry_after < 3_700
    server.limits.primary.limit = 5_000
    assert tell(github, repository, commit, "live"), "one limit says nothing of the other"
