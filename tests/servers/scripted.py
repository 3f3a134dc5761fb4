#!/usr/bin/python3
"""A registry in memory that misbehaves on request, with a token server beside it.

It listens on two free loopback ports, so that there is another origin to be sent to, and with
--tls CERT KEY on a third. The ports are the first line of its output. Commands come on standard
input, one a line, and each is answered by one line, "ok", or for "log" by the requests and ".":

    reset          forget everything: blobs, manifests, rules, log, options
    again          forget rules, log and options
    set NAME JSON  an option: auth (none, basic, bearer), user, password, ttl (of tokens, seconds),
                   grant (actions that tokens get), refuse (repositories that get no token),
                   post (status of a POST for a token, 200 by default), keep (false: close each time)
    rule JSON      how to answer some requests, see below; the first rule that fits counts
    blob REPO TEXT have a blob
    manifest REPO REF TYPE TEXT
    log            all requests since the reset, as "PORT METHOD PATH AUTH"; PORT is 0, 1 or 2

In rule, blob and manifest, {0} {1} {2} stand for "127.0.0.1:PORT". A rule is an object: m method, p
regular expression for path and query, least length of the body, port (0, 1, 2), skip and n (how many
requests to let pass, then to spoil; n 0 is all), and what is done, "do":

    status   answer with code, h (headers), body; before the body of the request was read if early
    pass     answer as always, but with h in place of those headers (null removes one)
    rst fin  end the connection, after bytes of the body of the request were read
    lost     do what was asked, but end the connection without an answer
    cut      as status, but promise more bytes than are sent; raw: without any length
    hang     say nothing for seconds, then end the connection
    raw      send text as it is

repeat multiplies the body; long makes the first header of h so many bytes longer.
"""
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import uuid

LOCK = threading.RLock()
PORTS = []


