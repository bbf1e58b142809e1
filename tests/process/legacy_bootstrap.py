"""A JavaScript bootstrap of the old system, as far as its frames go: clients register, bridges are asked on the
connection they opened, and each bridge's port is dialled with the shared secret for a connection that carries nothing."""

import asyncio
import json
import random
import threading
import time

import websockets

ONBOARDING_WITHIN_S = 10.0


def now_ms():
    return int(time.time() * 1000)


class LegacyBootstrap:
    """Runs on a thread of its own. `-createNewDHT -openNetwork`: the first node is genesis, later ones are onboarded
    through a registered bridge."""

    def __init__(self, port, secret):
        self.port = port
        self.url = f"ws://127.0.0.1:{port}"
        self.secret = secret
        self.clients = {}      # node id -> (connection, metadata)
        self.frames = []       # (node id or None, frame) of everything received
        self.texts = []        # the same as written
        self.invalid = 0       # connections that began with something else
        self.introductions = []  # (bridge id, answer, seconds)
        self.authorised = {}   # bridge id -> open pool connection
        self.genesis = None
        self._pending = {}
        self._requests = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks = set()  # kept alive until they end

    def __enter__(self):
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if not self._thread.is_alive():
            return
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def call(self, coroutine, timeout_s=20.0):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    # ---- for tests ----

    def bridges(self):
        return [peer for peer, (_, metadata) in list(self.clients.items()) if metadata.get("isBridgeNode")]

    def received(self, kind):
        return [frame for _, frame in list(self.frames) if frame.get("type") == kind]

    def introduce(self, newcomer, metadata):
        """What a bridge answers about a newcomer: (bridge id, answer, seconds), or None."""
        return self.call(self._ask_bridges(newcomer, metadata))

    def ping(self, peer):
        """Whether a registered client answers a ping."""
        return self.call(self._ask(self.clients[peer][0], "pong", {
            "type": "ping", "requestId": self._next_id("keepalive"), "timestamp": now_ms()}, 5.0)) is not None

    def drop(self, peer):
        """Closes a client as the JavaScript server closes whoever registered five minutes ago."""
        self.call(self.clients[peer][0].close(1000, "Peer timeout"))

    # ---- life ----

    async def _start(self):
        self._server = await websockets.serve(self._accept, "127.0.0.1", self.port)

    async def _stop(self):
        self._server.close()
        for connection in [*(client for client, _ in self.clients.values()), *self.authorised.values()]:
            await connection.close(1000, "Server shutdown")
        await self._server.wait_closed()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _spawn(self, coroutine):
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- clients ----

    async def _accept(self, connection):
        known = None
        try:
            async for content in connection:
                try:
                    frame = json.loads(content)
                except (ValueError, UnicodeDecodeError):
                    self.invalid += 1
                    await connection.close(1002, "Invalid JSON")
                    return
                known = frame.get("nodeId", known) if frame["type"] in ("register", "get_peers_or_genesis") else known
                self.frames.append((known, frame))
                self.texts.append(content)
                await self._on_frame(connection, known, frame)
        except websockets.ConnectionClosed:
            pass
        finally:
            if known in self.clients and self.clients[known][0] is connection:
                del self.clients[known]

    async def _on_frame(self, connection, sender, frame):
        kind = frame["type"]
        if kind == "get_peers_or_genesis":
            self._spawn(self._offer(connection, frame))
        elif kind == "register":
            self.clients[sender] = (connection, frame["metadata"])
            await self._send(connection, {"type": "registered", "nodeId": sender, "timestamp": now_ms()})
            if frame["metadata"].get("isBridgeNode"):
                self._spawn(self._authenticate(frame["metadata"]["listeningAddress"]))
        elif kind == "ping":
            await self._send(connection, {"type": "pong", "requestId": frame["requestId"], "from": "bootstrap_server",
                                          "timestamp": now_ms()})
        elif kind in ("pong", "onboarding_peer_response"):
            future = self._pending.get((kind, frame.get("requestId")))
            if future and not future.done():
                future.set_result(frame)
        elif kind == "send_invitation":
            await self._relay_invitation(connection, sender, frame)
        elif kind == "invitation_accepted":
            await self._tell_both(frame["toPeer"], sender)

    async def _relay_invitation(self, connection, sender, frame):
        target = self.clients.get(frame["targetPeerId"])
        answer = {"type": "response", "requestId": frame["requestId"], "success": target is not None}
        if target is None:
            answer["error"] = "Target peer not connected"
        else:
            answer["data"] = {"message": "Invitation sent successfully", "targetPeer": frame["targetPeerId"]}
            await self._send(target[0], {"type": "invitation_received", "fromPeer": sender,
                                         "invitationToken": frame["invitationToken"],
                                         "message": "You have been invited to join the DHT network"})
        await self._send(connection, answer)

    async def _tell_both(self, inviter, invitee):
        if inviter not in self.clients or invitee not in self.clients:
            return
        common = {"invitationId": f"{inviter}_{invitee}_{now_ms()}"}
        await self._send(self.clients[inviter][0], {
            "type": "websocket_peer_metadata", "targetPeer": invitee,
            "targetPeerMetadata": self.clients[invitee][1], **common, "message": "Connect to invited peer"})
        await self._send(self.clients[invitee][0], {
            "type": "websocket_peer_metadata", "fromPeer": inviter, "fromPeerMetadata": self.clients[inviter][1],
            **common, "message": "Inviter peer metadata"})

    async def _offer(self, connection, frame):
        asker, metadata = frame["nodeId"], frame.get("metadata") or {}
        if metadata.get("isBridgeNode"):
            data = {"peers": [], "isGenesis": False}
        elif self.genesis in (None, asker):
            self.genesis = asker
            data = {"peers": [self._entry(bridge) for bridge in self.bridges()], "isGenesis": True,
                    "message": "Genesis peer designated"}
        else:
            data = await self._onboard(asker, metadata)
        await self._send(connection, {"type": "response", "requestId": frame["requestId"], "success": True,
                                      "data": data})

    async def _onboard(self, asker, metadata):
        found = await self._ask_bridges(asker, metadata)
        if found is not None and found[1]["success"]:
            data = found[1]["data"]
            self._spawn(self._ask_helper(data["inviterPeerId"], asker))
            return {"peers": [{"nodeId": data["inviterPeerId"], "metadata": data["inviterMetadata"]}],
                    "isGenesis": False, "membershipToken": data["membershipToken"], "status": "peer_found",
                    "message": f"Found onboarding peer: {data['inviterPeerId'][:8]}..."}
        peers = [self._entry(peer) for peer in self.clients if peer != asker and peer not in self.bridges()]
        return {"peers": peers, "isGenesis": False, "emergencyMode": True, "status": "emergency_direct_connect"}

    def _entry(self, peer):
        return {"nodeId": peer, "metadata": self.clients[peer][1]}

    async def _ask_helper(self, helper, newcomer):
        await asyncio.sleep(0.1)
        if helper in self.clients:
            await self._send(self.clients[helper][0], {
                "type": "send_invitation_request", "targetPeerId": newcomer, "requestId": self._next_id("invite"),
                "message": "Please invite this new peer to join the DHT network"})

    # ---- bridges ----

    async def _ask_bridges(self, newcomer, metadata):
        """All registered bridges in random order, 10 s each."""
        answer = None
        for bridge in random.sample(self.bridges(), len(self.bridges())):
            started = time.monotonic()
            frame = await self._ask(self.clients[bridge][0], "onboarding_peer_response", {
                "type": "get_onboarding_peer", "requestId": self._next_id("onboarding"), "newNodeId": newcomer,
                "newNodeMetadata": metadata}, ONBOARDING_WITHIN_S)
            if frame is None:
                continue
            answer = (bridge, frame, time.monotonic() - started)
            self.introductions.append(answer)
            if frame["success"]:
                return answer
        return answer

    async def _authenticate(self, address):
        try:
            connection = await websockets.connect(address, compression=None)
            await self._send(connection, {"type": "bootstrap_auth", "auth_token": self.secret,
                                          "bootstrapServer": "connection-pool"})
            answer = json.loads(await asyncio.wait_for(connection.recv(), 5.0))
            if answer["type"] == "auth_success":
                self.authorised[answer["bridgeNodeId"]] = connection
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            return

    # ---- frames ----

    def _next_id(self, kind):
        self._requests += 1
        return f"{kind}_{now_ms()}_{self._requests:09d}"

    async def _ask(self, connection, answer_kind, frame, within_s):
        future = self._loop.create_future()
        self._pending[answer_kind, frame["requestId"]] = future
        try:
            await self._send(connection, frame)
            return await asyncio.wait_for(future, within_s)
        except (asyncio.TimeoutError, websockets.ConnectionClosed):
            return None
        finally:
            del self._pending[answer_kind, frame["requestId"]]

    async def _send(self, connection, frame):
        try:
            await connection.send(json.dumps(frame, separators=(",", ":")))
        except websockets.ConnectionClosed:
            pass
