// Writes the first files of the corpora out of what the real encoders make: fuzz_seeds FOLDER. The
// files are small and always the same; what a fuzzer or a person adds stands beside them.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "http/answer_cases.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/revocation_list.hpp"
#include "trestle/crypto/text_form.hpp"
#include "trestle/wire/native/codec.hpp"
#include "wire/native_messages.hpp"
#include "wire/websocket/frame_cases.hpp"
#include "wire/websocket/request_cases.hpp"

namespace trestle::fuzz {
namespace {

class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void add(const std::string& target, const std::string& name, ByteSpan content) {
    std::filesystem::create_directories(folder_ / target);
    std::ofstream(folder_ / target / name, std::ios::binary) << as_text(content);
    ++files_;
  }
  std::size_t files() const { return files_; }

 private:
  std::filesystem::path folder_;
  std::size_t files_ = 0;
};

/// The smallest of a few messages of that type: a seed is a beginning, not a load.
Bytes small_record(std::size_t type) {
  Bytes smallest;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    test::MessageSource source(seed);
    Bytes frame = test::encoded(source.envelope(type));
    if (seed == 0 || frame.size() < smallest.size()) smallest = std::move(frame);
  }
  return smallest;
}

constexpr std::size_t kTypes = wire::kMessageKinds;

void write_frames(Corpus& corpus) {
  Bytes batch = {0};
  for (std::size_t type = 0; type < kTypes; ++type) {
    const Bytes record = small_record(type);
    Bytes seed = {0};  // Limits of a proven peer.
    append(seed, record);
    corpus.add("native_codec", "record-" + std::to_string(type), seed);
    if (batch.size() < 1024) append(batch, record);
  }
  append(batch, Bytes{2, 250, 0});  // A type that nobody knows.
  corpus.add("native_codec", "batch", batch);
  batch[0] = 2;
  corpus.add("native_codec", "batch-small-limits", batch);
}

/// A decision and a message, as `Input` reads them.
void add_message(Bytes& story, ByteSpan decisions, ByteSpan record) {
  append(story, decisions);
  story.push_back(static_cast<std::uint8_t>(record.size() >> 8));
  story.push_back(static_cast<std::uint8_t>(record.size()));
  append(story, record);
}

void write_stories(Corpus& corpus) {
  Bytes requests = {0};
  Bytes answers = {0};
  for (std::uint8_t peer = 1; peer < 16; ++peer) append(requests, Bytes{0, peer, 4});
  append(answers, ByteSpan(requests).subspan(1));
  for (std::uint8_t program = 0; program < 3; ++program) {
    Bytes node = {program, 1, 1};
    for (std::uint8_t peer = 0; peer < 3; ++peer) append(node, Bytes{0, peer, 10, 2});
    for (std::size_t type = 0; type < kTypes; ++type) {
      const auto which = static_cast<std::uint8_t>(type);
      add_message(node, Bytes{3, which, 0}, small_record(type));
      add_message(node, Bytes{6}, small_record(type));
    }
    append(node, Bytes{8, 255, 255, 9, 1, 0, 3, 9, 4, 0, 3, 7, 8, 255, 255, 7, 0});
    corpus.add("node", "every-message-" + std::to_string(program), node);
  }
  for (std::size_t type = 0; type < kTypes; ++type) {
    const auto peer = static_cast<std::uint8_t>(1 + type % 15);
    add_message(requests, Bytes{3, peer}, small_record(type));
    append(requests, Bytes{9, 7});
    append(answers, Bytes{8, static_cast<std::uint8_t>(type % 5), 0, 3, 1, 1, 0, 9, 0, 99});
    add_message(answers, Bytes{5, peer}, small_record(type));
  }
  corpus.add("dht", "requests", requests);
  corpus.add("dht", "answers", answers);

  Rng decisions(2);
  for (std::uint8_t options = 0; options < 8; ++options) {
    // Peers come first, so that somebody is there to tell the rest of the story about. Without the
    // steps 3 to 6, whose messages would take all of what follows.
    Bytes node = {options, 1, options, 0, 0, 10, 2, 0, 1, 10, 3, 0, 2, 10, 4};
    Bytes life = {options};
    for (std::uint8_t peer = 1; peer < 16; ++peer) append(life, Bytes{0, peer, 4});
    for (int count = 0; count < 1500; ++count) {
      auto decision = static_cast<std::uint8_t>(decisions.next() >> 56);
      const std::uint8_t step = decision % 16;
      if (step >= 3 && step <= 6) decision ^= 8;
      node.push_back(decision);
      life.push_back(decision);
    }
    corpus.add("node", "random-" + std::to_string(options), node);
    corpus.add("dht", "random-" + std::to_string(options), life);
  }
  Rng rng(1);
  for (std::uint8_t options = 0; options < 8; ++options) {
    Bytes story = {static_cast<std::uint8_t>(options * 37)};
    for (int count = 0; count < 600; ++count) {
      story.push_back(static_cast<std::uint8_t>(rng.next() >> 56));
    }
    corpus.add("routing_table", "random-" + std::to_string(options), story);
    corpus.add("lookup", "random-" + std::to_string(options), story);
    corpus.add("record_store", "random-" + std::to_string(options), story);
  }
}

