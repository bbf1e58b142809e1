#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "trestle/base/outbox.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/proof.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::link {

/// The opening of a native link: `hello`, `welcome`, `prove`, `ready` (docs/protocol.md, "Opening a
/// link").
///
/// Both ends prove that they own their id over one transcript. The challenge lives here, in the
/// connection's own object, and is used once (T2, D16). Towards a bridge a bootstrap node also
/// shows knowledge of the shared secret, and the bridge answers in kind. Signatures are made and
/// checked by the driver; at most one such order is open at a time.
class Handshake {
 public:
  struct Send {
    wire::Message message;
  };
  struct SignTranscript {
    Bytes message;
  };
  struct VerifyTranscript {
    wire::PublicKey key;
    Bytes message;
    wire::Signature signature;
  };
  /// The other side has proven its id; the link is open.
  struct Completed {
    wire::Contact peer;
  };
  /// The link must be closed with this reason.
  struct Refused {
    ErrorCode code;
    std::string text;
    bool is_unexpected = false;  ///< Somebody else than the one who must answer.
  };
  using Effect = std::variant<Send, SignTranscript, VerifyTranscript, Completed, Refused>;

  /// `dialled_url` is what we dialled, with the id that must answer if one is expected
  /// (`PinnedUrl`); unused on the accepting side.
  Handshake(crypto::Side side, const LocalPeer& local, crypto::Suite& suite,
            std::string_view dialled_url);

  /// Dialler only: sends `hello`.
  void start();
  /// `hello`, `welcome`, `prove` or `ready`; any other order is refused with PROTOCOL_ERROR.
  void on_message(const wire::Message& message);
  void on_signed(const wire::Signature& signature);
  void on_verified(bool valid);

  std::optional<Effect> poll_effect();
  /// Who must answer, if anybody in particular must.
  const std::optional<NodeId>& expected() const { return expected_; }

 private:
  enum class State : std::uint8_t {
    idle,
    awaiting_hello,
    signing_welcome,
    awaiting_prove,
    verifying_dialler,
    awaiting_welcome,
    verifying_acceptor,
    signing_prove,
    awaiting_ready,
    over
  };

  void on_hello(const wire::Hello& hello);
  void on_welcome(const wire::Welcome& welcome);
  void on_prove(const wire::Prove& prove);
  void on_ready(const wire::Ready& ready);
  /// Checks what both records share; false after refusing.
  bool accept_peer(std::uint16_t version, std::string_view network, const wire::PublicKey& key);
  /// A bootstrap node dialled a bridge.
  bool secret_is_due() const;
  bool shows_secret(const wire::Prove& prove);
  void complete(wire::Role role, const std::string& address);
  void refuse_link(ErrorCode code, std::string_view text);

  crypto::Side side_;
  const LocalPeer& local_;
  crypto::Suite& suite_;
  State state_ = State::idle;
  NodeId peer_id_{};
  std::optional<NodeId> expected_;
  wire::Hello hello_;
  wire::Welcome welcome_;
  Outbox<Effect> outbox_;
};

}  // namespace trestle::link
