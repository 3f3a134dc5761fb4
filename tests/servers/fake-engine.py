"""An engine that misbehaves: fake-engine.py SOCKET DIRECTORY

Answers on a Unix socket. The answer to "POST /images/load?..." is the file load in the directory,
that to a tag or push of an image the file tag or push, to a look at one by ID inspect, by name look,
to /version version:
a status on the first line, then the body as it is. Without a file: what an engine says that has no
image and takes everything. What it is asked is added to DIRECTORY/log, credentials to DIRECTORY/auth.
"""
import http.server, os, socketserver, sys

where = sys.argv[2]
usual = {"version": '200\n{"Os":"linux","Arch":"amd64","ApiVersion":"1.41"}\n', "inspect": "404\n{}\n", "look": "404\n{}\n",
         "load": '200\n{"stream":"Loaded image"}\n', "tag": "201\n", "push": "200\n{}\n"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        path = self.path.split("?")[0]
        kind = path.split("/")[-1]
        if kind == "json":
            kind = "inspect" if "sha256:" in path else "look"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(where + "/log", "a") as log:
            print(self.command, self.path, len(body), file=log)
        if "X-Registry-Auth" in self.headers:
            with open(where + "/auth", "w") as auth:
                print(self.headers["X-Registry-Auth"], file=auth)
        try:
            text = open(where + "/" + kind).read()
        except FileNotFoundError:
            text = usual.get(kind, "404\n")
        status, body = text.split("\n", 1)
        if status == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body.encode())
            self.close_connection = True
            return
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "unix"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


with Server(sys.argv[1], Handler) as server:
    server.serve_forever()