class State:
    def __init__(self):
        self.blobs = {}      # digest: bytes
        self.members = set() # (repository, digest)
        self.uploads = {}
        self.manifests = {}  # (repository, reference): (type, bytes)
        self.rules = []
        self.log = []
        self.tokens = {}     # token: (scopes, end)
        self.options = {"auth": "none", "user": "user", "password": "secret", "ttl": 300,
                        "grant": "pull,push", "refuse": [], "post": 200, "keep": True}

    def put_blob(self, repo, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        self.members.add((repo, digest))
        return digest


STATE = State()


class End(Exception):
    """The connection ends."""


class Request:
    def __init__(self, stream, sock, port):
        self.stream, self.sock, self.port = stream, sock, port
        line = stream.readline(65536).decode("latin-1")
        if not line.strip():
            raise End
        self.method, self.target, self.version = line.split()
        if "://" in self.target:  # as to a proxy
            self.target = "/" + self.target.split("/", 3)[3]
        self.headers = {}
        while True:
            line = stream.readline(65536).decode("latin-1").strip()
            if not line:
                break
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()
        self.length = int(self.headers.get("content-length", 0))
        self.path, _, query = self.target.partition("?")
        self.query = urllib.parse.parse_qs(query)
        self.body = None

    def read(self):
        if self.body is None:
            self.body = self.stream.read(self.length)
            if len(self.body) < self.length:
                raise End
        return self.body

    def auth(self):
        return self.headers.get("authorization", "-")


def answer(request, code, headers=None, body=b"", change=None, cut=0, raw=False):
    if isinstance(body, str):
        body = body.encode()
    fields = {"Content-Length": str(len(body) + cut)}
    fields.update(headers or {})
    for name, value in (change or {}).items():
        for old in [f for f in fields if f.lower() == name.lower()]:
            del fields[old]
        if value is not None:
            fields[name] = value
    if raw:
        fields.pop("Content-Length", None)
    text = "HTTP/%s %d Status\r\n" % ("1.0" if raw else "1.1", code)
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            text += "%s: %s\r\n" % (name, one)
    data = text.encode("latin-1") + b"\r\n"
    if request.method != "HEAD":
        data += body
    request.sock.sendall(data)
    if cut or raw or not STATE.options["keep"]:
        raise End


def error(code, message=""):
    return json.dumps({"errors": [{"code": code, "message": message or code.lower()}]})


def challenge(request, kind=None, scope=None, problem=None):
    if STATE.options["auth"] == "basic":
        return {"WWW-Authenticate": 'Basic realm="scripted"'}
    value = 'Bearer realm="%s://%s/token",service="scripted"' % (
        "https" if request.port == 2 else "http", "127.0.0.1:%d" % PORTS[request.port])
    if scope:
        value += ',scope="%s"' % scope
    if problem:
        value += ',error="%s"' % problem
    return {"WWW-Authenticate": value}


def allowed(request, repo, actions):
    """None, or the headers of the 401."""
    kind = STATE.options["auth"]
    scope = "repository:%s:%s" % (repo, ",".join(actions)) if repo else None
    if kind == "none":
        return None
    if kind == "basic":
        pair = "%s:%s" % (STATE.options["user"], STATE.options["password"])
        good = "Basic " + base64.b64encode(pair.encode()).decode()
        return None if request.auth() == good else challenge(request)
    token = request.auth().partition(" ")[2]
    with LOCK:
        scopes, end = STATE.tokens.get(token, (None, 0))
    if scopes is None or end < time.monotonic():
        return challenge(request, scope=scope, problem="invalid_token" if token else None)
    for action in actions if repo else []:
        if (repo, action) not in scopes:
            return challenge(request, scope=scope, problem="insufficient_scope")
    return None


def grant(scopes):
    token = "token-%s" % uuid.uuid4().hex
    pairs = set()
    for scope in scopes:
        _, _, rest = scope.partition(":")
        repo, _, actions = rest.rpartition(":")
        for action in actions.split(","):
            if action in STATE.options["grant"].split(","):
                pairs.add((repo, action))
    STATE.tokens[token] = (pairs, time.monotonic() + STATE.options["ttl"])
    return {"token": token, "expires_in": STATE.options["ttl"]}


def serve_token(request):
    if request.method == "POST":
        form = urllib.parse.parse_qs(request.read().decode())
        scopes = form.get("scope", [""])[0].split()
        if STATE.options["post"] != 200:
            return answer(request, STATE.options["post"])
        good = form.get("refresh_token", [""])[0] == STATE.options["password"]
    else:
        scopes = request.query.get("scope", [])
        pair = "%s:%s" % (STATE.options["user"], STATE.options["password"])
        good = request.auth() in ("-", "Basic " + base64.b64encode(pair.encode()).decode())
    repos = [s.partition(":")[2].rpartition(":")[0] for s in scopes]
    if not good or any(r in STATE.options["refuse"] for r in repos):
        return answer(request, 401, {}, error("UNAUTHORIZED", "incorrect username or password"))
    return answer(request, 200, {"Content-Type": "application/json"}, json.dumps(grant(scopes)))


def serve_upload(request, repo, rest, where):
    if request.method == "POST":
        request.read()
        mount = request.query.get("mount", [None])[0]
        source = request.query.get("from", [None])[0]
        if mount and (source, mount) in STATE.members:
            STATE.members.add((repo, mount))
            return 201, {"Location": "/v2/%s/blobs/%s" % (repo, mount),
                         "Docker-Content-Digest": mount}, b""
        name = uuid.uuid4().hex
        STATE.uploads[name] = b""
        return 202, {"Location": "%s/v2/%s/blobs/uploads/%s?_state=secretstate" %
                     (where, repo, name)}, b""
    if rest not in STATE.uploads:
        request.read()
        return 404, {}, error("BLOB_UPLOAD_UNKNOWN")
    if request.method == "DELETE":
        del STATE.uploads[rest]
        return 204, {}, b""
    if request.method == "GET":
        return 204, {"Range": "0-%d" % max(0, len(STATE.uploads[rest]) - 1)}, b""
    data = STATE.uploads[rest] + request.read()
    if request.method == "PATCH":
        STATE.uploads[rest] = data
        return 202, {"Location": "%s/v2/%s/blobs/uploads/%s?_state=secretstate" %
                     (where, repo, rest), "Range": "0-%d" % (len(data) - 1)}, b""
    digest = request.query.get("digest", [""])[0]
    if digest != "sha256:" + hashlib.sha256(data).hexdigest():
        return 400, {}, error("DIGEST_INVALID")
    del STATE.uploads[rest]
    STATE.put_blob(repo, data)
    return 201, {"Location": "/v2/%s/blobs/%s" % (repo, digest),
                 "Docker-Content-Digest": digest}, b""


def serve_manifest(request, repo, reference):
    if request.method == "PUT":
        data = request.read()
        kind = request.headers.get("content-type", "")
        for entry in json.loads(data).get("layers", []) + [json.loads(data).get("config", {})]:
            if entry and (repo, entry["digest"]) not in STATE.members:
                return 404, {}, error("MANIFEST_BLOB_UNKNOWN")
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        STATE.manifests[(repo, reference)] = STATE.manifests[(repo, digest)] = (kind, data)
        return 201, {"Docker-Content-Digest": digest}, b""
    if (repo, reference) not in STATE.manifests:
        return 404, {}, error("MANIFEST_UNKNOWN")
    kind, data = STATE.manifests[(repo, reference)]
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return 200, {"Content-Type": kind, "Docker-Content-Digest": digest}, data


def serve_blob(request, repo, digest):
    if (repo, digest) not in STATE.members:
        return 404, {}, error("BLOB_UNKNOWN")
    data = STATE.blobs[digest]
    return 200, {"Docker-Content-Digest": digest}, data


def serve(request):
    scheme = "https" if request.port == 2 else "http"
    where = "%s://127.0.0.1:%d" % (scheme, PORTS[request.port])
    if request.path == "/token":
        return serve_token(request)
    if request.path == "/v2/":
        refusal = allowed(request, None, [])
        return answer(request, 401 if refusal else 200, refusal, "{}", change=request.change)
    fit = re.fullmatch(r"/v2/(.+?)/(blobs/uploads|blobs|manifests)/(.*)", request.path)
    if not fit:
        return answer(request, 404, {}, "not found")
    repo, kind, rest = fit.groups()
    actions = ["pull"] if request.method in ("GET", "HEAD") else ["pull", "push"]
    refusal = allowed(request, repo, actions)
    source = request.query.get("from", [None])[0]
    if not refusal and source:
        refusal = allowed(request, source, ["pull"])
    if refusal:
        request.read()
        return answer(request, 401, refusal, error("UNAUTHORIZED"), change=request.change)
    request.read()
    with LOCK:
        if kind == "blobs/uploads":
            code, headers, body = serve_upload(request, repo, rest, where)
        elif kind == "blobs":
            code, headers, body = serve_blob(request, repo, rest)
        else:
            code, headers, body = serve_manifest(request, repo, rest)
    if request.lose:
        raise End
    return answer(request, code, headers, body, change=request.change)


def rule_for(request):
    for rule in STATE.rules:
        if rule.get("m") not in (None, request.method):
            continue
        if rule.get("port") not in (None, request.port):
            continue
        if request.length < rule.get("least", 0):
            continue
        if not re.search(rule.get("p", ""), request.target):
            continue
        rule["seen"] = rule.get("seen", 0) + 1
        number = rule["seen"] - rule.get("skip", 0)
        if number < 1 or (rule.get("n", 0) and number > rule["n"]):
            continue
        return rule
    return None


def reset_connection(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def spoil(request, rule):
    """Whether there is nothing more to be done."""
    do = rule["do"]
    body = rule.get("body", "")
    if rule.get("long"):
        name = list(rule["h"])[0]
        rule = dict(rule, h={name: rule["h"][name] + "x" * rule["long"]})
    if rule.get("repeat"):
        body = body * rule["repeat"]
    if do == "pass":
        request.change = rule.get("h")
        return False
    if do == "lost":
        request.lose = True
        return False
    if do in ("rst", "fin"):
        request.stream.read(min(rule.get("bytes", 0), request.length))
        if do == "rst":
            reset_connection(request.sock)
        raise End
    if do == "hang":
        time.sleep(rule.get("seconds", 3))
        raise End
    if do == "raw":
        request.sock.sendall(rule["text"].encode("latin-1"))
        raise End
    if rule.get("early"):
        answer(request, rule["code"], {}, body, change=rule.get("h"))
        if rule["early"] == "rst":
            reset_connection(request.sock)
        raise End
    request.read()
    answer(request, rule.get("code", 200), {}, body, change=rule.get("h"),
           cut=100 if do == "cut" else 0, raw=rule.get("raw", False))
    return True


def converse(sock, port):
    try:
        if port == 2:
            sock = CONTEXT.wrap_socket(sock, server_side=True)
        stream = sock.makefile("rb")
        while True:
            request = Request(stream, sock, port)
            request.change, request.lose = None, False
            with LOCK:
                STATE.log.append("%d %s %s %s" % (port, request.method, request.target,
                                                  request.auth().partition(" ")[0]))
                rule = rule_for(request)
            if not rule or not spoil(request, rule):
                serve(request)
    except (End, OSError, ValueError, ssl.SSLError):
        pass
    finally:
        try:
            stream.close()
        except (UnboundLocalError, OSError):
            pass
        sock.close()


def listen(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    PORTS.append(sock.getsockname()[1])

    def loop():
        while True:
            peer, _ = sock.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=converse, args=(peer, port), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()


def command(line):
    global STATE
    word, _, rest = line.partition(" ")
    for i, port in enumerate(PORTS):
        rest = rest.replace("{%d}" % i, "127.0.0.1:%d" % port)
    if word == "reset":
        STATE = State()
    elif word == "again":
        STATE.rules, STATE.log, STATE.options = [], [], State().options
    elif word == "set":
        name, _, value = rest.partition(" ")
        STATE.options[name] = json.loads(value)
    elif word == "rule":
        STATE.rules.append(json.loads(rest))
    elif word == "blob":
        repo, _, text = rest.partition(" ")
        STATE.put_blob(repo, text.encode())
    elif word == "manifest":
        repo, reference, kind, text = rest.split(" ", 3)
        STATE.manifests[(repo, reference)] = (kind, text.encode())
    elif word == "log":
        for entry in STATE.log:
            print(entry)
        return "."
    else:
        return "unknown command"
    return "ok"


def main():
    global CONTEXT
    listen(0)
    listen(1)
    if sys.argv[1:2] == ["--tls"]:
        CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CONTEXT.load_cert_chain(sys.argv[2], sys.argv[3])
        listen(2)
    print(*PORTS, flush=True)
    for line in sys.stdin:
        with LOCK:
            reply = command(line.rstrip("\n"))
        print(reply, flush=True)


main()