/// One genuine statement of each kind, as it is and as a text, and decisions to make some of.
void write_tokens(Corpus& corpus) {
  using namespace crypto;
  Suite suite(1);
  const IdentityKeys one = identity_keys(suite, suite.generate());
  const IdentityKeys two = identity_keys(suite, suite.generate());
  const WallTime now{std::chrono::milliseconds(1'795'000'000'000)};
  Invitation invitation;
  invitation.network = network_hash(suite, "main");
  invitation.invitee = two.proof.key;
  invitation.issued = now;
  invitation.expires = now + kInvitationLife;
  Membership membership;
  membership.network = invitation.network;
  membership.member = two.proof.key;
  membership.message_key = two.message.key;
  membership.inviter = one.message.key;
  membership.issued = now;
  membership.expires = now + kMembershipLife;
  RevocationList list;
  list.issued = now;
  TRESTLE_ASSERT(revoke(list, InvitationNonce{1}) && revoke(list, InvitationNonce{2}));
  TRESTLE_ASSERT(revoke(list, RevokedMember{NodeId(1, 2, 3), RevocationReach::member}));
  TRESTLE_ASSERT(revoke(list, RevokedMember{NodeId(4, 5, 6), RevocationReach::branch}));
  const std::vector<std::pair<TextKind, Bytes>> statements = {
      {TextKind::identity, encode(make_identity_record(suite, one))},
      {TextKind::rotation, encode(make_rotation(suite, one.proof, two, now))},
      {TextKind::invitation, encode(sign(invitation, one.message))},
      {TextKind::membership, encode(sign(membership, one.message))},
      {TextKind::revocation, encode(sign(list, one.message))}};
  for (std::size_t kind = 0; kind < statements.size(); ++kind) {
    const auto& [text_kind, bytes] = statements[kind];
    Bytes seed = {static_cast<std::uint8_t>(kind)};
    append(seed, bytes);
    corpus.add("tokens", "statement-" + std::to_string(kind), seed);
    seed = {10};
    append(seed, as_bytes(to_text(suite, text_kind, bytes)));
    corpus.add("tokens", "text-" + std::to_string(kind), seed);
  }
  for (std::uint8_t kind = 5; kind < 13; ++kind) {
    Bytes seed = {kind};
    for (std::uint8_t decision = 0; decision < 48; ++decision) seed.push_back(decision);
    corpus.add("tokens", "made-" + std::to_string(kind), seed);
  }
}

