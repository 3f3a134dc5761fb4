#!/usr/bin/python3
"""A token server for docker-registry: token.py CERTIFICATE KEY [NAME=VALUE]...

Signs JWT with RS256 for what is asked. Its port is its first line of output; every request is logged
on standard error as "METHOD SCOPES AUTH". Settings: user, password (asked for where user is set), ttl
(seconds), grant (actions, "pull,push"), refuse (a repository that gets no token), post (status of POST).
"""
import base64
import http.server
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.parse

CERTIFICATE, KEY = sys.argv[1:3]
SETTINGS = {"user": "", "password": "", "ttl": "300", "grant": "pull,push,delete", "refuse": "",
            "post": "200"}
SETTINGS.update(argument.split("=", 1) for argument in sys.argv[3:])


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(scopes):
    access = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        access.append({"type": kind, "name": name,
                       "actions": [a for a in actions.split(",") if a in SETTINGS["grant"]]})
    now = int(time.time())
    with open(CERTIFICATE) as file:
        der = ssl.PEM_cert_to_DER_cert(file.read())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    claims = {"iss": "test", "sub": SETTINGS["user"], "aud": "registry", "access": access,
              "exp": now + int(SETTINGS["ttl"]), "nbf": now - 10, "iat": now,
              "jti": os.urandom(8).hex()}
    text = encode(json.dumps(header).encode()) + "." + encode(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=text.encode(),
                               stdout=subprocess.PIPE, check=True).stdout
    return text + "." + encode(signature)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def give(self, scopes, good):
        names = [scope.partition(":")[2].rpartition(":")[0] for scope in scopes]
        auth = self.headers.get("Authorization", "-").partition(" ")[0]
        print(self.command, " ".join(sorted(scopes)) or "-", auth, file=sys.stderr, flush=True)
        if not good or SETTINGS["refuse"] in names:
            return self.answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
        return self.answer(200, {"token": sign(scopes), "expires_in": int(SETTINGS["ttl"])})

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        pair = ("%s:%s" % (SETTINGS["user"], SETTINGS["password"])).encode()
        good = not SETTINGS["user"] or \
            self.headers.get("Authorization") == "Basic " + base64.b64encode(pair).decode()
        self.give(query.get("scope", []), good)

    def do_POST(self):
        form = urllib.parse.parse_qs(
            self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        if SETTINGS["post"] != "200":
            return self.answer(int(SETTINGS["post"]), {})
        return self.give(form.get("scope", [""])[0].split(),
                         form.get("refresh_token") == [SETTINGS["password"]])

    def log_message(self, *args):
        pass


SERVER = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(SERVER.server_address[1], flush=True)
SERVER.serve_forever()
