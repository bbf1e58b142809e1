#include "trestle/host/dial_failure.hpp"

#include <cerrno>
#include <string>

namespace trestle::host {
namespace {

struct Meaning {
  unsigned status;
  ErrorCode code;
  Outlook outlook;
  const char* sentence;
};

/// The statuses that proxies and foreign programs answer an upgrade with, in the order of numbers.
constexpr Meaning kMeanings[] = {
    {200, ErrorCode::refused, Outlook::permanent,
     "another program or a web page answers at this path, or the proxy does not pass the upgrade "
     "on; check port and path of the URL, and the proxy's location for it"},
    {301, ErrorCode::refused, Outlook::permanent,
     "it sends callers to another URL, and dials do not follow; give the final URL"},
    {302, ErrorCode::refused, Outlook::permanent,
     "it sends callers to another URL, and dials do not follow; give the final URL"},
    {307, ErrorCode::refused, Outlook::permanent,
     "it sends callers to another URL, and dials do not follow; give the final URL"},
    {308, ErrorCode::refused, Outlook::permanent,
     "it sends callers to another URL, and dials do not follow; give the final URL"},
    {400, ErrorCode::refused, Outlook::permanent,
     "the request arrived without its upgrade headers, or TLS is spoken there; check the scheme of "
     "the URL, and that the proxy sets Upgrade and Connection"},
    {401, ErrorCode::refused, Outlook::permanent,
     "a proxy in front demands a log-in; peers have none, take the demand off this path"},
    {403, ErrorCode::refused, Outlook::permanent,
     "a proxy in front forbids it; look at its rules for this path and for our address"},
    {404, ErrorCode::refused, Outlook::permanent,
     "nothing is served at this path; check the path of the URL, and that the proxy has a location "
     "for it and takes the prefix off"},
    {405, ErrorCode::refused, Outlook::permanent,
     "something that is no WebSocket listener serves this path; check port and path of the URL"},
    {426, ErrorCode::refused, Outlook::permanent,
     "the upgrade headers were lost on the way; the proxy needs HTTP/1.1 towards the program and "
     "must set Upgrade and Connection"},
    {429, ErrorCode::rate_limited, Outlook::temporary,
     "a proxy in front limits how often one may call"},
    {500, ErrorCode::refused, Outlook::temporary,
     "the proxy, or what answers in its place, failed; look at its error log"},
    {502, ErrorCode::unreachable, Outlook::temporary,
     "the proxy is there, but the program behind this path does not answer it: it is starting or "
     "has ended, or the proxy has a wrong address for it"},
    {503, ErrorCode::busy, Outlook::temporary,
     "the program or the proxy takes no more connections for the moment"},
    {504, ErrorCode::timeout, Outlook::temporary,
     "the proxy is there, but the program behind this path does not answer in time"},
};

}  // namespace

std::string_view name(DialStage stage) {
  switch (stage) {
    case DialStage::name:
      return "name";
    case DialStage::connect:
      return "connect";
    case DialStage::tls:
      return "tls";
    case DialStage::upgrade:
      return "upgrade";
  }
  return "";
}

DialFailure explain_http_answer(unsigned status, std::string_view path, std::string_view location) {
  Meaning meaning{status, ErrorCode::refused, Outlook::permanent,
                  "another program listens there, or a proxy does not pass the upgrade on; check "
                  "port and path of the URL, and the proxy"};
  for (const Meaning& known : kMeanings) {
    if (known.status == status) meaning = known;
  }
  std::string reason = "answered HTTP " + std::to_string(status) +
                       " where the switch to WebSocket (101) was expected at " + std::string(path) +
                       ": " + meaning.sentence;
  if (!location.empty()) reason.append(" (it names ").append(location).append(")");
  return {meaning.code, meaning.outlook, std::move(reason)};
}

ErrorCode code_of_system_error(int error) {
  switch (error) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return ErrorCode::unreachable;
    case EMFILE:
    case ENFILE:
      return ErrorCode::busy;
    case ETIMEDOUT:  // The system gave up before we did.
      return ErrorCode::timeout;
    default:
      return ErrorCode::refused;
  }
}

Outlook outlook_of(DialStage stage, ErrorCode code) {
  if (code == ErrorCode::invalid_request || code == ErrorCode::unsupported) {
    return Outlook::permanent;  // The URL itself.
  }
  // A name server that says no means it; one that says nothing may be back soon.
  if (stage == DialStage::name && code == ErrorCode::unreachable) return Outlook::permanent;
  // A certificate that was not believed, or no TLS at all.
  if (stage == DialStage::tls && code != ErrorCode::connection_lost && code != ErrorCode::timeout) {
    return Outlook::permanent;
  }
  if (stage == DialStage::upgrade && code == ErrorCode::protocol_error) return Outlook::permanent;
  return Outlook::temporary;
}

std::string to_text(DialStage stage, const DialFailure& failure) {
  std::string text = failure.reason + " [";
  text.append(name(stage));
  return text + (failure.outlook == Outlook::temporary ? ", temporary]" : ", permanent]");
}

}  // namespace trestle::host
