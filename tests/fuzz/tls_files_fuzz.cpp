// F22: any bytes as the PEM files that TLS is made of. Whatever is accepted shows a certificate
// with its own key, and a side that dials with it still refuses a certificate of nobody's.
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "entry.hpp"
#include "file_on_paper.hpp"
#include "input.hpp"
#include "tls_pair.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/tls_material.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

const FileOnPaper& paper(int index) {
  static const FileOnPaper files[3];
  return files[index];
}

}  // namespace

TRESTLE_FUZZ_TARGET(tls_files) {
  Input parts(input);
  const std::uint8_t given = parts.byte();
  TlsFiles files;
  const ByteSpan certificate = parts.piece();
  const ByteSpan key = parts.piece();
  const ByteSpan issuers = parts.rest();
  if ((given & 1) != 0) {
    paper(0).write(certificate);
    paper(1).write(key);
    files.certificate = paper(0).path();
    files.key = paper(1).path();
  }
  if ((given & 2) != 0) {
    paper(2).write(issuers);
    files.ca = paper(2).path();
  }
  auto material = read_tls_files(files);
  if (!material) {
    MUST_HOLD(material.error().starts_with("--tls-"));
    return;
  }
  MUST_HOLD((material->certificate == nullptr) == ((given & 1) == 0));
  MUST_HOLD((material->trusted == nullptr) == ((given & 2) == 0));
  if (material->certificate != nullptr) {
    MUST_HOLD(X509_check_private_key(material->certificate.get(), material->key.get()) == 1);
  }
  if ((given & 2) == 0) return;
  const Tls dialler(std::move(*material));
  MUST_HOLD(verdict_on_a_stranger(dialler) != X509_V_OK);
}

}  // namespace trestle::fuzz
