// npm's `ws` as a peer of tests/process/web_socket_peers.py, where its manners are described:
//   ws_peer.js serve|dial MESSAGE_BYTES_MAX
"use strict";

const readline = require("readline");
const { WebSocket, WebSocketServer } = require("ws");

const MARKER = "the marker";
const [mode, maxPayload] = [process.argv[2], Number(process.argv[3])];

// Short text as it is, anything else as its size and a checksum (FNV-1a).
function shown(bytes) {
  if (/^[ -+\--~]{0,24}$/.test(bytes.toString("latin1"))) return `'${bytes.toString("latin1")}'`;
  let sum = 2166136261;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 16777619);
  return `${bytes.length}#${sum >>> 0}`;
}

function content(size) {
  return Buffer.alloc(size, "abcdefghijklmnopqrstuvwxyz");
}

// What becomes of one connection. `echoes` is how many messages a conversation of ours brings back.
function keep(socket, name, echoes) {
  const heard = [];
  socket.on("message", (data, isBinary) => {
    const text = isBinary ? "" : data.toString();
    if (name === undefined) {
      name = text;
      return;
    }
    if (text === MARKER) {
      socket.send("alive");
      return;
    }
    const close = name.startsWith("talk") && /^close (\d+)$/.exec(text);
    if (close) {
      socket.close(Number(close[1]), "as asked");
      return;
    }
    heard.push(`${isBinary ? "binary" : "text"} ${shown(data)}`);
    if (echoes !== undefined) {
      if (heard.length === echoes) socket.close(1000, "done");
    } else if (name.startsWith("talk")) {
      socket.send(data, { binary: isBinary });
    }
  });
  socket.on("error", () => {});  // "close" follows.
  socket.on("close", (status) => console.log([name ?? "", status, heard.join(", ")].join("\t")));
}

function dial(line) {
  const [port, name, ...sizes] = line.split(" ");
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { maxPayload, perMessageDeflate: false });
  keep(socket, name, name && 2 * sizes.length);
  if (name === undefined) return;
  socket.on("open", () => {
    socket.send(name);
    for (const size of sizes.map(Number)) {
      socket.send(content(size).toString());
      socket.send(content(size));
    }
  });
}

const orders = readline.createInterface({ input: process.stdin });
orders.on("close", () => process.exit(0));
if (mode === "serve") {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload }, () => {
    console.log(`ready ${server.address().port}`);
  });
  server.on("connection", (socket) => keep(socket));
} else {
  orders.on("line", dial);
  console.log("ready 0");
}
