#include "trestle/link/handshake.hpp"

#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/link/pinned_url.hpp"

namespace trestle::link {

using crypto::Side;

Handshake::Handshake(Side side, const LocalPeer& local, crypto::Suite& suite,
                     std::string_view dialled_url)
    : side_(side), local_(local), suite_(suite) {
  PinnedUrl dialled = parse_pinned_url(dialled_url);
  hello_.dialled_url = std::move(dialled.url);
  expected_ = dialled.id;
  if (side == Side::acceptor) state_ = State::awaiting_hello;
}

void Handshake::start() {
  TRESTLE_ASSERT(side_ == Side::dialler && state_ == State::idle);
  hello_.role = local_.role;
  hello_.key = local_.identity.key;
  suite_.random(hello_.nonce);
  hello_.network = local_.network;
  hello_.address = local_.address;
  state_ = State::awaiting_welcome;
  outbox_.push(Send{hello_});
}

void Handshake::on_message(const wire::Message& message) {
  if (state_ == State::over) return;
  if (const auto* hello = std::get_if<wire::Hello>(&message);
      hello && state_ == State::awaiting_hello) {
    return on_hello(*hello);
  }
  if (const auto* welcome = std::get_if<wire::Welcome>(&message);
      welcome && state_ == State::awaiting_welcome) {
    return on_welcome(*welcome);
  }
  if (const auto* prove = std::get_if<wire::Prove>(&message);
      prove && state_ == State::awaiting_prove) {
    return on_prove(*prove);
  }
  if (const auto* ready = std::get_if<wire::Ready>(&message);
      ready && state_ == State::awaiting_ready) {
    return on_ready(*ready);
  }
  refuse_link(ErrorCode::protocol_error, "unexpected record while the link is being opened");
}

void Handshake::on_hello(const wire::Hello& hello) {
  if (!accept_peer(hello.version, hello.network, hello.key)) return;
  hello_ = hello;
  welcome_.role = local_.role;
  welcome_.key = local_.identity.key;
  suite_.random(welcome_.nonce);
  welcome_.network = local_.network;
  welcome_.address = local_.address;
  state_ = State::signing_welcome;
  outbox_.push(SignTranscript{crypto::transcript(Side::acceptor, hello_, welcome_)});
}

void Handshake::on_welcome(const wire::Welcome& welcome) {
  if (!accept_peer(welcome.version, welcome.network, welcome.key)) return;
  welcome_ = welcome;
  state_ = State::verifying_acceptor;
  outbox_.push(VerifyTranscript{welcome_.key, crypto::transcript(Side::acceptor, hello_, welcome_),
                                welcome_.proof});
}

void Handshake::on_prove(const wire::Prove& prove) {
  // The keyed digest first: it costs a microsecond, the signature a hundred (T20: cheapest check
  // first).
  if (secret_is_due() && !shows_secret(prove)) {
    return refuse_link(ErrorCode::unauthorized, "the shared bridge secret was not shown");
  }
  state_ = State::verifying_dialler;
  outbox_.push(VerifyTranscript{hello_.key, crypto::transcript(Side::dialler, hello_, welcome_),
                                prove.proof});
}

void Handshake::on_ready(const wire::Ready& ready) {
  if (secret_is_due() && !local_.bridge_secret.empty()) {
    const wire::SecretProof expected =
        crypto::secret_proof(suite_, local_.bridge_secret, Side::acceptor, hello_, welcome_);
    if (!ready.has_secret_proof || !crypto::equal_in_constant_time(expected, ready.secret_proof)) {
      return refuse_link(ErrorCode::unauthorized, "the bridge does not know the shared secret");
    }
  }
  complete(welcome_.role, welcome_.address);
}

void Handshake::on_signed(const wire::Signature& signature) {
  if (state_ == State::signing_welcome) {
    welcome_.proof = signature;
    state_ = State::awaiting_prove;
    outbox_.push(Send{welcome_});
  } else if (state_ == State::signing_prove) {
    wire::Prove prove{signature, false, {}};
    if (secret_is_due() && !local_.bridge_secret.empty()) {
      prove.has_secret_proof = true;
      prove.secret_proof =
          crypto::secret_proof(suite_, local_.bridge_secret, Side::dialler, hello_, welcome_);
    }
    state_ = State::awaiting_ready;
    outbox_.push(Send{prove});
  }
}

void Handshake::on_verified(bool valid) {
  if (state_ != State::verifying_acceptor && state_ != State::verifying_dialler) return;
  if (!valid) return refuse_link(ErrorCode::unauthorized, "the proof of identity is not valid");
  if (state_ == State::verifying_acceptor) {
    state_ = State::signing_prove;
    outbox_.push(SignTranscript{crypto::transcript(Side::dialler, hello_, welcome_)});
    return;
  }
  wire::Ready ready;
  if (secret_is_due()) {
    ready.has_secret_proof = true;
    ready.secret_proof =
        crypto::secret_proof(suite_, local_.bridge_secret, Side::acceptor, hello_, welcome_);
  }
  outbox_.push(Send{ready});
  complete(hello_.role, hello_.address);
}

bool Handshake::accept_peer(std::uint16_t version, std::string_view network,
                            const wire::PublicKey& key) {
  // Whoever accepts answers in its own version, so a newer dialler may still say yes to it; the
  // dialler has the last word.
  const bool is_common = side_ == Side::acceptor ? version >= wire::kProtocolVersion
                                                 : version == wire::kProtocolVersion;
  if (!is_common) {
    refuse_link(ErrorCode::version_mismatch, "no common protocol version");
    return false;
  }
  if (network != local_.network) {
    refuse_link(ErrorCode::wrong_network, "the peer belongs to another network");
    return false;
  }
  peer_id_ = crypto::node_id_of(suite_, key);
  if (peer_id_ == local_.identity.id) {
    refuse_link(ErrorCode::duplicate_connection, "the peer has our own identity");
    return false;
  }
  // Before anything is signed for it, and before it is shown that we know the secret (T5).
  if (expected_ && peer_id_ != *expected_) {
    state_ = State::over;
    std::string text =
        "node " + peer_id_.to_hex() + " answers where " + expected_->to_hex() + " is expected";
    outbox_.push(Refused{ErrorCode::unauthorized, std::move(text), true});
    return false;
  }
  return true;
}

bool Handshake::shows_secret(const wire::Prove& prove) {
  if (local_.bridge_secret.empty() || !prove.has_secret_proof) return false;
  const wire::SecretProof expected =
      crypto::secret_proof(suite_, local_.bridge_secret, Side::dialler, hello_, welcome_);
  return crypto::equal_in_constant_time(expected, prove.secret_proof);
}

bool Handshake::secret_is_due() const {
  return hello_.role == wire::Role::bootstrap && welcome_.role == wire::Role::bridge;
}

void Handshake::complete(wire::Role role, const std::string& address) {
  state_ = State::over;
  outbox_.push(Completed{{peer_id_, role, wire::Dialect::native, address, {}}});
}

void Handshake::refuse_link(ErrorCode code, std::string_view text) {
  state_ = State::over;
  outbox_.push(Refused{code, std::string(text), false});
}

std::optional<Handshake::Effect> Handshake::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::link
