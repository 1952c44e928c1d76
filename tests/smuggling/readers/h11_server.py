"""The strict h11 as a backend: answers with what it read of each request, and counts them."""

import socketserver
import sys

import h11


class Reader(socketserver.BaseRequestHandler):
    count = 0

    def handle(self):
        self.connection = h11.Connection(h11.SERVER)
        try:
            while self.answered():
                self.connection.start_next_cycle()
        except h11.ProtocolError:
            Reader.count += 1

    def answered(self):
        request, read = None, 0
        while True:
            event = self.connection.next_event()
            if event is h11.NEED_DATA:
                self.connection.receive_data(self.request.recv(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                read += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        method, target = request.method.decode(), request.target.decode()
        if target == "/count":
            text = str(Reader.count)
        else:
            Reader.count += 1
            text = f"{method} {target} {read}"
        head = h11.Response(status_code=200, headers=[("Content-Length", str(len(text)))])
        answer = (head, h11.Data(data=text.encode()), h11.EndOfMessage())
        self.request.sendall(b"".join(map(self.connection.send, answer)))
        return self.connection.our_state is h11.DONE


socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[2])), Reader).serve_forever()
