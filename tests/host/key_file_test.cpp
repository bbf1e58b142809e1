#include "trestle/host/key_file.hpp"

#include <string>

#include <sys/stat.h>

#include "catch.hpp"
#include "passphrase_file.hpp"
#include "temporary_folder.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/host/sealed_key.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

TEST_CASE("an identity is made once and read again the same, readable by its owner alone") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto made = read_or_create_key_file(suite, path);
  REQUIRE(made);
  CHECK(mode_of(path) == 0600);
  CHECK(content_of(path).size() == 33);
  CHECK(content_of(path).front() == 1);
  const auto read = read_or_create_key_file(suite, path);
  REQUIRE(read);
  CHECK(read->key == made->key);
}

TEST_CASE("creating never replaces an identity that is there") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  REQUIRE(create_key_file(suite, path));
  const std::string before = content_of(path);
  CHECK_FALSE(create_key_file(suite, path));
  CHECK(content_of(path) == before);
  CHECK_FALSE(std::filesystem::exists(path + ".draft"));
}

TEST_CASE("an identity that others may touch is refused") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  REQUIRE(create_key_file(suite, path));
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    ::chmod(path.c_str(), mode);
    const auto read = read_or_create_key_file(suite, path);
    REQUIRE_FALSE(read);
    CHECK(read.error().find(path) != std::string::npos);
  }
}

TEST_CASE("a damaged identity is refused and left alone") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto identity = [](char version, std::size_t bytes, char fill) {
    std::string content(1 + bytes, fill);
    content.front() = version;
    return content;
  };
  for (const std::string& content :
       {std::string(), identity(1, 0, 'x'), identity(2, 32, 'x'), identity(1, 33, 'x'),
        identity(1, 32, '\0'), identity(1, 32, '\xff')}) {
    folder.write("identity", content);
    ::chmod(path.c_str(), 0600);
    CHECK_FALSE(read_or_create_key_file(suite, path));
    CHECK(content_of(path) == content);
  }
}

TEST_CASE("T32: under a passphrase the file holds no key, and opens with that passphrase alone") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto made = create_key_file(suite, path, passphrase("a long enough phrase"));
  REQUIRE(made);
  CHECK(mode_of(path) == 0600);
  CHECK(is_key_file_sealed(path));
  const std::string content = content_of(path);
  CHECK(content.size() == kSealedKeyBytes);
  CHECK(content.front() == 2);
  const std::string scalar(as_text(made->secret.bytes()));
  for (std::size_t start = 0; start + 8 <= scalar.size(); ++start) {
    CHECK(content.find(scalar.substr(start, 8)) == std::string::npos);
  }
  const auto read = read_key_file(suite, path, passphrase("a long enough phrase"));
  REQUIRE(read);
  CHECK(read->key == made->key);
  CHECK_FALSE(read_key_file(suite, path, passphrase("a long enough phrasE")));
  const auto without = read_or_create_key_file(suite, path);
  REQUIRE_FALSE(without);
  CHECK(without.error().find("--identity-passphrase-file") != std::string::npos);
  CHECK(content_of(path) == content);
}

TEST_CASE("an identity of before there were passphrases is read with one, too") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto made = create_key_file(suite, path);
  REQUIRE(made);
  CHECK_FALSE(is_key_file_sealed(path));
  const auto read = read_key_file(suite, path, passphrase("a long enough phrase"));
  REQUIRE(read);
  CHECK(read->key == made->key);
}

TEST_CASE("T31: a sealed identity with one bit altered does not open") {
  crypto::Suite suite;
  const Passphrase phrase = passphrase("a long enough phrase");
  const Bytes sealed = seal_key(suite, suite.generate().secret, phrase);
  REQUIRE(open_key(sealed, phrase));
  // Costs, salt, version of the sealing, nonce, scalar and tag; each try costs a derivation.
  for (const std::size_t place : {2u, 3u, 10u, 20u, 25u, 40u, 80u}) {
    CAPTURE(place);
    Bytes wrong = sealed;
    wrong[place] ^= 1;
    CHECK_FALSE(open_key(wrong, phrase));
  }
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, sealed.size() - 1}) {
    CHECK_FALSE(open_key(std::span(sealed).first(length), phrase));
  }
}

TEST_CASE("T19: a file that asks for gigabytes or hours of work is refused at once") {
  crypto::Suite suite;
  const Passphrase phrase = passphrase("a long enough phrase");
  Bytes sealed = seal_key(suite, suite.generate().secret, phrase);
  const auto refuses = [&](std::uint8_t log2_n, std::uint8_t r, std::uint8_t p) {
    sealed[1] = log2_n;
    sealed[2] = r;
    sealed[3] = p;
    const auto opened = open_key(sealed, phrase);
    return !opened && opened.error().find("work") != std::string::npos;
  };
  CHECK(refuses(21, 1, 1));
  CHECK(refuses(255, 1, 1));
  CHECK(refuses(20, 16, 1));
  CHECK(refuses(15, 17, 1));
  CHECK(refuses(15, 8, 17));
  CHECK(refuses(0, 8, 1));
  CHECK(refuses(15, 0, 1));
  CHECK(refuses(15, 8, 0));
  // Little work, but none that scrypt knows: with so small a block N ends at 2^15.
  CHECK(refuses(16, 1, 1));
  CHECK(refuses(20, 1, 1));
}

TEST_CASE("the successor takes the identity's place, which stays beside it under its id") {
  TemporaryFolder folder;
  crypto::Suite suite;
  const std::string path = key_file_path(folder.path());
  const auto old_pair = create_key_file(suite, path);
  REQUIRE(old_pair);
  const crypto::KeyPair successor = suite.generate();
  REQUIRE(succeed_key_file(suite, path, *old_pair, successor.secret, {}));
  CHECK(read_key_file(suite, path)->key == successor.key);
  const std::string beside = path + "." + crypto::node_id_of(suite, old_pair->key).to_hex();
  CHECK(read_key_file(suite, beside)->key == old_pair->key);
  CHECK(mode_of(beside) == 0600);
  CHECK(mode_of(path) == 0600);
}
