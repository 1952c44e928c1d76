// Node's http as a backend: answers with what it read of each request, and counts them.
const http = require("http");

let count = 0;
const server = http.createServer((request, response) => {
  if (request.url === "/count") {
    response.end(String(count));
    return;
  }
  count += 1;
  let bytes = 0;
  request.on("data", (data) => (bytes += data.length));
  request.on("end", () => response.end(`${request.method} ${request.url} ${bytes}`));
});
server.on("clientError", (error, socket) => {
  count += 1;
  socket.destroy(error);
});
server.listen(Number(process.argv[3]), process.argv[2]);
