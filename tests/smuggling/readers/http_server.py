"""Python's http.server as a backend: answers with what it read of each request, and counts them."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PURGE"]


class Reader(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    count = 0

    def read(self):
        if self.path == "/count":
            return self.say(str(Reader.count))
        Reader.count += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        # As it stood in the request: `path` folds leading slashes.
        self.say(f"{self.command} {self.requestline.split()[1]} {len(body)}")

    def say(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def send_error(self, *_):
        Reader.count += 1
        self.close_connection = True

    def log_message(self, *_):
        pass


for method in METHODS:
    setattr(Reader, f"do_{method}", Reader.read)
ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Reader).serve_forever()
