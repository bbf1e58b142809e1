// Writes the first files of the corpora that only the host's own code can make: fuzz_host_seeds
// FOLDER. What is drawn at random (keys, nonces) differs from run to run.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "host/certificates.hpp"
#include "host/temporary_folder.hpp"
#include "known_records.hpp"
#include "tls_pair.hpp"
#include "trestle/host/record_database.hpp"
#include "trestle/host/saved_peers.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void add(const std::string& target, const std::string& name, const std::string& content) {
    std::filesystem::create_directories(folder_ / target);
    std::ofstream(folder_ / target / name, std::ios::binary) << content;
    ++files_;
  }
  std::size_t files() const { return files_; }

 private:
  std::filesystem::path folder_;
  std::size_t files_ = 0;
};

/// Two bytes that say how long it is, and it.
std::string piece(const std::string& content) {
  std::string made = {static_cast<char>(content.size() >> 8), static_cast<char>(content.size())};
  return made + content;
}

void write_database(Corpus& corpus) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("records.db");
  std::string log;
  {
    auto database = RecordDatabase::open(path);
    TRESTLE_ASSERT(database.has_value());
    for (const dht::StoredRecord& record : known_records()) {
      const std::vector<DatedChange> changes = {{dht::WriteRecord{record}, kWritten}};
      TRESTLE_ASSERT(database->apply(changes) == Written::synced);
    }
    log = test::content_of(path + "-wal");
  }
  const std::string folded = test::content_of(path);
  corpus.add("database_file", "folded", piece({}) + folded);
  corpus.add("database_file", "with-log", piece(log.substr(0, 0xffff)) + folded.substr(0, 4096));
  corpus.add("database_file", "empty", piece({}));
}

void write_peers(Corpus& corpus) {
  const test::TemporaryFolder folder;
  const wire::Contact node{
      NodeId(1, 2, 3), wire::Role::node, wire::Dialect::native, "ws://a:1/x", {}};
  const wire::Contact bridge{
      NodeId(4, 5, 6), wire::Role::bridge, wire::Dialect::unknown, "wss://[::1]:2", {}};
  TRESTLE_ASSERT(save_peers(folder.path(), {node, bridge}));
  corpus.add("peers_file", "two-peers", test::content_of(folder.file("peers")));
  corpus.add("peers_file", "identity", "\1" + std::string(32, 'k'));
  // Under a passphrase: version, the costs of scrypt, and the rest.
  corpus.add("peers_file", "sealed-cheap", "\2\4\1\1" + std::string(77, 'k'));
  corpus.add("peers_file", "sealed-dear", "\2\x7f\1\1" + std::string(77, 'k'));
}

void write_settings(Corpus& corpus) {
  for (int kind = 0; kind < 3; ++kind) {
    std::string seed(1, static_cast<char>(kind));
    const Settings settings = default_settings(static_cast<ProgramKind>(kind));
    std::string words;
    for (const std::string_view name : setting_names(settings.kind)) {
      words.append(1, '\0').append("--").append(name).append(1, '\0').append("on");
    }
    corpus.add("settings", "defaults-" + std::to_string(kind), seed + to_toml(settings));
    corpus.add("settings", "words-" + std::to_string(kind),
               seed + std::string(1, '\0') + "run" + words.substr(0, 200));
  }
}

std::string text_of(std::initializer_list<int> bytes) {
  std::string made;
  for (const int byte : bytes) made.push_back(static_cast<char>(byte));
  return made;
}

/// One who has no keys, who stands in between, who has keys (tls_engine_fuzz.cpp).
void write_tls_engine(Corpus& corpus, const std::string& hello, const std::string& answer) {
  const auto add = [&](const std::string& name, const std::string& content) {
    corpus.add("tls_engine", name, content);
  };
  add("client-hello", text_of({0, 0, 7}) + hello);
  add("server-hello", text_of({0, 1, 63}) + answer);
  add("http", text_of({0, 1, 3}) + "HTTP/1.1 400 Bad Request\r\n\r\n");
  // A step is twice what is done, and one if it is done to the dialler; all is delivered here.
  const std::string opened = text_of({1, 0xff, 0xff, 3, 2, 3, 2});
  add("story-data", opened + text_of({11, 0x4e, 0x20, 10, 1, 44, 3, 2, 11, 0, 5, 3}));
  add("story-close", opened + text_of({11, 0, 100, 13, 10, 0, 100, 3, 2}));
  add("story-cut-off", opened + text_of({11, 0, 100, 1, 0, 50, 15}));
  add("story-altered-data", opened + text_of({11, 0, 100, 5, 0, 30, 128, 3, 2}));
  add("story-dropped", opened + text_of({11, 0, 10, 9, 32, 11, 0, 10, 3}));
  // Of records: the side that hears them, pieces, then kind, size and content of each.
  const std::string ticket = text_of({4, 0, 0, 30, 0, 0, 28, 32, 1, 2, 3, 4, 1, 0, 0, 16}) +
                             std::string(16, 't') + text_of({0, 0});
  add("records-data", text_of({2, 0, 10, 23, 5}) + "hello" + text_of({23, 0, 23, 1, 'x'}));
  add("records-key-update", text_of({2, 1, 10, 22, 5, 24, 0, 0, 1, 1}));
  add("records-ticket", text_of({2, 1, 10, 22, 34}) + ticket + text_of({23, 1, 'y'}));
  add("records-alerts", text_of({2, 0, 10, 21, 2, 1, 0}));
}

