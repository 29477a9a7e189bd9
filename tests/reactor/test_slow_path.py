"""Asking for another plan: when, how often, and what goes with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from reactor.dispatch import LONGEST_WAIT_S, SHORT_S
from reactor.dry import OBSERVED_OBJECT
from reactor.handle import handle
from reactor.peers import GONE_AFTER, count, gone
from reactor.published import STATE_OBJECT, Dispatch, Peer
from reactor.signals import CHECK, Signal
from reactor.state import PeerCount, State
from reactor.web import status_of
from tests.reactor.builders import group, plan
from tests.reactor.fakes import FakeCloud, FakeStore, published

COOL_DOWN_S = 300.0


class Endpoint:
    """A stand-in for those who run `pulumi up`; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], dict[str, object]]] = []
        self.status = 204
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.asked.append((dict(self.headers), json.loads(body)))
                self.send_response(endpoint.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/repos/o/r/dispatches"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


def short_cloud() -> FakeCloud:
    """No spot to be had anywhere; on-demand there is."""
    cloud = FakeCloud()
    cloud.refuse = {"east", "west"}
    return cloud


def store_with(endpoint: Endpoint, kind: str = "github", **changes: object) -> FakeStore:
    return FakeStore(
        published(plan(), dispatch=Dispatch(kind, endpoint.url), cool_down_s=COOL_DOWN_S, **changes)  # type: ignore[arg-type]
    )


def ticks(cloud: FakeCloud, store: FakeStore, seconds: float, every: float = 60.0) -> list[str]:
    """Ticks over so much time; the journal."""
    lines: list[str] = []
    end = cloud.now_s + seconds
    while cloud.now_s < end:
        handle(cloud, [store], (CHECK,), token=lambda: "secret", write=lines.append)
        cloud.now_s += every
    return lines


def test_a_shortage_that_lasts_asks_once_and_then_ever_more_seldom(endpoint: Endpoint):
    cloud, store = short_cloud(), store_with(endpoint)
    ticks(cloud, store, SHORT_S - 60)
    assert endpoint.asked == []
    ticks(cloud, store, 120)
    assert len(endpoint.asked) == 1
    ticks(cloud, store, 24 * 3600, every=300)
    assert 4 <= len(endpoint.asked) <= 2 + 24 * 3600 / LONGEST_WAIT_S + 6


def test_it_says_who_asks_why_and_under_which_plan_and_keeps_the_token_in_the_header(
    endpoint: Endpoint,
):
    cloud, store = short_cloud(), store_with(endpoint)
    lines = ticks(cloud, store, SHORT_S + 120)
    headers, body = endpoint.asked[0]
    assert headers["Authorization"] == "Bearer secret"
    assert body["event_type"] == "skyblend-replan"
    payload = body["client_payload"]
    assert isinstance(payload, dict)
    assert (payload["stack"], payload["reason"], payload["plan_digest"]) == ("test", "short", "d")
    assert "secret" not in "".join(lines)
    assert any(json.loads(line).get("replan") == "short" for line in lines)


def test_pulumi_deployments_are_asked_in_their_own_words(endpoint: Endpoint):
    ticks(short_cloud(), store_with(endpoint, "pulumi"), SHORT_S + 120)
    headers, body = endpoint.asked[0]
    assert headers["Authorization"] == "token secret"
    assert body == {"operation": "update", "inheritSettings": True}


def test_when_spot_is_back_it_asks_once_more_and_is_then_quiet(endpoint: Endpoint):
    cloud, store = short_cloud(), store_with(endpoint)
    ticks(cloud, store, SHORT_S + 120)
    cloud.refuse = set()
    ticks(cloud, store, 6 * 3600)
    reasons = [body["client_payload"]["reason"] for _, body in endpoint.asked]  # type: ignore[index]
    assert reasons == ["short", "recovered"]


def test_an_endpoint_that_refuses_is_told_in_the_journal_and_saves_no_capacity_less(
    endpoint: Endpoint,
):
    endpoint.status = 500
    cloud, store = short_cloud(), store_with(endpoint)
    lines = ticks(cloud, store, SHORT_S + 120)
    assert any("not taken: HTTP 500" in line for line in lines)
    assert cloud.sizes["fallback"] >= 4


def test_dry_pools_are_published_for_the_next_plan_and_held_longer_each_time():
    cloud, store = short_cloud(), FakeStore(published(plan()))
    ticks(cloud, store, 300)
    told = json.loads(store.objects[OBSERVED_OBJECT][0])
    assert {entry["group"] for entry in told["dry"]} == {"east", "west"}
    assert all(entry["nodes"] == 0 for entry in told["dry"])
    first = {entry["group"]: entry["hold_s"] for entry in told["dry"]}
    ticks(cloud, store, 3600)
    again = json.loads(store.objects[OBSERVED_OBJECT][0])
    assert {e["group"]: e["hold_s"] for e in again["dry"]} == {g: 2 * h for g, h in first.items()}


def test_a_cloud_is_gone_when_none_of_its_cells_has_answered_for_some_probes():
    peers = (Peer("azure", ("u1", "u2")), Peer("gcp", ("u3",)), Peer("none", ()))
    counts = count(peers, (), probe=lambda url: url != "u1")
    for _ in range(GONE_AFTER):
        assert gone(counts) == ()
        counts = count(peers, counts, probe=lambda url: url == "u3")
    assert gone(counts) == ("azure",)
    assert [each.failures for each in count(peers, counts, lambda url: url != "u1")] == [0, 0]


def test_a_cloud_that_has_never_answered_is_being_built_and_not_gone():
    counts = ()
    for _ in range(2 * GONE_AFTER):
        counts = count((Peer("azure", ("u1",)),), counts, probe=lambda url: False)
    assert gone(counts) == ()


def test_a_peer_that_is_gone_is_asked_to_be_planned_around(endpoint: Endpoint):
    store = store_with(endpoint, peers=(Peer("azure", ("http://127.0.0.1:1/health",)),))
    before = State(peers=(PeerCount("azure", 0),))
    store.put(STATE_OBJECT, before.to_json(), None)
    ticks(FakeCloud(), store, 60 * (GONE_AFTER + 1))
    assert [body["client_payload"]["gone"] for _, body in endpoint.asked] == [["azure"]]  # type: ignore[index]


def test_a_redirection_is_an_answer_and_is_not_followed(endpoint: Endpoint):
    endpoint.status = 307
    assert status_of(endpoint.url, body=b"{}", timeout_s=2) == 307
    assert len(endpoint.asked) == 1


def test_a_run_that_cannot_read_its_store_says_so_and_asks_for_the_event_again():
    store, lines = FakeStore(), list[str]()
    store.down = True
    assert handle(FakeCloud(), [store], (CHECK,), write=lines.append) is None
    assert json.loads(lines[0])["error"] == "Unreachable: the store does not answer"


def test_with_the_first_store_gone_the_second_goes_on():
    first, second = FakeStore(published(plan())), FakeStore(published(plan()))
    first.down = True
    cloud = FakeCloud()
    assert handle(cloud, [first, second], (CHECK,), write=lambda _: None) is not None
    assert sum(cloud.sizes.values()) >= 4
    assert STATE_OBJECT in second.objects


def test_the_journal_has_one_line_per_run_with_signals_calls_reasons_and_metrics():
    cloud, store, lines = FakeCloud(), FakeStore(published(plan(group("east")))), list[str]()
    handle(cloud, [store], (CHECK,), write=lines.append)
    handle(
        cloud, [store], (Signal("interrupt", "watcher", machine=cloud.machines[0].id),),
        write=lines.append,
    )  # fmt: skip
    first, second = (json.loads(line) for line in lines)
    assert first["set"][0]["group"] == "east"
    assert first["reasons"]["east"].startswith("0 -> ")
    assert second["signals"] == [f"interrupt {cloud.machines[0].id} (watcher)"]
    assert second["metrics"]["skyblend_notices"] == 1
    assert State.from_json(store.objects[STATE_OBJECT][0]).notices


def test_a_state_that_is_no_state_is_an_empty_one():
    assert State.from_json(b"\xff{") == State()
    assert State.from_json(b'{"looked_s": "x"}') == State()