/// What the rows that are chosen below leave out: hosts and targets of every form, answers that are
/// none, orders.
void write_upgrades(Corpus& corpus) {
  std::size_t number = 0;
  const auto add = [&](std::uint8_t kind, const std::string& name, ByteSpan content) {
    Bytes seed = {kind, static_cast<std::uint8_t>(number++)};
    append(seed, content);
    corpus.add("web_socket_upgrade", name, seed);
  };
  std::size_t page = 0;
  for (const std::string_view line :
       {"GET http://[::1]:8080?q HTTP/1.1", "HEAD WSS://a%2Db:1/%41?%20 HTTP/1.1",
        "GET ws://[1 HTTP/1.1", "GET ws://[g1]/ HTTP/1.1", "GET http://a:x/ HTTP/1.1",
        "GET http://a:65536 HTTP/1.1", "GET https://a HTTP/1.0", "GET /%4 HTTP/1.1"}) {
    const std::string host(line.find("[::1]") == line.npos ? "A%2db:1" : "[::1]:8080");
    const std::string text = std::string(line) + "\r\nHost: " + host + "\r\n\r\n";
    add(0, "page-" + std::to_string(page++), as_bytes(text));
  }
  const std::string switching =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  std::string hints;
  for (int count = 0; count < 5; ++count) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  std::size_t answer = 0;
  for (const std::string& text :
       {switching + accept + "Sec-WebSocket-Protocol: chat\r\n\r\n",
        hints.substr(0, hints.size() / 5) + switching + accept + "\r\n", hints,
        switching + accept + "Sec-WebSocket-Protocol: third\r\n\r\n",
        switching + accept + "Sec-WebSocket-Extensions: x\r\n\r\n",
        switching + accept + "Content-Length: 0\r\n\r\n", switching + "\r\n",
        "HTTP/1.0" + switching.substr(8) + accept + "\r\n",
        std::string("HTTP/1.1 101 \r\nUpgrade: websocket\r\n\r\n"),
        std::string("HTTP/1.1 101\r\nUpgrade: h2c\r\n\r\n"),
        std::string("HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n"),
        std::string("HTTP/1.1 6x0 \r\n\r\n"), std::string("HTTP/1.1 099\r\n\r\n")}) {
    add(1, "answer-" + std::to_string(answer++), as_bytes(text));
  }
  std::size_t order = 0;
  for (const char second : {'o', 'c'}) {  // Two names, or one twice.
    Bytes parts;
    for (const std::string_view part : {"a.example:1", "/a?b", "https://b.example"}) {
      add_message(parts, {}, as_bytes(part));
    }
    add_message(parts, Bytes{2}, as_bytes("c"));
    add_message(parts, {}, as_bytes(std::string(1, second)));
    add_message(parts, Bytes{1}, as_bytes("Y"));
    add_message(parts, {}, as_bytes("z"));
    add(2, "order-" + std::to_string(order++), parts);
  }
}

void append_steps(std::vector<Bytes>& steps, const std::vector<Bytes>& more) {
  steps.insert(steps.end(), more.begin(), more.end());
}

