#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/dial_failure.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/transport_options.hpp"
#include "trestle/host/web_socket_connection.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::host {

class Tls;

/// One way to somebody, to be walked to its end.
struct PathOrder {
  std::string url;  ///< With the id that must answer, if one is expected.
  /// As whom we introduce ourselves. An observer may ask and takes no place in any mesh; a bridge
  /// wants a bootstrap node, which shows the secret.
  wire::Role role = wire::Role::observer;
  std::string network;
  Bytes bridge_secret{};
  /// Asked once the link is open.
  std::optional<wire::Message> question{};
};

/// How far one came, and what was seen on the way.
struct PathWalk {
  DialStage stage = DialStage::name;  ///< The last one begun.
  bool is_dialled = false;            ///< A WebSocket is open.
  bool is_opened = false;             ///< The peer has proven, or in the old dialect said, itself.
  bool is_old_dialect = false;
  bool met_another = false;  ///< Another id answered than the address names.
  wire::Contact peer{};
  /// The end, if it came before everything was done.
  ErrorCode code = ErrorCode::none;
  std::string reason{};
  std::optional<UpgradeAnswer> upgrade{};
  std::optional<std::chrono::seconds> certificate_left{};  ///< Until it expires.
  std::optional<wire::Message> answer{};                   ///< To the question.
  Duration name_took{};
  Duration way_took{};      ///< TCP and TLS.
  Duration upgrade_took{};  ///< HTTP.
  Duration hello_took{};
  Duration answer_took{};
};

/// Walks paths with the very transport, TLS and channels that a running program uses, under an
/// identity made for it alone: a program that runs under the real one keeps its links.
class DoctorProbe {
 public:
  /// `tls` outlives the probe. Error: a sentence, if libwebsockets cannot start.
  static Result<std::unique_ptr<DoctorProbe>, std::string> create(Tls& tls, TransportKind kind);
  ~DoctorProbe();
  DoctorProbe(const DoctorProbe&) = delete;
  DoctorProbe& operator=(const DoctorProbe&) = delete;

  /// Stands in for the program that does not run: answers on that socket under that identity as
  /// long as paths are walked.
  void answer_on(ListeningSocket socket, const crypto::KeyPair& keys, const link::LocalPeer& local);

  /// Blocks, at most as long as a dial, an opening and a question may take.
  PathWalk walk(const PathOrder& order);

 private:
  struct State;
  explicit DoctorProbe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace trestle::host