void write_tls(Corpus& corpus) {
  const test::TemporaryFolder folder;
  test::FileIssuer issuer(folder);
  const TlsFiles files =
      issuer.issue("DNS:localhost", -test::FileIssuer::kDay, 3650 * test::FileIssuer::kDay);
  const std::string certificate = test::content_of(files.certificate);
  const std::string key = test::content_of(files.key);
  const std::string ca = test::content_of(files.ca);
  corpus.add("tls_files", "all", "\3" + piece(certificate) + piece(key) + ca);
  corpus.add("tls_files", "chain", "\1" + piece(certificate + ca) + piece(key));
  corpus.add("tls_files", "issuers", "\2" + piece({}) + piece({}) + ca + certificate);

  Tls dialler{TlsMaterial{}};
  TlsEnd dials(dialler.dialling(), TlsEnd::Side::dials);
  TlsEnd accepts(stranger().context(), TlsEnd::Side::accepts);
  dials.advance();
  const Bytes hello = dials.said();
  accepts.hear(hello);
  accepts.advance();
  const Bytes answer = accepts.said();
  corpus.add("tls_bytes", "client-hello", std::string("\0\7", 2) + std::string(as_text(hello)));
  corpus.add("tls_bytes", "server-hello", std::string("\1\77", 2) + std::string(as_text(answer)));
  write_tls_engine(corpus, std::string(as_text(hello)), std::string(as_text(answer)));
  // On the path (tls_bytes_fuzz.cpp): what is chosen, then flight, place and change, twice.
  for (const int choices : {0, 1, 2, 4, 6, 8, 16, 17}) {
    const std::string untouched("\x8\0\0\0\x8\0\0\0", 8);
    const std::string name = "path-" + std::to_string(choices);
    corpus.add("tls_bytes", name, std::string("\2") + static_cast<char>(choices) + untouched);
  }
  for (const char flight : {'\0', '\1', '\2', '\3'}) {
    const std::string altered = {flight, 0, 60, 1, flight, 0, 90, 0};
    const std::string name = "altered-" + std::to_string(flight);
    corpus.add("tls_bytes", name, std::string("\2\0", 2) + altered);
  }
}

void add_texts(Corpus& corpus, const std::string& name, const std::vector<std::string>& texts) {
  for (std::size_t index = 0; index < texts.size(); ++index) {
    corpus.add("addresses", name + std::to_string(index), texts[index]);
  }
}

void write_texts(Corpus& corpus) {
  add_texts(corpus, "text-",
            {"ws://10.0.0.1:8080/path", "wss://[2001:db8::1]/", "127.0.0.1:80", "[::1]:443",
             "unix:/run/x.sock", "10.0.0.0/8", "10.0.0.1, [2001:db8::7]:1234, 192.0.2.1:80",
             "Basic eDphIHNlY3JldA==", "::ffff:127.0.0.1", "localhost:8080"});
  add_texts(corpus, "origin-",
            {"https://app.example", "http://[::1]:8080", "HTTPS://App.Example:443",
             "http://127.0.0.1:80", "https://app.example/", "null", "*"});
  corpus.add("log_text", "controls", "a\nb\x1b[31m\x7f\xc2\x9b\xff\"\\");
  corpus.add("log_text", "date", std::string("\1\x2d", 2) + "Fri, 27 Nov 2026 01:09:25 GMT");
  for (char kind = 0; kind < 8; ++kind) {
    corpus.add("signature", "kind-" + std::to_string(kind),
               std::string(1, kind) + std::string(140, 'x'));
  }
}

}  // namespace
}  // namespace trestle::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_host_seeds FOLDER\n");
    return 2;
  }
  trestle::fuzz::Corpus corpus(argv[1]);
  trestle::fuzz::write_database(corpus);
  trestle::fuzz::write_peers(corpus);
  trestle::fuzz::write_settings(corpus);
  trestle::fuzz::write_tls(corpus);
  trestle::fuzz::write_texts(corpus);
  std::printf("%zu files\n", corpus.files());
  return 0;
}
