"""A JavaScript peer of the old system, as far as its frames go: what it sends, when, and how it takes answers.

Built on an independent WebSocket library, with its compression offer left on as the JavaScript library has it. It keeps
the habits that bite: it asks for peers before it registers, dials whom it is told, and destroys both connections when a
second one with the same peer completes its hello.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import threading
import time
import uuid

import websockets

REGISTER_DELAY_S = 0.010
TABLE_MAINTENANCE_S = 1.0
REPLICATE = 20
REQUEST_WITHIN_S = 3.0


def now_ms():
    return int(time.time() * 1000)


class LegacyPeer:
    """One peer with a listener, a bootstrap connection and links to others. Runs on a thread of its own."""

    def __init__(self, bootstrap_url):
        self.bootstrap_url = bootstrap_url
        self.id = hashlib.sha1(str(uuid.uuid4()).encode()).hexdigest()
        self.values = {}
        self.links = {}            # peer id -> open connection
        self.peer_metadata = {}    # peer id -> its metadata
        self.frames = []           # (who, frame) of everything received
        self.destroyed = []        # ids of peers whose second connection cost both
        self.listening_address = None
        self._pending = {}
        self._requests = 0
        self._tasks = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._bootstrap = None

    def __enter__(self):
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_):
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def call(self, coroutine, timeout_s=20.0):
        """Runs a coroutine on the peer's thread and waits for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    # ---- for tests ----

    def put(self, key, value):
        """Stores as section 4.4 says: at connected nodes that are no bridges, and here when those are few. True when at
        least one kept it."""
        return self.call(self._put(key, value))

    def get(self, key):
        """Looks here, then asks connected peers one by one; None when nobody has it."""
        return self.call(self._get(key))

    def node_links(self):
        """Ids of connected peers that are no bridges."""
        return [peer for peer in list(self.links) if not (self.peer_metadata.get(peer) or {}).get("isBridgeNode")]

    def received(self, kind):
        return [frame for _, frame in list(self.frames) if frame.get("type") == kind]

    # ---- metadata ----

    def registered_metadata(self):
        return {"publicKey": os.urandom(32).hex(), "membershipToken": None, "nodeType": "nodejs",
                "listeningAddress": self.listening_address, "publicWssAddress": self.listening_address,
                "capabilities": ["websocket", "relay"], "canRelay": True, "relayLoad": 0, "relayCapacity": 100,
                "canAcceptConnections": True, "canInitiateConnections": True}

    def hello_metadata(self):
        return {"isBridgeNode": False, "nodeType": "nodejs", "capabilities": ["websocket", "relay"],
                "startTime": now_ms(), "listeningAddress": self.listening_address,
                "publicWssAddress": self.listening_address, "canRelay": True, "relayLoad": 0, "relayCapacity": 100,
                "canAcceptConnections": True, "canInitiateConnections": True}

    # ---- life ----

    async def _start(self):
        self._server = await websockets.serve(self._accept, "127.0.0.1", 0)
        self.listening_address = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._bootstrap = await websockets.connect(self.bootstrap_url)
        self._spawn(self._read_bootstrap())
        # The request comes first, the registration a moment later: see the recordings.
        self._metadata = self.registered_metadata()
        self._spawn(self._onboard())
        await asyncio.sleep(REGISTER_DELAY_S)
        await self._tell_bootstrap({"type": "register", "nodeId": self.id, "protocolVersion": "1.0.0",
                                    "buildId": f"node_{now_ms()}", "timestamp": now_ms(), "metadata": self._metadata})

    async def reconnect(self):
        """Registers anew, as a peer does whose bootstrap connection was lost; it has peers and asks for none."""
        self._bootstrap = await websockets.connect(self.bootstrap_url)
        self._spawn(self._read_bootstrap())
        await self._tell_bootstrap({"type": "register", "nodeId": self.id, "protocolVersion": "1.0.0",
                                    "buildId": f"node_{now_ms()}", "timestamp": now_ms(), "metadata": self._metadata})

    async def _stop(self):
        for connection in [*self.links.values(), self._bootstrap]:
            with contextlib.suppress(websockets.ConnectionClosed):  # The other end may end it at the same time.
                await connection.close(1000, "Manager destroyed")
        self._server.close()
        await self._server.wait_closed()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _spawn(self, coroutine):
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- the bootstrap connection ----

    async def _tell_bootstrap(self, frame):
        await self._bootstrap.send(json.dumps(frame, separators=(",", ":")))

    async def _onboard(self):
        answer = await self._request(self._tell_bootstrap, f"req_{now_ms()}_{os.urandom(5).hex()[:9]}", {
            "type": "get_peers_or_genesis", "maxPeers": 20, "nodeId": self.id, "metadata": self._metadata}, 30.0)
        if not answer or not answer.get("success"):
            return
        for peer in answer["data"]["peers"]:
            metadata = peer.get("metadata") or {}
            self.peer_metadata[peer["nodeId"]] = metadata
            delay = 0 if metadata.get("isBridgeNode") else TABLE_MAINTENANCE_S
            self._spawn(self._dial(peer["nodeId"], metadata, delay))

    async def _read_bootstrap(self):
        try:
            async for content in self._bootstrap:
                frame = json.loads(content)
                self.frames.append(("bootstrap", frame))
                await self._on_bootstrap_frame(frame)
        except websockets.ConnectionClosed:
            pass

    async def _on_bootstrap_frame(self, frame):
        kind = frame.get("type")
        if kind == "response":
            self._answered(frame)
        elif kind == "ping":
            await self._tell_bootstrap({"type": "pong", "requestId": frame.get("requestId"), "timestamp": now_ms()})
        elif kind == "invitation_received":
            await self._tell_bootstrap({"type": "invitation_accepted", "fromPeer": self.id,
                                        "toPeer": frame["fromPeer"], "timestamp": now_ms()})
        elif kind == "websocket_peer_metadata":
            peer = frame.get("fromPeer") or frame.get("targetPeer")
            metadata = frame.get("fromPeerMetadata") or frame.get("targetPeerMetadata") or {}
            self.peer_metadata[peer] = metadata
            # Both sides of an invitation dial at once; nothing here knows that the other does too.
            self._spawn(self._dial(peer, metadata, 0, even_if_linked=True))
        elif kind == "send_invitation_request":
            await self._invite(frame["targetPeerId"], frame["requestId"])

    async def _invite(self, target, request_id):
        token = {"inviter": self.id, "invitee": target, "timestamp": now_ms(), "expires": now_ms() + 1_800_000,
                 "nonce": os.urandom(16).hex(), "version": "1.0", "signature": os.urandom(64).hex()}
        await self._tell_bootstrap({"type": "send_invitation", "targetPeerId": target, "invitationToken": token,
                                    "inviterNodeId": self.id, "requestId": f"req_{now_ms()}_{os.urandom(5).hex()[:9]}"})
        await self._tell_bootstrap({"type": "invitation_sent", "targetPeerId": target, "requestId": request_id,
                                    "success": True})

    # ---- links ----

    async def _dial(self, peer, metadata, delay_s, even_if_linked=False):
        await asyncio.sleep(delay_s)
        address = metadata.get("listeningAddress") or metadata.get("publicWssAddress")
        wanted = metadata.get("isBridgeNode") or metadata.get("nodeType") in ("nodejs", "nodejs-active")
        if not address or not wanted or (peer in self.links and not even_if_linked):
            return
        try:
            connection = await websockets.connect(address)
            await self._send(connection, {"type": "dht_peer_hello", "peerId": self.id,
                                          "metadata": self.hello_metadata()})
            answer = json.loads(await asyncio.wait_for(connection.recv(), 5.0))
            if answer.get("type") == "dht_peer_connected" and answer.get("success"):
                self.frames.append((peer, answer))
                # Not compared with the id that was wanted, as in the original.
                await self._serve(answer["bridgeNodeId"], connection, answer.get("metadata") or {})
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            return

    async def _accept(self, connection):
        try:
            hello = json.loads(await asyncio.wait_for(connection.recv(), 10.0))
        except (ValueError, asyncio.TimeoutError, websockets.WebSocketException):
            await connection.close(1000, "Invalid handshake format")
            return
        if hello.get("type") != "dht_peer_hello":
            await connection.close(1000, "Invalid handshake")
            return
        await self._send(connection, {"type": "dht_peer_connected", "bridgeNodeId": self.id, "success": True,
                                      "timestamp": now_ms(), "metadata": self.hello_metadata()})
        await self._serve(hello["peerId"], connection, hello.get("metadata") or {})

    async def _serve(self, peer, connection, metadata):
        """A link from its hello to its close."""
        if peer in self.links:
            self.destroyed.append(peer)
            first = self.links.pop(peer)
            await asyncio.sleep(0.05)
            await first.close(1000, "Manager destroyed")
            await connection.close(1000, "Manager destroyed")
            # Some time later its table maintenance finds the peer again.
            self._spawn(self._dial(peer, self.peer_metadata.get(peer) or metadata, random.uniform(1.0, 4.0)))
            return
        self.links[peer] = connection
        self.peer_metadata[peer] = metadata
        await self._send_on_link(connection, {"type": "ping", "requestId": self._next_id(), "timestamp": now_ms(),
                                              "nodeId": self.id})
        try:
            async for content in connection:
                frame = json.loads(content)
                self.frames.append((peer, frame))
                await self._on_peer_frame(connection, frame)
        except websockets.ConnectionClosed:
            pass
        finally:
            if self.links.get(peer) is connection:
                del self.links[peer]

    async def _on_peer_frame(self, connection, frame):
        kind, request_id = frame.get("type"), frame.get("requestId")
        if kind in ("pong", "find_node_response", "find_value_response", "store_response"):
            self._answered(frame)
        elif kind == "ping":
            await self._send_on_link(connection, {"type": "pong", "requestId": request_id,
                                                  "originalTimestamp": frame.get("timestamp")})
        elif kind == "find_node":
            await self._send_on_link(connection, {"type": "find_node_response", "requestId": request_id,
                                                  "nodes": self._known_nodes()})
        elif kind == "find_value":
            found = frame.get("key") in self.values
            answer = {"found": True, "value": self.values[frame["key"]]} if found else \
                {"found": False, "nodes": self._known_nodes()}
            await self._send_on_link(connection, {"type": "find_value_response", "requestId": request_id, **answer})
        elif kind == "create_invitation_for_peer" and frame.get("targetPeer") == self.id:
            await self._invite(frame["targetNodeId"], frame.get("requestId"))
        elif kind == "store":
            self.values[frame["key"]] = frame.get("value")
            await self._send_on_link(connection, {"type": "store_response", "requestId": request_id, "success": True})
        # Every other type is dropped without an answer.

    def _known_nodes(self):
        return [{"id": peer, "endpoint": None, "lastSeen": now_ms(), "capabilities": [], "metadata": metadata}
                for peer, metadata in list(self.peer_metadata.items())[:REPLICATE]]

    async def _send(self, connection, frame):
        await connection.send(json.dumps(frame, separators=(",", ":")))

    async def _send_on_link(self, connection, frame):
        """Whatever goes through the connection manager gets `from`, and a `timestamp` that replaces its own."""
        try:
            await self._send(connection, {**frame, "from": self.id, "timestamp": now_ms()})
        except websockets.ConnectionClosed:
            pass

    # ---- requests ----

    def _next_id(self):
        self._requests += 1
        return f"{self.id[:8]}_{self._requests}"

    async def _request(self, send, request_id, frame, within_s=REQUEST_WITHIN_S):
        """The answer, or None when there is none in time."""
        future = self._loop.create_future()
        self._pending[request_id] = future
        await send({**frame, "requestId": request_id})
        try:
            return await asyncio.wait_for(future, within_s)
        except asyncio.TimeoutError:
            return None
        finally:
            self._pending.pop(request_id, None)

    def _answered(self, frame):
        future = self._pending.get(frame.get("requestId"))
        if future and not future.done():
            future.set_result(frame)

    def _ask(self, connection, frame):
        async def send(whole):
            await self._send_on_link(connection, whole)
        return self._request(send, self._next_id(), {**frame, "nodeId": self.id})

    async def _put(self, key, value):
        targets = self.node_links()[:REPLICATE]
        if len(targets) < REPLICATE:
            self.values[key] = value
        answers = await asyncio.gather(*(self._ask(self.links[peer], {"type": "store", "key": key, "value": value})
                                         for peer in targets))
        return any(answer and answer.get("success") for answer in answers)

    async def _get(self, key):
        if key in self.values:
            return self.values[key]
        for peer, connection in list(self.links.items()):
            answer = await self._ask(connection, {"type": "find_value", "key": key})
            if answer and answer.get("found"):
                return answer["value"]
        return None
