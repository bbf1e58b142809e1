"""A JavaScript bridge of the old system, as far as its frames go: it opens its own connection to the bootstrap node,
answers there and only there, and does not survive three frames."""

import asyncio
import json
import os

import websockets

from legacy_peer import LegacyPeer, now_ms

# What a bridge takes on the connection it opened, beside answers to its own requests.
HARMLESS = {"get_onboarding_peer", "ping"}
ANSWERS = {"response", "registered", "pong", "connected_clients_response"}
LETHAL = {"validate_reconnection", "connect_genesis_peer", "invitation_for_bridge"}


class LegacyBridge(LegacyPeer):
    """`manner` says how it answers: helpful, refusing, silent, mistaken (under another request id), senseless (without
    data), late (after the JavaScript bootstrap's 10 s would be over for us: see `delay_s`)."""

    def __init__(self, bootstrap_url, secret, manner="helpful", delay_s=0.0):
        super().__init__(bootstrap_url)
        self.secret = secret
        self.manner = manner
        self.delay_s = delay_s
        self.asked = []         # get_onboarding_peer frames
        self.tokens = {}        # newcomer id -> token issued, as written
        self.killed_by = None
        self.surprises = []     # frames a bridge has no business getting

    # ---- metadata ----

    def registered_metadata(self):
        shown = super().registered_metadata()
        shown.update({"nodeType": "bridge", "relayCapacity": 200, "isBridgeNode": True})
        if self.secret is not None:
            shown["bridgeAuthToken"] = self.secret
        return shown

    def hello_metadata(self):
        shown = super().hello_metadata()
        shown.update({"isBridgeNode": True, "nodeType": "bridge", "bridgeNodeType": "passive"})
        return shown

    # ---- the bootstrap connection ----

    async def _on_bootstrap_frame(self, frame):
        kind = frame.get("type")
        if kind in LETHAL:
            self.killed_by = kind
            await self._bootstrap.close(1011)
            return
        if kind not in HARMLESS | ANSWERS:
            self.surprises.append(frame)
        if kind == "get_onboarding_peer":
            self.asked.append(frame)
            self._spawn(self._introduce(frame))
        else:
            await super()._on_bootstrap_frame(frame)

    async def _introduce(self, question):
        await asyncio.sleep(self.delay_s)
        if self.manner == "silent":
            return
        helpers = [peer for peer in self.node_links() if peer != question["newNodeId"]]
        answer = {"type": "onboarding_peer_response", "requestId": question["requestId"]}
        if self.manner == "mistaken":
            answer["requestId"] = "onboarding_of_somebody_else"
        if self.manner == "senseless":
            answer.update({"success": True, "data": {"nobody": 1}, "error": None, "timestamp": now_ms()})
        elif self.manner == "refusing" or not helpers:
            answer.update({"success": False, "data": {"emergencyMode": True, "networkState": {
                "connectedPeerCount": len(self.links), "routingTableSize": len(self.links), "availablePeers": [
                    {"nodeId": peer, "metadata": self.peer_metadata[peer], "connected": True} for peer in helpers],
                "bridgeNodeId": self.id, "timestamp": now_ms()}, "reason": "No suitable helper peer"},
                "error": "No suitable helper peer", "timestamp": now_ms()})
        else:
            helper = helpers[len(self.asked) % len(helpers)]
            # Members in an order of its own: whoever passes it on must not write it anew.
            self.tokens[question["newNodeId"]] = token = {
                "nodeId": question["newNodeId"], "issuer": self.id, "timestamp": now_ms(), "isOpenNetwork": True,
                "authorizedBy": helper, "signature": "bridge-issued-open-network-token", "aExtra": os.urandom(4).hex()}
            await self._send_on_link(self.links[helper], {
                "type": "create_invitation_for_peer", "targetPeer": helper, "targetNodeId": question["newNodeId"],
                "targetNodeMetadata": question["newNodeMetadata"], "fromBridge": self.id,
                "requestId": question["requestId"], "candidateIndex": 0, "timestamp": now_ms()})
            answer.update({"success": True, "data": {
                "inviterPeerId": helper, "inviterMetadata": self.peer_metadata[helper], "membershipToken": token,
                "status": "invitation_request_sent_to_helper",
                "message": "Active DHT member will create invitation and coordinate connection"},
                "error": None, "timestamp": now_ms()})
        try:
            await self._tell_bootstrap(answer)
        except websockets.ConnectionClosed:
            pass

    def lose_bootstrap(self):
        """The connection to the bootstrap node breaks; like its original it does not come back while it has peers."""
        self.call(self._bootstrap.close(1000, "Manual disconnect"))


def written(frame):
    """A frame as a JavaScript peer writes it."""
    return json.dumps(frame, separators=(",", ":"))
