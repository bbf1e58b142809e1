"""The recorded conversations of the old system, and what it means to answer like it."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data" / "legacy"

# Members of an answer that a JavaScript peer can do without, or that depend on who answers.
OPTIONAL = {"message", "status", "membershipToken", "onboardingHelper", "startTime", "publicKey", "canRelay",
            "relayLoad", "relayCapacity", "canAcceptConnections", "canInitiateConnections", "publicWssAddress",
            "websocketAddress", "bridgeAuthToken", "bridgeNodeType", "maxConnections", "bridgeSignature",
            "bridgeStartTime", "reconnecting", "emergencyMode", "from", "emergencyTarget", "directConnection"}


def events(flow):
    """Everything in a recording, in order: dictionaries with link, from, to, conn and frame, raw or event."""
    lines = (FOLDER / f"{flow}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def conversation(flow):
    """The frames of a recording, in order: dictionaries with link, from, to, conn and frame."""
    return [entry for entry in events(flow) if "frame" in entry]


def replaced(value, replacements):
    """A frame with ids and addresses exchanged, wherever they stand."""
    written = json.dumps(value)
    for old, new in replacements.items():
        written = written.replace(json.dumps(old), json.dumps(new))
    return json.loads(written)


def kind_of(value):
    """The JSON type: what `typeof` would tell a JavaScript peer, with null and array told apart."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]


def differences(recorded, got, where="", opaque=("value", "metadata.membershipToken")):
    """What a peer that understood the recorded answer would miss in the one it got."""
    if kind_of(recorded) != kind_of(got):
        nullable = where.endswith(("endpoint", "membershipToken"))
        if nullable and {"null"} & {kind_of(recorded), kind_of(got)}:
            return []
        return [f"{where or 'frame'}: {kind_of(got)} instead of {kind_of(recorded)}"]
    if where.endswith(opaque):
        return []
    found = []
    if isinstance(recorded, dict):
        for name, value in recorded.items():
            path = f"{where}.{name}".lstrip(".")
            if name in got:
                found += differences(value, got[name], path, opaque)
            elif name not in OPTIONAL:
                found.append(f"{path}: missing")
    elif isinstance(recorded, list) and recorded and isinstance(recorded[0], dict):
        for index, value in enumerate(got):
            found += differences(recorded[0], value, f"{where}[{index}]", opaque)
    return found


def order_of_members(recorded, got):
    """Members of both, in the order of each: equal when the answer keeps the order of the old one."""
    return [name for name in recorded if name in got], [name for name in got if name in recorded]