/// Stories of two ends (web_socket_talk.hpp): one for each thing that happens seldom, and some of
/// everything.
void write_talks(Corpus& corpus) {
  enum Side : std::uint8_t { server, client };
  enum What : std::uint8_t {
    say = 0,
    ping = 3,
    close = 5,
    carry = 6,
    carry_all = 8,
    pass = 10,
    end = 11,
    release = 12,
    set_limits = 13,
    stranger = 14,
    habit = 15
  };
  const auto step = [](Side side, What what, const Bytes& details = {}) {
    Bytes bytes = {static_cast<std::uint8_t>(what << 1 | side)};
    append(bytes, details);
    return bytes;
  };
  const auto add = [&](const std::string& name, std::uint8_t options,
                       const std::vector<Bytes>& steps) {
    Bytes seed = {static_cast<std::uint8_t>(2 | options), 1};
    for (const Bytes& one : steps) append(seed, one);
    corpus.add("web_socket_frames", "talk-" + name, seed);
  };
  constexpr std::uint8_t kSmallLimits = 4;
  constexpr std::uint8_t kSmallOutput = 8;
  const Bytes word = {3, 2, 'h', 'i'};
  const Bytes part = {1, 2, 'h', 'i'};
  const Bytes longest = {0xff, 0x90, 0x00};  // 73,728 bytes.
  const Bytes goodbye = {0, 3, 'b', 'y', 'e'};
  for (const Side side : {server, client}) {
    const Side other = side == server ? client : server;
    const std::string of = side == server ? "-of-a-server" : "-of-a-client";
    add("parts" + of, 0,
        {step(side, say, part), step(side, ping, {1, 'p'}), step(side, say, part),
         step(side, say, word), step(side, carry, {0, 4}), step(side, carry_all),
         step(other, carry_all), step(side, say, word), step(side, carry_all)});
    add("close" + of, 0,
        {step(side, say, word), step(side, close, goodbye), step(side, close, goodbye),
         step(side, say, word), step(side, ping, {0}), step(other, say, word),
         step(other, ping, {1, 'p'}), step(other, carry_all), step(side, carry_all),
         step(other, carry_all), step(other, pass, {0x20, 0}), step(other, end)});
    add("close-unanswered" + of, 0,
        {step(side, close, {3, 0}), step(side, pass, {0, 1}), step(side, pass, {0x20, 0})});
    Bytes reason = {2, 200};
    append(reason, as_bytes(std::string(122, 'r') + std::string(39, '\xc3')));
    for (std::size_t index = 0; index < 39; ++index) reason.push_back(0xa9);
    Bytes characters = {2, 200};
    for (std::size_t index = 0; index < 100; ++index) append(characters, Bytes{0xc3, 0xa9});
    add("close-reason" + of, 0, {step(side, close, characters), step(side, carry_all)});
    add("close-no-reason" + of, 0, {step(side, close, reason), step(side, carry_all)});
    auto beat = [letter = 'a']() mutable {
      Bytes details = {60};
      append(details, as_bytes(std::string(60, letter++)));
      return details;
    };
    std::vector<Bytes> beats = {step(side, say, Bytes{3, 0})};
    for (const Side pings : {side, side, other, other, other, other, other}) {
      beats.push_back(step(pings, ping, beat()));
    }
    append_steps(beats, {step(side, carry_all), step(side, ping, beat()), step(side, carry_all)});
    for (int count = 0; count < 3; ++count) {
      append_steps(beats, {step(other, carry, {0, 30}), step(other, carry_all)});
    }
    add("owed-pong" + of, kSmallOutput, beats);
    add("long" + of, 0,
        {step(side, say, longest), step(side, release), step(side, carry, {0x40, 0}),
         step(other, release), step(side, say, longest), step(side, carry_all),
         step(side, say, word), step(side, carry, {0, 2}), step(side, release),
         step(side, carry_all), step(side, release), step(other, release)});
    add("limits" + of, 0,
        {step(other, set_limits, {1}), step(side, say, longest), step(side, carry_all),
         step(other, carry_all)});
    add("fragments" + of, kSmallLimits,
        {step(side, say, part), step(side, say, part), step(side, say, part), step(side, say, part),
         step(side, carry_all)});
    for (std::uint8_t which = 1; which < 5; ++which) {
      add("habit-" + std::to_string(which) + of, 0,
          {step(other, habit, {which}), step(side, say, part), step(side, carry_all),
           step(side, say, word), step(side, say, word), step(side, ping, {1, 'p'}),
           step(side, carry_all), step(other, carry_all)});
    }
    add("stranger" + of, 0,
        {step(side, say, word), step(side, close, goodbye), step(side, stranger, {2, 0xff, 0}),
         step(side, stranger, {2, 0x8a, 0}), step(other, end)});
  }
  Rng decisions(3);
  for (std::uint8_t options = 0; options < 4; ++options) {
    Bytes steps;
    for (int count = 0; count < 300; ++count) {
      steps.push_back(static_cast<std::uint8_t>(decisions.next() >> 56));
    }
    add("random-" + std::to_string(options), static_cast<std::uint8_t>(options << 2), {steps});
  }
}

/// Rows of the conformance tables: every few of those that are short.
void write_web_socket(Corpus& corpus) {
  constexpr std::size_t kSeedBytesMax = 400;
  constexpr std::size_t kEvery = 12;
  const auto is_chosen = [count = std::size_t{0}](std::size_t bytes) mutable {
    return bytes <= kSeedBytesMax && count++ % kEvery == 0;
  };
  auto frames_chosen = is_chosen;
  std::size_t number = 0;
  for (const test::FrameCase& one : test::frame_cases()) {
    const auto role =
        number % 2 == 0 ? wire::websocket::Role::client : wire::websocket::Role::server;
    const Bytes stream = test::encoded(one.frames, role);
    if (!frames_chosen(stream.size())) continue;
    Bytes seed = {static_cast<std::uint8_t>(number % 2), static_cast<std::uint8_t>(number)};
    append(seed, stream);
    corpus.add("web_socket_frames", "row-" + std::to_string(number++), seed);
  }
  for (std::uint8_t role = 0; role < 2; ++role) {
    Bytes trip = {3, 0, 7, role};
    for (std::uint8_t size = 0; size < 12; ++size) {
      trip.push_back(size);
      append(trip, as_bytes(std::string(size, 'm')));
      append(trip, Bytes{size, 1, static_cast<std::uint8_t>(size / 3)});
    }
    corpus.add("web_socket_frames", "trip-" + std::to_string(role), trip);
  }
  auto requests_chosen = is_chosen;
  number = 0;
  for (const test::RequestCase& one : test::request_cases()) {
    if (!requests_chosen(one.stream.size())) continue;
    Bytes seed = {0, static_cast<std::uint8_t>(number)};
    append(seed, as_bytes(one.stream));
    corpus.add("web_socket_upgrade", "request-" + std::to_string(number++), seed);
  }
  write_upgrades(corpus);
  write_talks(corpus);
}

