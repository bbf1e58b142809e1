// F17: our engine of TLS, on both sides, against three kinds of peers.
//
// Who has no keys: any bytes as the first ones. Who stands between two of our engines, and cuts,
// alters, adds, withholds and ends what they say: what either hears is the beginning of what the
// other said, and all of it if it was told so. Who has keys, for it is the peer: any content in
// records of any kind, which does the same in whatever pieces it comes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

#include "entry.hpp"
#include "input.hpp"
#include "support/crafted_records.hpp"
#include "support/tls_end.hpp"
#include "tls/party.hpp"

namespace trestle::fuzz {
namespace {

using test::Contexts;
using test::Party;
using test::TlsEnd;
using tls::State;

/// What an engine may say to who has no keys: a hello, or our certificate, extensions and an alert.
constexpr std::size_t kAnswerBytesMax = 4096;

Contexts& contexts() {
  static Contexts made;
  return made;
}

void check_looks(const Party& party) {
  const tls::Engine& engine = party.engine;
  MUST_HOLD((engine.state() == State::failed) == engine.failure().has_value());
  if (engine.failure()) {
    MUST_HOLD(engine.failure()->code != ErrorCode::none);
    MUST_HOLD(engine.failure()->reason.starts_with("TLS: "));
  }
  MUST_HOLD(engine.ciphertext().size() <= tls::EngineLimits{}.ciphertext_bytes_max + 2 * 4096);
  MUST_HOLD(engine.stats().plaintext_received_total == party.heard.size());
  engine.certificate_ends_at();
  engine.is_resumed();
}

void hear_in_pieces(Party& party, ByteSpan bytes, std::size_t piece) {
  while (!bytes.empty()) {
    const ByteSpan part = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(part.size());
    party.hear(part);
    check_looks(party);
  }
}

// ---- who has no keys

using Outcome = std::tuple<ErrorCode, std::string, Bytes, std::size_t>;

Outcome outcome_of(Party& party, ByteSpan bytes, std::size_t piece) {
  party.room_bytes = 64;  // For each piece anew, and nothing comes into it.
  std::size_t said = party.said().size();
  hear_in_pieces(party, bytes, piece);
  party.engine.on_end();
  said += party.said().size();
  check_looks(party);
  MUST_HOLD(party.engine.state() == State::failed);
  MUST_HOLD(party.heard.empty());
  MUST_HOLD(said <= kAnswerBytesMax);
  return {party.engine.failure()->code, party.reason(), party.heard,
          party.engine.stats().ciphertext_received_total};
}

void check_first_bytes(Input& parts) {
  const bool dials = parts.flag();
  const std::size_t piece = 1 + parts.byte();
  const ByteSpan bytes = parts.rest();
  const auto one = [&](std::size_t pieces) {
    if (dials) {
      Party party(contexts().dialling, contexts().here);
      return outcome_of(party, bytes, pieces);
    }
    Party party(contexts().accepting);
    return outcome_of(party, bytes, pieces);
  };
  MUST_HOLD(one(piece) == one(bytes.size() + 1));
}

// ---- who stands between two engines

/// One side, and what it has said that has not arrived.
struct Side {
  template <typename... Given>
  explicit Side(Given&&... given) : party(given...) {}

  Party party;
  Bytes under_way;
  Bytes sent;
  bool has_said_end = false;
  bool gave_up = false;
};

class Story {
 public:
  explicit Story(Input& parts)
      : parts_(parts),
        dialler_(contexts().dialling, contexts().here),
        acceptor_(contexts().accepting) {
    const std::size_t room = 1 + parts_.number(2);
    dialler_.party.room_bytes = acceptor_.party.room_bytes = room;
  }

  void tell() {
    constexpr int kStepsMax = 200;
    for (int step = 0; step < kStepsMax && !parts_.is_over(); ++step) {
      const std::uint8_t choice = parts_.byte();
      Side& from = (choice & 1) != 0 ? dialler_ : acceptor_;
      Side& to = (choice & 1) != 0 ? acceptor_ : dialler_;
      take_step(choice >> 1 & 7, from, to);
      check();
    }
    if (is_touched_) return;
    for (int turn = 0; turn < 4; ++turn) {
      deliver(dialler_, acceptor_, SIZE_MAX);
      deliver(acceptor_, dialler_, SIZE_MAX);
    }
    check();
    MUST_HOLD(dialler_.party.heard == acceptor_.sent);
    MUST_HOLD(acceptor_.party.heard == dialler_.sent);
    MUST_HOLD(!dialler_.party.engine.failure() && !acceptor_.party.engine.failure());
  }

