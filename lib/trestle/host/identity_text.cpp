#include "trestle/host/identity_text.hpp"

#include "trestle/crypto/text_form.hpp"

namespace trestle::host {

Result<crypto::IdentityRecord, std::string> read_identity_text(crypto::Suite& suite,
                                                               std::string_view text) {
  const auto bytes = crypto::from_text(suite, crypto::TextKind::identity, text);
  if (!bytes) return refuse(std::string(crypto::explain(bytes.error())));
  const auto record = crypto::decode_identity_record(*bytes);
  if (!record || !crypto::is_genuine(suite, *record)) {
    return refuse(std::string("is not signed by its own key"));
  }
  return *record;
}

}  // namespace trestle::host