Bytes http2_frame(std::uint8_t type, std::uint8_t flags, std::uint8_t stream, ByteSpan payload) {
  Bytes frame = {0, 0, static_cast<std::uint8_t>(payload.size()), type, flags, 0, 0, 0, stream};
  append(frame, payload);
  return frame;
}

/// Answers of HTTP/1.1 as the tests have them, and frames of HTTP/2 from a server that has heard
/// the three requests of the target.
void write_answers(Corpus& corpus) {
  std::size_t number = 0;
  for (const test::AnswerCase& one : test::answer_cases()) {
    const std::uint8_t choice = one.method == "HEAD" ? 2 : 0;
    Bytes seed = {choice, static_cast<std::uint8_t>(number)};
    append(seed, as_bytes(one.stream));
    corpus.add("http_client", "answer-" + std::to_string(number++), seed);
  }
  constexpr std::uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7;
  constexpr std::uint8_t kEndStream = 1, kEndHeaders = 4;
  const Bytes status_200 = {0x88};
  const Bytes status_103 = {0x08, 0x03, '1', '0', '3'};
  const Bytes with_length = {0x88, 0x0f, 0x0d, 0x01, '5'};  // content-length: 5
  const Bytes hello = to_bytes(as_bytes(std::string("hello")));
  const Bytes settings = http2_frame(kSettings, 0, 0, {});
  const std::vector<std::vector<Bytes>> stories{
      {http2_frame(kHeaders, kEndHeaders, 1, status_200), http2_frame(kData, kEndStream, 1, hello)},
      {http2_frame(kHeaders, kEndHeaders | kEndStream, 3, status_200)},
      {http2_frame(kHeaders, kEndHeaders, 1, status_103),
       http2_frame(kHeaders, kEndHeaders, 1, with_length),
       http2_frame(kData, kEndStream, 1, hello)},
      {http2_frame(kHeaders, kEndHeaders, 5, status_200), http2_frame(kData, 0, 5, hello),
       http2_frame(kHeaders, kEndHeaders | kEndStream, 5, {})},
      {http2_frame(kReset, 0, 1, Bytes{0, 0, 0, 7}), http2_frame(kReset, 0, 3, Bytes{0, 0, 0, 1})},
      {http2_frame(kGoAway, 0, 0, Bytes{0, 0, 0, 1, 0, 0, 0, 0}),
       http2_frame(kHeaders, kEndHeaders | kEndStream, 1, status_200)},
      {http2_frame(kPing, 0, 0, Bytes(8)), http2_frame(kPing, 0, 0, Bytes(8)),
       http2_frame(kPing, 0, 0, Bytes(8)), http2_frame(kPing, 0, 0, Bytes(8))},
      {http2_frame(kData, 0, 1, hello)},
  };
  number = 0;
  for (const std::vector<Bytes>& story : stories) {
    Bytes seed = {1, static_cast<std::uint8_t>(number)};
    append(seed, settings);
    for (const Bytes& frame : story) append(seed, frame);
    corpus.add("http_client", "frames-" + std::to_string(number++), seed);
  }
}

}  // namespace
}  // namespace trestle::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  trestle::fuzz::Corpus corpus(argv[1]);
  trestle::fuzz::write_frames(corpus);
  trestle::fuzz::write_stories(corpus);
  trestle::fuzz::write_tokens(corpus);
  trestle::fuzz::write_web_socket(corpus);
  trestle::fuzz::write_answers(corpus);
  std::printf("%zu files\n", corpus.files());
  return 0;
}
