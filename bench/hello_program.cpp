// What it costs to prove who one is: the opening of a native link with both proofs, and a full TLS
// 1.3 handshake in which one side verifies the other's certificate as our programs do. Both ends of
// either in this process, bytes handed over in memory, turns about.
//   hello_program --cert FILE --key FILE --ca FILE [--rounds N]
// Prints one JSON line: microseconds of processor for each, the medians of the rounds.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "die.hpp"
#include "flags.hpp"
#include "tls_flags.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/host/tls_material.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/tls/rules.hpp"

namespace {

using namespace trestle;
using bench::die;

constexpr int kOpeningsOfARound = 50;
constexpr Instant kNow{std::chrono::seconds(1000)};

/// Processor time of this thread in microseconds.
double cpu_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// ---- a native link

/// One end, with the driver's part of signing and verifying done at once, as our driver does it.
struct End {
  End(std::string address, std::uint64_t seed) : keys(suite.generate()) {
    local.identity = {keys.key, crypto::node_id_of(suite, keys.key)};
    local.network = "bench";
    local.address = std::move(address);
    channels.emplace(link::ConnectionOwner::node, local, suite, link::ChannelSetOptions{},
                     Rng(seed));
  }

  crypto::Suite suite;
  crypto::KeyPair keys;
  link::LocalPeer local;
  std::optional<link::ChannelSet> channels;
  link::ConnectionId connection;
  bool is_open = false;
};

void perform(End& end, End& other, link::TransportOrder& order) {
  if (std::holds_alternative<link::Dial>(order)) {
    other.connection = other.channels->on_accepted(kNow, {"127.0.0.1"});
    end.channels->on_dialled(kNow, end.connection);
  } else if (const auto* frame = std::get_if<link::SendFrame>(&order)) {
    end.channels->on_drained(kNow, end.connection, frame->bytes.size());
    other.channels->on_frame(kNow, other.connection, frame->kind, frame->bytes);
  } else if (const auto* close = std::get_if<link::CloseTransport>(&order)) {
    other.channels->on_closed(kNow, other.connection, static_cast<std::uint16_t>(close->status),
                              close->reason);
  } else if (const auto* sign = std::get_if<link::Sign>(&order)) {
    end.channels->on_signed(kNow, sign->connection, sign->ticket,
                            end.suite.sign(end.keys, sign->message));
  } else if (const auto* verify = std::get_if<link::Verify>(&order)) {
    const bool is_valid = end.suite.verify(verify->key, verify->message, verify->signature);
    end.channels->on_verified(kNow, verify->connection, verify->ticket, is_valid);
  }
}

bool drain(End& end, End& other) {
  bool moved = false;
  while (auto effect = end.channels->poll_effect()) {
    moved = true;
    if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
      perform(end, other, *order);
    } else if (std::holds_alternative<link::Channel::Opened>(
                   std::get<link::ChannelSet::News>(*effect).news)) {
      end.is_open = true;
    }
  }
  return moved;
}

void settle(End& one, End& other) {
  while (drain(one, other) || drain(other, one)) {
  }
}

double hello_us(End& dialler, End& acceptor) {
  const double before = cpu_us();
  for (int count = 0; count < kOpeningsOfARound; ++count) {
    dialler.is_open = acceptor.is_open = false;
    dialler.connection = dialler.channels->dial(kNow, acceptor.local.address);
    settle(dialler, acceptor);
    if (!dialler.is_open || !acceptor.is_open) die("the link does not open");
    dialler.channels->close(kNow, dialler.connection, ErrorCode::none, {});
    settle(dialler, acceptor);
  }
  return (cpu_us() - before) / kOpeningsOfARound;
}

// ---- TLS

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;
using Connection = std::unique_ptr<SSL, Free>;

Context context_of(const SSL_METHOD* side) {
  Context context(SSL_CTX_new(side));
  tls::keep_to_modern(context.get());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

double tls_us(SSL_CTX* dialling, SSL_CTX* accepting) {
  const double before = cpu_us();
  for (int count = 0; count < kOpeningsOfARound; ++count) {
    const Connection client(SSL_new(dialling));
    const Connection server(SSL_new(accepting));
    BIO* ours = nullptr;
    BIO* theirs = nullptr;
    BIO_new_bio_pair(&ours, 0, &theirs, 0);
    SSL_set_bio(client.get(), ours, ours);
    SSL_set_bio(server.get(), theirs, theirs);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client.get()), "127.0.0.1");
    for (int turn = 0; turn < 4; ++turn) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    char byte = 0;
    SSL_read(client.get(), &byte, 1);  // the tickets, which come after the handshake
    const bool is_open = SSL_is_init_finished(client.get()) == 1 &&
                         SSL_is_init_finished(server.get()) == 1 &&
                         SSL_get_verify_result(client.get()) == X509_V_OK;
    if (!is_open || SSL_session_reused(client.get()) == 1) die("no full TLS handshake");
  }
  return (cpu_us() - before) / kOpeningsOfARound;
}

double median(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  const host::TlsMaterial material = bench::tls_of(flags);
  const Context dialling = context_of(TLS_client_method());
  const Context accepting = context_of(TLS_server_method());
  SSL_CTX_set_verify(dialling.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set1_cert_store(dialling.get(), material.trusted.get());
  if (const auto refused = tls::show_identity(accepting.get(), material)) die(*refused);

  End dialler({}, 1);
  End acceptor("ws://127.0.0.1:1", 2);
  std::vector<double> hellos;
  std::vector<double> handshakes;
  const long rounds = flags.number("rounds", 20);
  for (long round = 0; round <= rounds; ++round) {
    hellos.push_back(hello_us(dialler, acceptor));
    handshakes.push_back(tls_us(dialling.get(), accepting.get()));
    if (round == 0) hellos.clear(), handshakes.clear();  // fetched what is kept, filled caches
  }
  std::printf("{\"hello_us\": %.2f, \"tls_us\": %.2f}\n", median(hellos), median(handshakes));
  return 0;
}
