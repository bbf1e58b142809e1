#include "trestle/host/doctor_path.hpp"

#include <cstdlib>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "trestle/host/address.hpp"
#include "trestle/host/http_header.hpp"

namespace trestle::host {
namespace {

/// A date is rounded to the second and travels for a while. Beyond the first, the order of writes
/// to one key begins to depend on whose clock is ahead; beyond the second, certificates and signed
/// times are in danger.
constexpr std::chrono::seconds kClockNoticed{5};
constexpr std::chrono::seconds kClockWrong{60};
/// A certificate that is not renewed by then is not renewed by itself.
constexpr std::chrono::hours kCertificateNoticed{24 * 14};

std::string advice_for(DialStage stage) {
  switch (stage) {
    case DialStage::name:
      return "check the name in the URL and this machine's name server";
    case DialStage::connect:
      return "check host and port of the URL, whether the proxy or program runs there, and packet "
             "filters";
    case DialStage::tls:
      return "check the certificate there (its names, dates and chain) and --tls-ca here";
    case DialStage::upgrade:
      return "correct the URL, or the proxy as docs/deploy/nginx.conf does";
  }
  return {};
}

class PathReporter {
 public:
  PathReporter(const PathOrder& order, const PathWalk& walk, const PathExpectation& expectation,
               DoctorReport& report)
      : order_(order), walk_(walk), expectation_(expectation), report_(report) {
    if (const auto url = parse_web_socket_url(order.url)) url_ = *url;
  }

  /// False if the way ends before a WebSocket is open.
  bool report_way() {
    for (const DialStage stage :
         {DialStage::name, DialStage::connect, DialStage::tls, DialStage::upgrade}) {
      const bool is_used = stage != DialStage::tls || url_.is_secure;
      if (!is_used) continue;
      if (!walk_.is_dialled && stage == walk_.stage) {
        const ExitCode exit = stage == DialStage::tls ? ExitCode::tls_failed : ExitCode::no_way;
        fail(name(stage), walk_.reason, advice_for(stage), exit);
        return false;
      }
      report_stage(stage);
    }
    return true;
  }

  /// Whether the proxy takes its prefix off.
  void report_route() {
    if (url_.path == "/" || !walk_.upgrade) return;
    const std::string& arrived = walk_.upgrade->arrived_path;
    if (arrived.empty()) return tell(Outcome::ok, "route", url_.path + " is taken off");
    fail("route", "the program sees the path " + arrived + ": the prefix is not taken off",
         "end proxy_pass with a slash, as docs/deploy/nginx.conf does; /health and programs of the "
         "old system stand at / alone",
         ExitCode::no_way);
  }

  void report_clock(WallTime now) {
    if (!walk_.upgrade) return;
    const std::time_t stated = parse_http_date(walk_.upgrade->date);
    if (stated < 0) return tell(Outcome::skipped, "clock", "it states no date");
    const auto ours = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    const std::chrono::seconds ahead = ours - std::chrono::seconds(stated);
    const auto apart = std::chrono::seconds(std::abs(ahead.count()));
    std::string text = fmt::format("our clock is {} s {} that of who answers there", apart.count(),
                                   ahead.count() < 0 ? "behind" : "ahead of");
    if (apart < kClockNoticed) return tell(Outcome::ok, "clock", std::move(text));
    const std::string advice = "set the wrong one of both clocks by NTP (chronyc tracking)";
    if (apart >= kClockWrong) return fail("clock", text, advice, ExitCode::wrong_clock);
    tell(Outcome::warning, "clock", std::move(text), advice);
  }

  /// False if there is no link.
  bool report_hello() {
    const bool has_wrong_secret = !walk_.is_opened && order_.role == wire::Role::bootstrap &&
                                  walk_.code == ErrorCode::unauthorized && !walk_.met_another;
    if (!walk_.is_opened && !has_wrong_secret) {
      fail("hello", walk_.reason, advice_for_hello(), ExitCode::not_admitted, walk_.code);
      return false;
    }
    if (has_wrong_secret) {
      tell(Outcome::ok, "hello", "a bridge of network " + order_.network);
      fail("auth", walk_.reason,
           order_.bridge_secret.empty()
               ? "give --bridge-secret-file, with the bridge's secret"
               : "both sides need the same --bridge-secret-file; compare their digests (sha256sum)",
           ExitCode::not_admitted, walk_.code);
      return false;
    }
    return report_peer();
  }

  void report_answer() {
    if (!order_.question) return;
    const bool is_bridge = expectation_.role == wire::Role::bridge;
    const std::string_view step = is_bridge ? "members" : "join";
    if (!walk_.answer) {
      return fail(step, walk_.reason, "look at the log of the program there",
                  ExitCode::nobody_there, walk_.code);
    }
    if (const auto* failure = std::get_if<wire::Failure>(&*walk_.answer)) {
      if (failure->code == ErrorCode::unauthorized) {
        return tell(Outcome::ok, step, "the network is entered by invitation: asked for one");
      }
      return tell(Outcome::warning, step, failure->text, "it may be able to a moment later",
                  failure->code);
    }
    if (const auto* named = std::get_if<wire::IntroduceResponse>(&*walk_.answer)) {
      if (!named->members.empty()) return tell(Outcome::ok, step, "it can introduce newcomers");
      const std::string text = "the bridge knows no member to introduce to a newcomer";
      const std::string advice = "start a node, and check that the bridge reaches its bootstrap";
      if (expectation_.may_be_empty) return tell(Outcome::warning, step, text, advice);
      return fail(step, text, advice, ExitCode::nobody_there);
    }
    if (const auto* joined = std::get_if<wire::JoinResponse>(&*walk_.answer)) {
      tell(Outcome::ok, step, fmt::format("{}", wire::name(joined->outcome)));
    }
  }

