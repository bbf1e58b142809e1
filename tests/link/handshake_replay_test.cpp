// What somebody recorded of one handshake, or made up, opens no other one.
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/wire_pair.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::test {
namespace {

using Frames = std::vector<Bytes>;

/// Performs what one end orders and gives back the frames that it sends on that connection.
Frames said(End& end, link::ConnectionId connection) {
  Frames frames;
  while (auto effect = end.channels->poll_effect()) {
    if (auto* news = std::get_if<link::ChannelSet::News>(&*effect)) {
      end.news.push_back(std::move(*news));
      continue;
    }
    auto& order = std::get<link::TransportOrder>(*effect);
    if (const auto* dial = std::get_if<link::Dial>(&order)) {
      end.channels->on_dialled(kStart, dial->connection);
    } else if (auto* frame = std::get_if<link::SendFrame>(&order)) {
      end.channels->on_drained(kStart, frame->connection, frame->bytes.size());
      if (frame->connection == connection) frames.push_back(std::move(frame->bytes));
    } else if (const auto* sign = std::get_if<link::Sign>(&order)) {
      end.channels->on_signed(kStart, sign->connection, sign->ticket,
                              end.suite.sign(end.pair, sign->message));
    } else if (const auto* verify = std::get_if<link::Verify>(&order)) {
      const bool valid = end.suite.verify(verify->key, verify->message, verify->signature);
      end.channels->on_verified(kStart, verify->connection, verify->ticket, valid);
    }
  }
  return frames;
}

void tell(End& end, link::ConnectionId connection, const Frames& frames) {
  for (const Bytes& frame : frames) {
    end.channels->on_frame(kStart, connection, link::FrameKind::binary, frame);
  }
}

std::size_t opened(const End& end) { return end.all<link::Channel::Opened>().size(); }

/// One honest handshake, and what each side said in it.
struct Recording {
  Frames hello;
  Frames welcome;
  Frames prove;
  Frames ready;
};

Recording record(End& dialler, End& acceptor) {
  Recording recording;
  const auto dialled = dialler.channels->dial(kStart, acceptor.local.address);
  recording.hello = said(dialler, dialled);
  const auto accepted = acceptor.channels->on_accepted(kStart, {"127.0.0.1"});
  tell(acceptor, accepted, recording.hello);
  recording.welcome = said(acceptor, accepted);
  tell(dialler, dialled, recording.welcome);
  recording.prove = said(dialler, dialled);
  tell(acceptor, accepted, recording.prove);
  recording.ready = said(acceptor, accepted);
  tell(dialler, dialled, recording.ready);
  said(dialler, dialled);
  REQUIRE(opened(dialler) == 1);
  REQUIRE(opened(acceptor) == 1);
  return recording;
}

Frames framed(const wire::Message& message) {
  Frames frames(1);
  wire::native::append_record(frames[0], {.request_id = {}, .message = message});
  return frames;
}

wire::Welcome welcome_in(const Frames& frames) {
  REQUIRE(frames.size() == 1);
  const wire::native::Limits limits;
  wire::native::FrameReader reader(frames[0], limits);
  const auto record = reader.next();
  REQUIRE((record && *record));
  return std::get<wire::Welcome>((**record).message);
}

/// Somebody who knows the victim's key and has a pair of his own.
class Impostor {
 public:
  explicit Impostor(End& victim) : victim_(victim), suite_(99), own_(suite_.generate()), rng_(99) {
    earlier_ = suite_.sign(own_, as_bytes("anything"));
  }

  wire::Hello hello() {
    wire::Hello hello;
    hello.role = wire::Role::node;
    hello.key = victim_.pair.key;
    suite_.random(hello.nonce);
    hello.network = victim_.local.network;
    hello.dialled_url = "ws://end-2";
    return hello;
  }

  /// Not the victim's signature of this conversation, each time in another way.
  wire::Signature proof(const wire::Hello& hello, const wire::Welcome& welcome) {
    const Bytes said = crypto::transcript(crypto::Side::dialler, hello, welcome);
    wire::Signature genuine = victim_.suite.sign(victim_.pair, said);
    const wire::Signature made = std::exchange(earlier_, genuine);
    wire::Hello other = hello;
    switch (rng_.below(6)) {
      case 0:  // with a key of his own
        return suite_.sign(own_, said);
      case 1:  // what the victim signed in its last conversation
        return made;
      case 2:  // what the acceptor just signed
        return welcome.proof;
      case 3:  // the victim's of the same conversation in which one byte was another
        other.nonce[static_cast<std::size_t>(rng_.below(other.nonce.size()))] ^= 1;
        return victim_.suite.sign(victim_.pair,
                                  crypto::transcript(crypto::Side::dialler, other, welcome));
      case 4:  // a bit beside the right one
        genuine[static_cast<std::size_t>(rng_.below(genuine.size()))] ^=
            static_cast<std::uint8_t>(1u << rng_.below(8));
        return genuine;
      default:  // anything
        for (std::uint8_t& byte : genuine) byte = static_cast<std::uint8_t>(rng_.below(256));
        return genuine;
    }
  }

 private:
  End& victim_;
  crypto::Suite suite_;
  crypto::KeyPair own_;
  Rng rng_;
  wire::Signature earlier_;
};

}  // namespace

TEST_CASE("T1: a hundred thousand wrong proofs open nothing, whatever of them is wrong") {
  End victim(1, wire::Role::node);
  End acceptor(2, wire::Role::node);
  Impostor impostor(victim);
  for (int count = 0; count < 100'000; ++count) {
    const auto connection = acceptor.channels->on_accepted(kStart, {"127.0.0.1"});
    const wire::Hello hello = impostor.hello();
    tell(acceptor, connection, framed(hello));
    const wire::Welcome welcome = welcome_in(said(acceptor, connection));
    tell(acceptor, connection, framed(wire::Prove{impostor.proof(hello, welcome), false, {}}));
    said(acceptor, connection);
    if (opened(acceptor) != 0) FAIL("opened after " << count << " wrong proofs");
    acceptor.channels->on_closed(kStart, connection, 1006, "");
    said(acceptor, connection);
    acceptor.news.clear();
  }
  // Nobody is shut out by what was done in its name.
  record(victim, acceptor);
}

TEST_CASE("T2: a recorded proof opens no other connection, in ten thousand tries") {
  End dialler(1, wire::Role::bootstrap, {}, "secret");
  End acceptor(2, wire::Role::bridge, {}, "secret");
  const Recording recording = record(dialler, acceptor);
  for (int count = 0; count < 10'000; ++count) {
    const auto connection = acceptor.channels->on_accepted(kStart, {"127.0.0.1"});
    tell(acceptor, connection, recording.hello);
    said(acceptor, connection);
    tell(acceptor, connection, recording.prove);
    said(acceptor, connection);
    if (opened(acceptor) != 1) FAIL("opened after " << count << " replays");
    acceptor.channels->on_closed(kStart, connection, 1006, "");
    said(acceptor, connection);
    acceptor.news.resize(1);
  }
}

TEST_CASE("T5: a recorded bridge is believed by nobody who dials again, in ten thousand tries") {
  End dialler(1, wire::Role::bootstrap, {}, "secret");
  End acceptor(2, wire::Role::bridge, {}, "secret");
  const Recording recording = record(dialler, acceptor);
  dialler.news.resize(1);
  for (int count = 0; count < 10'000; ++count) {
    const auto connection = dialler.channels->dial(kStart, acceptor.local.address);
    said(dialler, connection);
    tell(dialler, connection, recording.welcome);
    const Frames answer = said(dialler, connection);
    tell(dialler, connection, recording.ready);
    said(dialler, connection);
    if (opened(dialler) != 1) FAIL("opened after " << count << " replays");
    // No proof of the secret was given away either: at most a goodbye.
    wire::native::Limits limits;
    for (const Bytes& frame : answer) {
      wire::native::FrameReader reader(frame, limits);
      const auto record = reader.next();
      REQUIRE(record.has_value());
      REQUIRE(record->has_value());
      CHECK(std::holds_alternative<wire::Goodbye>((**record).message));
    }
    dialler.channels->on_closed(kStart, connection, 1006, "");
    said(dialler, connection);
    dialler.news.resize(1);
  }
}

TEST_CASE(
    "T5: a bridge with a key of its own and no secret is not believed, whatever it shows instead") {
  const wire::Ready nothing;
  const wire::Ready zeros{true, {}};
  for (const bool mirrors : {false, true}) {
    for (const wire::Ready& ready : {nothing, zeros}) {
      End dialler(1, wire::Role::bootstrap, {}, "secret");
      End acceptor(2, wire::Role::bridge, {}, "a guess");
      const auto dialled = dialler.channels->dial(kStart, acceptor.local.address);
      const Frames hello = said(dialler, dialled);
      const auto accepted = acceptor.channels->on_accepted(kStart, {"127.0.0.1"});
      tell(acceptor, accepted, hello);
      tell(dialler, dialled, said(acceptor, accepted));
      const Frames prove = said(dialler, dialled);
      REQUIRE(prove.size() == 1);
      const wire::native::Limits limits;
      wire::native::FrameReader reader(prove[0], limits);
      const auto record = reader.next();
      REQUIRE((record && *record));
      const auto& proof = std::get<wire::Prove>((**record).message);
      REQUIRE(proof.has_secret_proof);
      tell(dialler, dialled, framed(mirrors ? wire::Ready{true, proof.secret_proof} : ready));
      said(dialler, dialled);
      CHECK(opened(dialler) == 0);
    }
  }
}

TEST_CASE("T2: of two connections of one peer neither takes the other's proof") {
  for (const bool first_goes_first : {true, false}) {
    End dialler(1, wire::Role::node);
    End acceptor(2, wire::Role::node);
    std::vector<Frames> proofs;
    std::vector<link::ConnectionId> accepted;
    for (int index = 0; index < 2; ++index) {
      const auto dialled = dialler.channels->dial(kStart, acceptor.local.address);
      const Frames hello = said(dialler, dialled);
      accepted.push_back(acceptor.channels->on_accepted(kStart, {"127.0.0.1"}));
      tell(acceptor, accepted.back(), hello);
      tell(dialler, dialled, said(acceptor, accepted.back()));
      proofs.push_back(said(dialler, dialled));
      REQUIRE_FALSE(proofs.back().empty());
    }
    const std::size_t first = first_goes_first ? 0 : 1;
    tell(acceptor, accepted[first], proofs[1 - first]);
    said(acceptor, accepted[first]);
    tell(acceptor, accepted[1 - first], proofs[first]);
    said(acceptor, accepted[1 - first]);
    CHECK(opened(acceptor) == 0);
  }
}

}  // namespace trestle::test
