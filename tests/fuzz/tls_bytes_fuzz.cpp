// F17: any bytes as the first ones of a TLS connection, on both sides, in pieces of any size. No
// handshake succeeds by them, the answer stays short, and how they were cut does not matter.
//
// Bytes alone never know what the other side has just drawn, so they do not come far. Therefore
// also somebody on the path, who alters, cuts and adds to what two genuine sides say: whatever he
// does, whoever ends with a connection has it with the side that owns the certificate.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "entry.hpp"
#include "input.hpp"
#include "tls_pair.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::fuzz {
namespace {

/// Our certificate, extensions and an alert: what the largest answer of ours takes.
constexpr std::size_t kAnswerBytesMax = 4096;

/// Whether the bytes ended the handshake.
bool is_refused(SSL_CTX* context, TlsEnd::Side side, ByteSpan bytes, std::size_t piece) {
  TlsEnd end(context, side);
  std::size_t said = 0;
  bool is_over = !end.advance();
  said += end.said().size();
  while (!bytes.empty() && !is_over) {
    const ByteSpan part = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(part.size());
    end.hear(part);
    is_over = !end.advance();
    said += end.said().size();
  }
  MUST_HOLD(!end.is_finished());
  MUST_HOLD(said <= kAnswerBytesMax);
  if (side == TlsEnd::Side::dials) {
    MUST_HOLD(host::Tls::failure(end.get()).has_value());
    host::Tls::certificate_left(end.get());
  }
  return is_over;
}

/// One change to one flight, as the input has it.
struct Tampering {
  std::size_t flight = 0;
  std::size_t place = 0;
  std::uint8_t change = 0;  ///< 0: cut off there. Else the bits that are turned.

  Bytes apply(std::size_t counted, Bytes bytes) const {
    if (counted != flight || bytes.empty()) return bytes;
    const std::size_t at = place % bytes.size();
    if (change == 0) {
      bytes.resize(at);
    } else {
      bytes[at] ^= change;
    }
    return bytes;
  }
};

/// A dialler and a listener, and who sits between them.
class Conversation {
 public:
  static constexpr std::size_t kFlights = 8;

  Conversation(const host::Tls& dialler, const char* name, int version_max)
      : dials_(dialler.dialling(), TlsEnd::Side::dials),
        accepts_(stranger().context(), TlsEnd::Side::accepts) {
    SSL_set_verify(dials_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_set1_host(dials_.get(), name);
    SSL_set_tlsext_host_name(dials_.get(), name);
    SSL_set_max_proto_version(dials_.get(), version_max);
  }

  void talk(const Tampering& tampering) {
    for (std::size_t flight = 0; flight < kFlights; ++flight) {
      TlsEnd& speaks = flight % 2 == 0 ? dials_ : accepts_;
      TlsEnd& hears = flight % 2 == 0 ? accepts_ : dials_;
      speaks.advance();
      hears.hear(tampering.apply(flight, speaks.said()));
    }
    if (dials_.is_finished()) dials_.read();
  }

  /// What holds whatever was done to it.
  void check(bool is_right_name) const {
    const auto failure = host::Tls::failure(dials_.get());
    MUST_HOLD(failure.has_value() != dials_.is_finished());
    host::Tls::certificate_left(dials_.get());
    if (!dials_.is_finished()) return;
    MUST_HOLD(is_right_name && SSL_get_verify_result(dials_.get()) == X509_V_OK);
    MUST_HOLD(host::Tls::certificate_left(dials_.get()).has_value());
    // The last word of 1.3 is the dialler's, so the listener may be left waiting for it.
    if (accepts_.is_finished()) MUST_HOLD(agreed(dials_) == agreed(accepts_));
  }

  bool is_open() const { return dials_.is_finished() && accepts_.is_finished(); }
  bool is_resumed() const { return host::Tls::is_resumed(dials_.get()); }

 private:
  using Agreed = std::array<std::uint8_t, 32>;
  /// What only the two who share the connection's keys can compute.
  static Agreed agreed(const TlsEnd& end) {
    constexpr std::string_view kLabel = "EXPORTER-trestle-fuzz";
    Agreed bytes{};
    MUST_HOLD(SSL_export_keying_material(end.get(), bytes.data(), bytes.size(), kLabel.data(),
                                         kLabel.size(), nullptr, 0, 0) == 1);
    return bytes;
  }

  TlsEnd dials_;
  TlsEnd accepts_;
};

/// Two connections of a dialler, one after the other; the input says whom it calls by which name in
/// which version, what happens between them, and what is done to their bytes.
void check_on_the_path(Input& parts) {
  const std::uint8_t choices = parts.byte();
  const bool is_trusting = (choices & 1) == 0;
  const bool is_right_name = (choices & 2) == 0;
  const int version_max = (choices & 4) == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;
  // Who trusts somebody else.
  static const TlsListener other;
  host::Tls dialler(is_trusting ? stranger().trusting() : other.trusting());
  const bool is_renewed = (choices & 8) != 0;  // The listener's certificate, in between.
  bool may_resume = false;
  for (int count = 0; count < 2; ++count) {
    const Tampering tampering{parts.below(Conversation::kFlights + 1),
                              static_cast<std::size_t>(parts.number(2)), parts.byte()};
    Conversation conversation(dialler, is_right_name ? "localhost" : "elsewhere", version_max);
    conversation.talk(tampering);
    conversation.check(is_trusting && is_right_name);
    const bool is_untouched = tampering.flight == Conversation::kFlights;
    if (is_untouched) MUST_HOLD(conversation.is_open() == (is_trusting && is_right_name));
    MUST_HOLD(!conversation.is_resumed() || may_resume);
    may_resume = conversation.is_open() && !is_renewed;
    if (is_renewed) stranger().renew();
    if ((choices & 16) != 0) {
      MUST_HOLD(dialler.renew(is_trusting ? other.trusting() : stranger().trusting()).issuers);
      MUST_HOLD(dialler.sessions().size() == 0);
      break;
    }
  }
}

}  // namespace

TRESTLE_FUZZ_TARGET(tls_bytes) {
  static host::Tls dialler{host::TlsMaterial{}};
  Input parts(input);
  const std::uint8_t kind = parts.byte();
  if ((kind & 2) != 0) return check_on_the_path(parts);
  const bool dials = (kind & 1) != 0;
  const std::size_t piece = 1 + parts.byte();
  const ByteSpan bytes = parts.rest();
  SSL_CTX* context = dials ? dialler.dialling() : stranger().context();
  const auto side = dials ? TlsEnd::Side::dials : TlsEnd::Side::accepts;
  const bool whole = is_refused(context, side, bytes, bytes.size() + 1);
  MUST_HOLD(is_refused(context, side, bytes, piece) == whole);
}

}  // namespace trestle::fuzz
