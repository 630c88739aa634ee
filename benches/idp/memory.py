"""What tokens take: resident memory and latency of `mock-idp serve` with few and with many of them."""

import contextlib
import http.client
import statistics
import time

import servers

MANY = 1_000_000
FEW = 1_000
DAY_S = 86_400


def latency_ms(server, requests):
    """The median of so many token requests, one after another over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    took = []
    with contextlib.closing(connection):
        for _ in range(requests):
            began = time.perf_counter()
            connection.request("POST", server.path, server.form, server.headers)
            connection.getresponse().read()
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def until_many(round_of_wrk):
    """Makes many tokens; gives how many."""
    count = 0
    while count < MANY:
        count += round_of_wrk()
    return count


def tell(what, server, live=None):
    resident, own = server.resident_mb()
    print(f"  {what:34} {resident:6.1f} MB resident, {own:6.1f} MB without the program itself"
          + (f"; {live}" if live else ""))
    return resident


def measure(idp, scratch):
    """Prints the figures of both kinds of tokens of which something is kept, and of JWTs."""
    for kind, make in [("opaque access tokens", opaque), ("refresh tokens", refresh), ("JWT access tokens", jwt)]:
        print(f"\nmemory: {kind}")
        server, round_of_wrk = make(idp, scratch)
        try:
            measure_one(server, round_of_wrk)
        finally:
            server.end()


def measure_one(server, round_of_wrk):
    few_ms = latency_ms(server, FEW)
    # What the first connections take is no matter of tokens: it is there before and after.
    before = round_of_wrk()
    start = tell(f"after {before:,}", server)
    many = until_many(round_of_wrk)
    many_ms = latency_ms(server, FEW)
    full = tell(f"{before + many:,} live", server)
    print(f"  {(full - start) * 1e6 / many:.0f} bytes per live token; p50 of one request at a time {few_ms:.3f} ms with "
          f"{FEW:,}, {many_ms:.3f} ms with all: {many_ms / few_ms:.2f}×")
    server.control("/admin/clock/move", {"by": "40d"})
    for waited in [0, 10, 20]:
        # A server that is used: now and then somebody asks for a token.
        until = time.monotonic() + (10 if waited else 0)
        while time.monotonic() < until:
            server.token()
            time.sleep(0.05)
        tell(f"all expired, {waited} s later", server)


def opaque(idp, scratch):
    server = servers.ours(idp, "opaque", "--lifetime", str(DAY_S), admin=True)
    return server, lambda: server.load(scratch, 2)


def jwt(idp, scratch):
    server = servers.ours(idp, "es256", "--lifetime", str(DAY_S), admin=True)
    return server, lambda: server.load(scratch, 2)


def refresh(idp, scratch):
    server = servers.ours(idp, "es256", "--lifetime", str(DAY_S), admin=True)
    path, headers = "/admin/clients/worker/refresh-tokens", {"Content-Type": "application/json"}
    body = '{"subject": "alice"}'
    return server, lambda: servers.wrk(scratch, 2, server.admin_port, path, body, headers)[0]
