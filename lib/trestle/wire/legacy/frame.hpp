#pragma once

#include <cstddef>
#include <variant>

#include "trestle/wire/legacy/authentication.hpp"
#include "trestle/wire/legacy/bridge_link.hpp"
#include "trestle/wire/legacy/bridge_status.hpp"
#include "trestle/wire/legacy/connection.hpp"
#include "trestle/wire/legacy/dht.hpp"
#include "trestle/wire/legacy/frame_box.hpp"
#include "trestle/wire/legacy/ice.hpp"
#include "trestle/wire/legacy/invitation.hpp"
#include "trestle/wire/legacy/overlay.hpp"
#include "trestle/wire/legacy/peer_link.hpp"
#include "trestle/wire/legacy/registration.hpp"
#include "trestle/wire/legacy/relay.hpp"
#include "trestle/wire/legacy/signalling.hpp"

namespace trestle::wire::legacy {

using FrameKinds = std::variant<
    // registration.hpp
    GetPeersOrGenesis, Register, Registered, Response, VersionMismatch, Error, ReconnectionResult,
    PeerList, Peers,
    // authentication.hpp
    AuthChallenge, AuthResponse, AuthSuccess, AuthFailure, AuthFailed, BootstrapAuth,
    // invitation.hpp
    SendInvitationRequest, InvitationSent, BridgeInvitationRequest, SendInvitation,
    InvitationReceived, InvitationAccepted, WebsocketPeerMetadata, WebrtcStartOffer,
    WebrtcExpectOffer, InvitationForBridge, ConnectToBridge, BridgeConnectionStatus,
    // peer_link.hpp
    DhtPeerHello, DhtPeerConnected, Ping, Pong, PeerDiscoveryRequest, PeerDiscoveryResponse,
    CreateInvitationForPeer, ForwardInvitation, MembershipTokenGranted,
    // dht.hpp
    FindNode, FindNodeResponse, FindValue, FindValueResponse, Store, StoreResponse,
    // overlay.hpp
    OverlayRoutedMessage, RoutedDhtRequest, RoutedDhtResponse,
    // connection.hpp
    ConnectionRequest, ConnectionResponse, ConnectionOffer, ConnectionAnswer, ConnectionCandidate,
    // signalling.hpp
    ForwardSignal, Signal, SignalError, JoinPeer, JoinError, PeerJoinRequest, AnnounceIndependent,
    GetPeers, LookupPeer, WaitForPeer, ProfileUpdate, ConnectionOutcome,
    // ice.hpp
    IceCoordinate, IceCoordinateError, IceCoordinatePending, IceCoordinateTimeout, IceStart,
    IceRestartCoordinate, IceRestartError, IceRestartPending, IceRestartGo, IceRestartTimeout,
    // bridge_link.hpp
    GetOnboardingPeer, OnboardingPeerResponse, ConnectGenesisPeer, GenesisConnectionResult,
    ValidateReconnection, BridgeInvitationAccepted, BridgeInvitationFailed,
    // bridge_status.hpp
    BridgeHealthUpdate, GetConnectedClients, ConnectedClientsResponse,
    // relay.hpp
    RelayRequest, RelayAck, RelayForward, RelayClose, RelayPing, RelayPong>;

inline constexpr std::size_t kFrameKinds = std::variant_size_v<FrameKinds>;

/// Every frame of the old dialect we understand. The rest of what JavaScript peers may send is
/// either dropped by them, too (protocol section 4.4), or belongs to stored values. Its copies,
/// moves and ends are compiled once, as those of `wire::Message`.
struct Frame : FrameKinds {
  using FrameKinds::FrameKinds;
  using FrameKinds::operator=;
  Frame();
  Frame(const Frame& other);
  Frame(Frame&& other) noexcept;
  Frame& operator=(const Frame& other);
  Frame& operator=(Frame&& other) noexcept;
  ~Frame();
};

struct HeldFrame {
  Frame frame;
};

FrameBox box(Frame&& frame);

}  // namespace trestle::wire::legacy
