// F17: any bytes as the first ones of a TLS connection, on both sides, in pieces of any size. No
// handshake succeeds by them, the answer stays short, and how they were cut does not matter.
#include <algorithm>
#include <cstddef>

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

}  // namespace

TRESTLE_FUZZ_TARGET(tls_bytes) {
  static host::Tls dialler{host::TlsMaterial{}};
  Input parts(input);
  const bool dials = parts.flag();
  const std::size_t piece = 1 + parts.byte();
  const ByteSpan bytes = parts.rest();
  SSL_CTX* context = dials ? dialler.dialling() : stranger().context();
  const auto side = dials ? TlsEnd::Side::dials : TlsEnd::Side::accepts;
  const bool whole = is_refused(context, side, bytes, bytes.size() + 1);
  MUST_HOLD(is_refused(context, side, bytes, piece) == whole);
}

}  // namespace trestle::fuzz
