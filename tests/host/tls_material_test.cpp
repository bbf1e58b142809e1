#include "trestle/host/tls_material.hpp"

#include <string>

#include <sys/stat.h>

#include "catch.hpp"
#include "certificates.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

namespace {

std::string error_of(const TlsFiles& files) {
  const auto read = read_tls_files(files);
  return read ? std::string() : read.error();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without files there is no certificate, and the system's issuers are trusted") {
  const auto nothing = read_tls_files({});
  REQUIRE(nothing);
  CHECK(nothing->certificate == nullptr);
  CHECK(nothing->trusted == nullptr);
}

TEST_CASE("a certificate, its key and issuers are read, and a key that others can read is said") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  const TlsFiles files = issuer.issue("DNS:bridge.example");
  const auto read = read_tls_files(files);
  REQUIRE(read);
  CHECK(read->certificate != nullptr);
  CHECK(read->key != nullptr);
  CHECK(read->trusted != nullptr);
  CHECK(read->warning.empty());
  CHECK(read->identity_digest == read_tls_files(files)->identity_digest);
  CHECK(read->identity_digest !=
        read_tls_files(issuer.issue("DNS:bridge.example"))->identity_digest);
  ::chmod(files.key.c_str(), 0644);
  CHECK(contains(read_tls_files(files)->warning, "chmod 600"));
}

TEST_CASE("a chain stands behind the certificate in its file") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  TlsFiles files = issuer.issue("DNS:bridge.example");
  files.certificate =
      folder.write("chain.pem", content_of(files.certificate) + content_of(files.ca));
  const auto read = read_tls_files(files);
  REQUIRE(read);
  CHECK(read->chain.size() == 1);
}

TEST_CASE("what cannot be used is refused with the option, the file and the reason") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  const TlsFiles good = issuer.issue("DNS:bridge.example");
  const TlsFiles other = issuer.issue("DNS:bridge.example");
  CHECK(contains(error_of({folder.file("absent"), good.key, ""}), "--tls-cert: "));
  CHECK(contains(error_of({folder.file("absent"), good.key, ""}), folder.file("absent")));
  CHECK(contains(error_of({folder.write("text", "text"), good.key, ""}), "no PEM certificate"));
  CHECK(contains(error_of({folder.write("none", ""), good.key, ""}), "empty"));
  INFO("a file without an end is read as far as the bound");
  CHECK(contains(error_of({"/dev/zero", good.key, ""}), "too large"));
  CHECK(contains(error_of({good.certificate, other.key, ""}), "does not belong"));
  CHECK(contains(error_of({good.certificate, good.certificate, ""}), "no PEM private key"));
  CHECK(contains(error_of({"", "", folder.write("ca", "text")}), "--tls-ca: "));
  CHECK(contains(error_of(issuer.issue("DNS:a", -2 * FileIssuer::kDay, -FileIssuer::kDay)),
                 "expired"));
  CHECK(contains(error_of(issuer.issue("DNS:a", FileIssuer::kDay, 2 * FileIssuer::kDay)),
                 "not valid yet"));
  CHECK(contains(error_of(issuer.issue_weak("DNS:a")), "key too small"));
  const std::string half = content_of(good.certificate) + "-----BEGIN CERTIFICATE-----\nAAAA\n";
  CHECK(contains(error_of({folder.write("half", half), good.key, ""}), "number 2"));
}
