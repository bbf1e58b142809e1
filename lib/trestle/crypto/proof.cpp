#include "trestle/crypto/proof.hpp"

#include <cstdint>
#include <string_view>

#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

// Two contexts, so that neither kind of proof is ever a proof of the other kind, nor of anything
// else these keys sign.
constexpr std::string_view kLinkContext = "trestle link proof v1";
constexpr std::string_view kSecretContext = "trestle bridge secret v1";

// The numbers of the sides in the transcript (docs/protocol.md, "The proof").
constexpr std::uint8_t kDiallerSide = 1;
constexpr std::uint8_t kAcceptorSide = 2;

Bytes transcript_in_context(std::string_view context, Side side, const wire::Hello& hello,
                            const wire::Welcome& welcome) {
  Transcript transcript;
  transcript.add(context);
  transcript.add_number(side == Side::dialler ? kDiallerSide : kAcceptorSide, 1);

  transcript.add_number(hello.version, sizeof(hello.version));
  transcript.add_number(static_cast<std::uint8_t>(hello.role), 1);
  transcript.add(hello.key);
  transcript.add(hello.nonce);
  transcript.add(hello.dialled_url);
  transcript.add(hello.network);
  transcript.add(hello.address);

  transcript.add_number(welcome.version, sizeof(welcome.version));
  transcript.add_number(static_cast<std::uint8_t>(welcome.role), 1);
  transcript.add(welcome.key);
  transcript.add(welcome.nonce);
  transcript.add(welcome.network);
  transcript.add(welcome.address);
  return transcript.take();
}

}  // namespace

Bytes transcript(Side side, const wire::Hello& hello, const wire::Welcome& welcome) {
  return transcript_in_context(kLinkContext, side, hello, welcome);
}

wire::SecretProof secret_proof(Suite& suite, ByteSpan shared_secret, Side side,
                               const wire::Hello& hello, const wire::Welcome& welcome) {
  return suite.hmac_sha256(shared_secret,
                           transcript_in_context(kSecretContext, side, hello, welcome));
}

}  // namespace trestle::crypto