 private:
  void report_stage(DialStage stage) {
    switch (stage) {
      case DialStage::name:
        return tell(Outcome::ok, "name",
                    is_literal_address(url_.host) ? "an address" : url_.host + " has an address",
                    {}, ErrorCode::none, walk_.name_took);
      case DialStage::connect:
        return tell(Outcome::ok, "connect", "port " + std::to_string(url_.port) + " answers");
      case DialStage::tls:
        return report_certificate();
      case DialStage::upgrade:
        return tell(Outcome::ok, "upgrade", "101", {}, ErrorCode::none, walk_.upgrade_took);
    }
  }

  void report_certificate() {
    std::string text = "the certificate is believed";
    if (!walk_.certificate_left) return tell(Outcome::ok, "tls", std::move(text));
    const auto days = std::chrono::duration_cast<std::chrono::hours>(*walk_.certificate_left) / 24;
    text += fmt::format(", for another {} days", days.count());
    const bool is_old = *walk_.certificate_left < kCertificateNoticed;
    tell(is_old ? Outcome::warning : Outcome::ok, "tls", std::move(text),
         is_old ? "renew it; programs and nginx read it again without a restart" : "",
         ErrorCode::none, walk_.way_took);
  }

  bool report_peer() {
    const wire::Contact& peer = walk_.peer;
    if (expectation_.id && peer.id != *expectation_.id) {
      fail("hello",
           "another program answers at our own address: " + std::string(role_name(peer.role)) +
               " " + peer.id.to_hex(),
           "the address to advertise, or the proxy's location for it, leads to somebody else",
           ExitCode::not_admitted);
      return false;
    }
    if (expectation_.role && peer.role != *expectation_.role) {
      fail("hello",
           "a " + std::string(role_name(peer.role)) + " answers where a " +
               std::string(role_name(*expectation_.role)) + " was expected",
           "the URL, or the proxy's location for it, leads to another program",
           ExitCode::not_admitted);
      return false;
    }
    const std::string who = walk_.is_old_dialect
                                ? "a bootstrap node of the old system"
                                : std::string(role_name(peer.role)) + " " + peer.id.to_hex() +
                                      ", network " + order_.network;
    tell(Outcome::ok, "hello", who, {}, ErrorCode::none, walk_.hello_took);
    if (order_.role == wire::Role::bootstrap) tell(Outcome::ok, "auth", "both know the secret");
    return true;
  }

  std::string advice_for_hello() const {
    if (walk_.met_another) {
      return "compare the id behind the # with what the program there says of itself (its identity "
             "command); unless it was given a new key on purpose, somebody else answers";
    }
    switch (walk_.code) {
      case ErrorCode::wrong_network:
        return "both sides need the same network-name; ours is " + order_.network;
      case ErrorCode::version_mismatch:
        return "run versions that have a protocol in common on both sides: see docs/protocol.md";
      case ErrorCode::timeout:
        return "it took the connection and says nothing: another WebSocket server, or a stopped "
               "program";
      default:
        return "look at the log of the program there";
    }
  }

  static std::string_view role_name(wire::Role role) {
    switch (role) {
      case wire::Role::bootstrap:
        return "bootstrap node";
      case wire::Role::bridge:
        return "bridge";
      case wire::Role::node:
        return "node";
      case wire::Role::observer:
        return "observer";
    }
    return "";
  }

  void tell(Outcome outcome, std::string_view step, std::string text, std::string advice = {},
            ErrorCode code = ErrorCode::none, Duration took = {}) {
    report_.add({.path = expectation_.path,
                 .step = step,
                 .outcome = outcome,
                 .subject = order_.url,
                 .text = std::move(text),
                 .advice = std::move(advice),
                 .code = code,
                 .took = took});
  }

  void fail(std::string_view step, const std::string& text, std::string advice, ExitCode exit,
            ErrorCode code = ErrorCode::none) {
    const bool is_own = expectation_.id.has_value() && exit != ExitCode::wrong_clock;
    report_.add({.path = expectation_.path,
                 .step = step,
                 .outcome = Outcome::failed,
                 .subject = order_.url,
                 .text = text,
                 .advice = std::move(advice),
                 .code = code,
                 .exit = is_own ? ExitCode::own_address_unreachable : exit});
  }

  const PathOrder& order_;
  const PathWalk& walk_;
  const PathExpectation& expectation_;
  DoctorReport& report_;
  WebSocketUrl url_;
};

}  // namespace

void report_path(const PathOrder& order, const PathWalk& walk, const PathExpectation& expectation,
                 WallTime now, DoctorReport& report) {
  PathReporter reporter(order, walk, expectation, report);
  if (!reporter.report_way()) return;
  reporter.report_route();
  // Our own clock says nothing about itself, but the proxy in front of us has one, too.
  reporter.report_clock(now);
  if (reporter.report_hello()) reporter.report_answer();
}

}  // namespace trestle::host
