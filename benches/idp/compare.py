#!/usr/bin/env python3
"""Measures `mock-idp serve` beside its two fastest peers and two bare HTTP servers, and prints the ratios.

README.md beside this folder says what it needs. Rounds are interleaved, so that whatever else the machine does meets
all alike; what is printed is the median.
"""

import argparse
import pathlib
import statistics
import tempfile

import memory
import servers

KINDS = ["RS256", "ES256", "opaque"]
STARTS = 7


def started(kind, idp, bare, found):
    """The servers of one comparison, ours first."""
    yield servers.ours(idp, kind.lower())
    if kind == "opaque":
        for language, command in bare.items():
            yield servers.bare_server(language, command)
        return
    yield servers.peer_of_node(found, kind)
    if kind == "RS256":
        # It knows no other algorithm.
        yield servers.peer_of_rust(found)


def speed(kind, arguments, idp, bare, found, scratch):
    running = []
    try:
        for server in started(kind, idp, bare, found):
            running.append(server)
            server.load(scratch, 1)
            server.forget()
        for _ in range(arguments.rounds):
            for server in running:
                server.load(scratch, arguments.seconds)
        rows = [(server.name, *map(statistics.median, (server.rates, server.p50s, server.p99s)),
                 server.resident_mb()[0]) for server in running]
    finally:
        for server in running:
            server.end()
    print(f"\n{kind}: median of {arguments.rounds} rounds of {arguments.seconds} s, wrk -t1 -c16")
    for name, rate, p50, p99, mb in rows:
        print(f"  {name:20} {rate:8.0f}/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   {mb:6.1f} MB resident")
    (_, ours, _, our_p99, _), *others = rows
    for name, rate, _, p99, _ in others:
        print(f"  mock-idp beside {name}: {ours / rate:.2f}× the rate, {our_p99 / p99:.2f}× the p99")


def start(idp, found):
    """From the start of the process to its first answer, and to its first token."""
    print(f"\nstart: median of {STARTS}")
    ways = [("mock-idp, RS256", lambda: servers.ours(idp, "rs256")),
            ("mock-idp, ES256", lambda: servers.ours(idp, "es256")),
            ("oauth2-mock-server, ES256", lambda: servers.peer_of_node(found, "ES256")),
            ("oauth2-test-server, RS256", lambda: servers.peer_of_rust(found))]
    for name, way in ways:
        answers, tokens = [], []
        for _ in range(STARTS):
            server = way()
            server.end()
            answers.append(server.answered_ms)
            tokens.append(server.token_ms)
        print(f"  {name:26} first answer after {statistics.median(answers):6.1f} ms, "
              f"first token after {statistics.median(tokens):6.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--folder", type=pathlib.Path, help="where the peers are kept [default: a temporary folder]")
    parser.add_argument("--only", choices=[*KINDS, "start", "memory"], action="append", help="may be given repeatedly")
    arguments = parser.parse_args()
    wanted = arguments.only or [*KINDS, "start", "memory"]
    servers.need("cargo", "it builds mock-idp and installs oauth2-test-server")
    servers.need("wrk", "it makes the requests; a package of most distributions")
    idp, bare_of_rust = servers.built()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = pathlib.Path(temporary)
        found, bare = None, {}
        if "opaque" in wanted:
            servers.need("go", "it builds a bare server")
            bare = {"Go": servers.bare_of_go(scratch), "Rust": bare_of_rust}
        if {"RS256", "ES256", "start"} & set(wanted):
            servers.need("npm", "it installs oauth2-mock-server")
            folder = (arguments.folder or scratch).resolve()
            folder.mkdir(parents=True, exist_ok=True)
            found = servers.peers(folder)
        for kind in wanted:
            match kind:
                case "start":
                    start(idp, found)
                case "memory":
                    memory.measure(idp, scratch)
                case _:
                    speed(kind, arguments, idp, bare, found, scratch)


if __name__ == "__main__":
    main()