 private:
  void take_step(int what, Side& from, Side& to) {
    Bytes& bytes = from.under_way;
    append(bytes, from.party.said());
    switch (what) {
      case 0:
        return deliver(from, to, 1 + parts_.number(2));
      case 1:
        return deliver(from, to, SIZE_MAX);
      case 2:
        if (bytes.empty()) return;
        is_touched_ = true;
        bytes[parts_.number(2) % bytes.size()] ^= parts_.byte();
        return;
      case 3: {
        const ByteSpan added = parts_.piece();
        is_touched_ = true;
        bytes.insert(bytes.begin(), added.begin(), added.end());
        return;
      }
      case 4: {
        const std::size_t count = std::min<std::size_t>(parts_.byte(), bytes.size());
        is_touched_ = true;
        bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        return;
      }
      case 5:
        return send(from, parts_.number(2));
      case 6:
        from.gave_up = from.gave_up || from.party.engine.state() == State::handshaking;
        is_touched_ = is_touched_ || from.gave_up;
        return from.party.engine.close();
      default:
        is_touched_ = true;
        return to.party.engine.on_end();
    }
  }

  void deliver(Side& from, Side& to, std::size_t count) {
    append(from.under_way, from.party.said());
    const std::size_t taken = std::min(count, from.under_way.size());
    to.party.hear(ByteSpan(from.under_way).first(taken));
    from.under_way.erase(from.under_way.begin(),
                         from.under_way.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  void send(Side& from, std::size_t count) {
    Bytes text(count);
    for (std::uint8_t& each : text) each = static_cast<std::uint8_t>(next_++ % 251);
    text.resize(from.party.engine.send(text));
    append(from.sent, text);
  }

  void check() {
    check(dialler_, acceptor_);
    check(acceptor_, dialler_);
  }
  void check(Side& one, Side& other) {
    check_looks(one.party);
    const State state = one.party.engine.state();
    if (state == State::closing || state == State::closed) one.has_said_end = true;
    const Bytes& heard = one.party.heard;
    MUST_HOLD(heard.size() <= other.sent.size());
    MUST_HOLD(std::equal(heard.begin(), heard.end(), other.sent.begin()));
    if (state == State::closed && !one.gave_up) {
      MUST_HOLD(other.has_said_end || other.party.engine.state() == State::closing ||
                other.party.engine.state() == State::closed);
      MUST_HOLD(heard == other.sent);
    }
  }

  Input& parts_;
  Side dialler_;
  Side acceptor_;
  bool is_touched_ = false;
  std::uint32_t next_ = 0;
};

// ---- who has keys

/// Records of the peer to one engine, in pieces of that size.
Outcome hear_records(Input parts, bool dials, std::size_t piece) {
  Contexts& both = contexts();
  TlsEnd peer(dials ? both.accepting.get() : both.dialling.get(),
              dials ? TlsEnd::Side::accepts : TlsEnd::Side::dials);
  test::CraftedRecords::listen(peer.get());
  const auto play = [&](Party& party) -> Outcome {
    party.room_bytes = 1024;
    for (int turn = 0; turn < 4; ++turn) {
      peer.hear(party.said());
      peer.advance();
      party.hear(peer.said());
    }
    MUST_HOLD(party.engine.state() == State::open);
    const std::uint64_t before = party.engine.stats().ciphertext_received_total;
    test::CraftedRecords crafted(dials ? 1 : 0);  // A ticket has gone before.
    Bytes records;
    constexpr int kRecordsMax = 300;
    for (int count = 0; count < kRecordsMax && !parts.is_over(); ++count) {
      const std::uint8_t kind = parts.byte();
      append(records, crafted.record(kind, parts.take(parts.byte())));
    }
    hear_in_pieces(party, records, piece);
    MUST_HOLD(party.said().size() <= kAnswerBytesMax);
    party.engine.send(as_bytes("an answer"));
    check_looks(party);
    party.engine.on_end();
    const auto& failure = party.engine.failure();
    return {failure ? failure->code : ErrorCode::none, party.reason(), party.heard,
            party.engine.stats().ciphertext_received_total - before};
  };
  if (dials) {
    Party party(both.dialling, both.here);
    return play(party);
  }
  Party party(both.accepting);
  return play(party);
}

void check_records(Input& parts) {
  const bool dials = parts.flag();
  const std::size_t piece = 1 + parts.byte();
  MUST_HOLD(hear_records(parts, dials, piece) == hear_records(parts, dials, SIZE_MAX));
}

}  // namespace

TRESTLE_FUZZ_TARGET(tls_engine) {
  Input parts(input);
  switch (parts.below(3)) {
    case 0:
      return check_first_bytes(parts);
    case 1:
      return Story(parts).tell();
    default:
      return check_records(parts);
  }
}

}  // namespace trestle::fuzz
