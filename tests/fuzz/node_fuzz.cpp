// F20: whole nodes of each program among proven peers that say anything and strangers who prove
// nothing. Everything that a node says can be read, goes to connections that are open, and every
// operation of a user ends once.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "entry.hpp"
#include "founder.hpp"
#include "input.hpp"
#include "made_messages.hpp"
#include "support/wire_pair.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::fuzz {
namespace {

enum class Program : std::uint8_t { bootstrap, bridge, dht };

constexpr WallTime kToday{std::chrono::milliseconds(1'795'000'000'000)};

/// How the network is: each a bit of the story's second byte.
constexpr unsigned kSpeaksLegacy = 1;
constexpr unsigned kIsInvited = 2;
constexpr unsigned kHasNetworkKey = 4;
constexpr unsigned kIsRestored = 8;
constexpr unsigned kIsMember = 16;

class Story {
 public:
  explicit Story(Input& input)
      : input_(input),
        program_(static_cast<Program>(input.below(3))),
        ways_(input.byte()),
        pair_(suite_.generate()) {
    for (const auto role : {wire::Role::node, wire::Role::bridge, wire::Role::bootstrap}) {
      add_peer(role);
    }
    if (is(kIsInvited)) {
      founder_.emplace(suite_, program_ == Program::bootstrap ? pair_ : peers_[2]->pair, kToday);
      for (const auto& peer : peers_) show(*peer, founder_->credentials_of(peer->pair));
      add_peer(wire::Role::node);
      show(*peers_.back(), {founder_->identity_of(peers_.back()->pair), {}, {}, {}});
    }
    node_ = make();
    node_->on_wall_clock(now_, kToday);
    if (is(kIsRestored)) node_->restore(now_, made_past());
    node_->start(now_);
    settle();
  }

  void play() {
    for (int steps = 0; steps < 120 && !input_.is_over(); ++steps) {
      step();
      settle();
    }
    node_->status(now_);
    if (stopped_ == 0) node_->begin_shutdown(now_);
    settle();
    pass(std::chrono::seconds(11));
    MUST_HOLD(stopped_ == 1);
    MUST_HOLD(operations_.empty());
  }

 private:
  static constexpr std::size_t kNobody = 99;
  /// A connection as the node sees it, and who is at its other end.
  struct Wire {
    link::ConnectionId at_node;
    link::ConnectionId at_peer{};
    std::size_t peer = kNobody;
    /// Of a stranger's: what was said in both directions, while all of it was binary.
    bool is_accepted = false;
    bool has_said_text = false;
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
  };
  struct Question {
    std::size_t peer;
    link::ConnectionId connection;
    wire::RequestId id;
    wire::Message message;
  };

  bool is(unsigned way) const { return (ways_ & way) != 0; }

  void add_peer(wire::Role role) {
    const std::uint64_t seed = 100 + peers_.size();
    peers_.push_back(
        std::make_unique<test::End>(seed, role, link::ChannelSetOptions{}, "secret", "main"));
  }
  /// What it says first on each of its links.
  static void show(test::End& peer, wire::Credentials credentials) {
    peer.local.credentials = std::move(credentials);
    peer.channels.emplace(link::ConnectionOwner::node, peer.local, peer.suite,
                          link::ChannelSetOptions{}, Rng(7));
  }

  /// What the node was when it last ran: believable, or what is left of that after damage.
  node::Restored made_past() {
    node::Restored past;
    for (std::size_t count = input_.below(4); count > 0; --count) {
      wire::Record record = made_record(input_, made_key(input_));
      sign(*peers_[0], record);
      past.records.push_back({std::move(record), peers_[0]->id()});
    }
    past.peers = made_contacts(input_);
    if (!founder_) return past;
    past.membership = spoiled(founder_->membership_for(pair_));
    past.network_key =
        spoiled(founder_->wrapped_for(crypto::identity_keys(suite_, pair_).sealing.key));
    past.members = to_bytes(input_.piece());
    if (input_.flag()) {
      past.revocations.push_back(founder_->revoke({input_.id(), crypto::RevocationReach::branch}));
    }
    return past;
  }
  Bytes spoiled(Bytes bytes) { return fuzz::spoiled(input_, std::move(bytes)); }

  std::unique_ptr<node::Node> make() {
    const crypto::Identity identity{pair_.key, crypto::node_id_of(suite_, pair_.key)};
    node::CommonOptions common;
    common.address = "ws://self";
    common.legacy = is(kSpeaksLegacy);
    if (founder_) {
      common.admission = founder_->admission(pair_);
      if (is(kIsMember)) common.admission.invitation = founder_->invitation_for(pair_.key);
    }
    const Bytes secret = to_bytes(as_bytes("secret"));
    if (program_ == Program::bootstrap) {
      node::BootstrapOptions options;
      options.common = common;
      options.bridges = {{{"ws://bridge"}}};
      options.bridge_secret = secret;
      options.legacy_bridge_secret = to_bytes(as_bytes("old secret"));
      options.genesis = input_.flag();
      return std::make_unique<node::BootstrapNode>(options, identity, suite_, Rng(7));
    }
    if (program_ == Program::bridge) {
      node::BridgeOptions options;
      options.common = common;
      options.bootstrap_urls = {"ws://bootstrap"};
      options.bridge_secret = secret;
      options.legacy_bridge_secret = to_bytes(as_bytes("old secret"));
      return std::make_unique<node::BridgeNode>(options, identity, suite_, Rng(7));
    }
    node::NodeOptions options;
    options.common = common;
    options.bootstrap_urls = {"ws://bootstrap"};
    if (is(kHasNetworkKey)) options.values.network_keys.renew(suite_);
    if (input_.flag()) options.platform = node::Platform::mobile;
    return std::make_unique<node::DhtNode>(options, identity, suite_, Rng(7));
  }

  void step() {
    switch (input_.below(16)) {
      case 0:
      case 1: {
        const std::size_t peer = input_.below(peers_.size());
        peers_[peer]->channels->dial(now_, "ws://self");
        break;
      }
      case 2: {
        const char* address = input_.flag() ? "192.0.2.7" : "2001:db8::7";
        wires_.push_back({.at_node = node_->on_accepted(now_, {address}), .is_accepted = true});
        break;
      }
      case 3:
      case 4:
      case 5:
        say();
        break;
      case 6:
        answer();
        break;
      case 7:
        lose();
        break;
      case 8:
        pass(std::chrono::milliseconds(input_.number(2)));
        break;
      case 9:
        command();
        break;
      case 10:
        settle_dial();
        break;
      case 12:
        ask();
        break;
      case 13:
      case 14:
        answer_well();
        break;
      case 15:
        pass(std::chrono::seconds(input_.below(16)));
        break;
      default:
        change();
        break;
    }
  }

  /// What an operator does, or the machine.
  void change() {
    const std::size_t choice = input_.byte();
    if (choice == 0) return node_->begin_shutdown(now_);
    switch (choice % 4) {
      case 0:
        return node_->on_memory(now_, static_cast<node::MemoryState>(choice / 4 % 3));
      case 1:
        return node_->on_wall_clock(now_, kToday + std::chrono::hours(choice));
      case 2:
        return reload();
      default:
        return show_papers(choice / 4 % peers_.size());
    }
  }
  void reload() {
    node::Reload settings;
    settings.bridge_secret = to_bytes(as_bytes(input_.flag() ? "secret" : "another secret"));
    for (std::size_t count = input_.below(3); count > 0; --count) {
      settings.bridges.push_back({{"ws://bridge" + std::to_string(count)}});
    }
    if (input_.flag()) settings.limits.emplace();
    if (input_.flag()) settings.network_keys.emplace().renew(suite_);
    if (founder_ && input_.flag()) {
      const NodeId whom = peers_[input_.below(peers_.size())]->id();
      settings.revocations.push_back(
          spoiled(founder_->revoke({whom, crypto::RevocationReach::member})));
    }
    node_->on_reload(now_, settings);
  }
  /// What is said in a network that one enters by invitation, and by nobody in another one.
  void show_papers(std::size_t peer) {
    const auto found = std::ranges::find(wires_, peer, &Wire::peer);
    if (!founder_ || found == wires_.end()) return;
    test::End& end = *peers_[peer];
    const auto tell = [&](const wire::Message& message) {
      end.channels->notify(now_, found->at_peer, message);
    };
    const auto ask = [&](const wire::Message& message) {
      (void)end.channels->request(now_, found->at_peer, message,
                                  after(now_, std::chrono::seconds(2)), {});
    };
    switch (input_.below(5)) {
      case 0: {
        wire::Credentials shown = founder_->credentials_of(end.pair);
        shown.membership = spoiled(std::move(shown.membership));
        return tell(shown);
      }
      case 1: {
        const NodeId whom = peers_[input_.below(peers_.size())]->id();
        return tell(
            wire::Revocations{spoiled(founder_->revoke({whom, crypto::RevocationReach::branch}))});
      }
      case 2:
        return tell(wire::Certify{spoiled(founder_->membership_for(pair_))});
      case 3:
        return ask(wire::RedeemRequest{founder_->identity_of(end.pair),
                                       spoiled(founder_->invitation_for(end.pair.key)),
                                       {},
                                       {}});
      default:
        return ask(wire::RedeemRequest{
            founder_->identity_of(end.pair), {}, spoiled(founder_->membership_for(end.pair)), {}});
    }
  }

  /// Any frame on any connection: a stranger's own, or a forged one between the frames of a peer.
  void say() {
    const std::size_t draw = input_.below(256);
    const auto kind = input_.flag() ? link::FrameKind::text : link::FrameKind::binary;
    const ByteSpan bytes = input_.piece();
    if (wires_.empty()) return;
    Wire& wire = wires_[draw % wires_.size()];
    wire.bytes_in += bytes.size();
    wire.has_said_text = wire.has_said_text || kind == link::FrameKind::text;
    node_->on_frame(now_, wire.at_node, kind, bytes);
  }

  void answer() {
    const ByteSpan bytes = input_.piece();
    wire::native::FrameReader reader(bytes, {});
    const auto record = reader.next();
    if (!record || !*record || questions_.empty()) return;
    const Question question = questions_.front();
    questions_.erase(questions_.begin());
    if (wire::is_answer((**record).message)) {
      peers_[question.peer]->channels->respond(now_, question.connection, question.id,
                                               (**record).message);
    }
  }

  /// An honest question, its record signed by who asks.
  void ask() {
    const std::size_t draw = input_.below(256);
    wire::Message question = made_request(input_);
    if (auto* store = std::get_if<wire::StoreRequest>(&question)) {
      sign(*peers_[draw % peers_.size()], store->record);
    }
    for (const Wire& wire : wires_) {
      if (wire.peer != draw % peers_.size()) continue;
      const Instant until = after(now_, std::chrono::seconds(2));
      (void)peers_[wire.peer]->channels->request(now_, wire.at_peer, question, until, {});
      return;
    }
  }
  /// Several of the node's questions are answered as they were asked, true or not.
  void answer_well() {
    for (std::size_t count = 1 + input_.below(8); count > 0 && !questions_.empty(); --count) {
      const Question question = questions_.front();
      questions_.erase(questions_.begin());
      wire::Message answer = answer_to(question.message, input_);
      if (founder_ && std::holds_alternative<wire::RedeemRequest>(question.message)) {
        wire::RedeemResponse admitted = founder_->admit(pair_);
        admitted.network_key = spoiled(std::move(admitted.network_key));
        answer = admitted;
      }
      auto* value = std::get_if<wire::FindValueResponse>(&answer);
      if (value != nullptr && value->found) sign(*peers_[question.peer], value->record);
      peers_[question.peer]->channels->respond(now_, question.connection, question.id, answer);
    }
  }
  static void sign(test::End& end, wire::Record& record) {
    if (record.legacy) return;
    record.author = end.pair.key;
    record.signature =
        end.suite.sign(end.pair, crypto::record_transcript(end.suite, "main", record));
  }

  void lose() {
    if (wires_.empty()) return;
    const Wire wire = wires_[input_.below(256) % wires_.size()];
    forget(wire.at_node);
    lost_.insert(wire.at_node);
    node_->on_closed(now_, wire.at_node, 1006, "reset");
    if (wire.peer != kNobody) {
      peers_[wire.peer]->channels->on_closed(now_, wire.at_peer, 1006, "reset");
    }
  }

  void command() {
    const std::size_t kind = input_.below(8);
    const bool is_odd = input_.below(8) == 7;
    const std::string key = is_odd ? std::string(as_text(input_.take(48))) : made_key(input_);
    const auto begun = [&]() -> Result<node::OperationId, ErrorCode> {
      if (kind == 0) return node_->put(now_, key, Bytes(input_.byte()), std::chrono::minutes(1));
      if (kind == 1) return node_->get(now_, key);
      if (kind == 2) return node_->refresh(now_, key);
      if (kind == 3) return node_->remove(now_, key);
      if (kind == 4) return node_->find(now_, input_.id());
      if (kind == 5) return node_->put_as(now_, key, Bytes(input_.byte()), made_put_options());
      if (kind == 6) return node_->get_as(now_, key, made_wish(input_));
      return node_->find_as(now_, input_.id(), made_wish(input_));
    }();
    if (begun) MUST_HOLD(operations_.insert(begun->value).second);
    const bool is_search = kind == 4 || kind == 7;
    if (program_ != Program::dht && !is_search) MUST_HOLD(!begun.has_value());
  }
  node::PutOptions made_put_options() {
    node::PutOptions options;
    const std::size_t audience = input_.below(5);
    if (audience > 0) options.audience = static_cast<crypto::Audience>(audience);
    for (std::size_t count = input_.below(3); count > 0; --count) {
      const auto& reader = *peers_[input_.below(peers_.size())];
      options.readers.push_back(crypto::identity_keys(suite_, reader.pair).sealing.key);
    }
    return options;
  }

  /// A dial of the node's: nobody is there, a stranger, or an honest peer.
  void settle_dial() {
    const std::size_t choice = input_.below(5);
    if (dials_.empty()) return;
    const link::ConnectionId dialled = dials_.front();
    dials_.erase(dials_.begin());
    if (choice == 0) {
      return node_->on_dial_failed(now_, dialled, ErrorCode::unreachable, "nobody listens");
    }
    Wire wire{.at_node = dialled};
    if (choice > 1) {
      wire.peer = choice - 2;
      wire.at_peer = peers_[wire.peer]->channels->on_accepted(now_, {"192.0.2.9"});
    }
    wires_.push_back(wire);
    node_->on_dialled(now_, dialled);
  }

  void pass(Duration time) {
    const Instant until = after(now_, time);
    for (int turns = 0; next_deadline() <= until; ++turns) {
      MUST_HOLD(turns < 50'000);
      now_ = std::max(now_, next_deadline());
      node_->on_deadline(now_);
      for (const auto& peer : peers_) peer->channels->on_deadline(now_);
      settle();
    }
    now_ = until;
  }
  Instant next_deadline() const {
    Instant next = node_->next_deadline();
    for (const auto& peer : peers_) next = std::min(next, peer->channels->next_deadline());
    return next;
  }

  void settle() {
    bool moved = true;
    for (int turns = 0; moved; ++turns) {
      MUST_HOLD(turns < 10'000);
      moved = false;
      while (auto effect = node_->poll_effect(now_)) {
        moved = true;
        std::visit([&](auto& one) { perform(one); }, *effect);
      }
      lost_.clear();
      for (std::size_t peer = 0; peer < peers_.size(); ++peer) {
        while (auto effect = peers_[peer]->channels->poll_effect()) {
          moved = true;
          perform(peer, *effect);
        }
      }
    }
  }

  // ---- what the node says
  void perform(link::Dial& dial) { dials_.push_back(dial.connection); }
  void perform(link::SendFrame& frame) {
    Wire* wire = find(frame.connection);
    MUST_HOLD((wire != nullptr) != lost_.contains(frame.connection));
    check_frame(frame);
    if (wire == nullptr) return;
    wire->bytes_out += frame.bytes.size();
    const bool is_strange = wire->peer == kNobody && wire->is_accepted && !wire->has_said_text;
    // T11: a stranger is told twice what it said at most.
    if (is_strange) MUST_HOLD(wire->bytes_out <= 2 * wire->bytes_in);
    const Wire to = *wire;
    node_->on_drained(now_, frame.connection, frame.bytes.size());
    if (to.peer != kNobody) {
      peers_[to.peer]->channels->on_frame(now_, to.at_peer, frame.kind, frame.bytes);
    }
  }
  void perform(link::CloseTransport& close) {
    if (std::erase(dials_, close.connection) == 1) return;
    const Wire* found = find(close.connection);
    MUST_HOLD((found != nullptr) != lost_.contains(close.connection));
    if (found == nullptr) return;
    const Wire wire = *found;
    forget(wire.at_node);
    if (wire.peer == kNobody) return;
    peers_[wire.peer]->channels->on_closed(now_, wire.at_peer,
                                           static_cast<std::uint16_t>(close.status), close.reason);
  }
  void perform(link::Sign& sign) {
    node_->on_signed(now_, sign.connection, sign.ticket, suite_.sign(pair_, sign.message));
  }
  void perform(link::Verify& verify) {
    const bool valid = suite_.verify(verify.key, verify.message, verify.signature);
    node_->on_verified(now_, verify.connection, verify.ticket, valid);
  }
  void perform(node::OperationEnded& ended) {
    MUST_HOLD(operations_.erase(ended.operation.value) == 1);
  }
  void perform(dht::Persist& order) {
    MUST_HOLD(program_ == Program::dht);
    const std::uint8_t luck = input_.byte();
    const ErrorCode code = luck == 255   ? ErrorCode::storage_failed
                           : luck == 254 ? ErrorCode::store_full
                                         : ErrorCode::none;
    node_->on_persisted(now_, order.ticket, code);
  }
  void perform(node::Joined&) {}
  void perform(node::SavePeers&) {}
  void perform(node::SaveAdmission&) {}
  void perform(node::IssueMembership& order) {
    const auto keys = crypto::identity_keys(suite_, pair_);
    Bytes network_key = founder_ ? founder_->wrapped_for(order.sealing_key) : Bytes{};
    node_->on_membership_issued(now_, order.ticket, crypto::sign(order.content, keys.message),
                                std::move(network_key));
  }
  void perform(LogRecord&) {}
  void perform(node::Stopped&) { MUST_HOLD(++stopped_ == 1); }

  /// Whatever a node says, one with our limits reads; and no bridge says a record (P-CR-12).
  void check_frame(const link::SendFrame& frame) const {
    if (frame.kind == link::FrameKind::text) {
      MUST_HOLD(wire::legacy::decode(as_text(frame.bytes)).has_value());
      return;
    }
    wire::native::FrameReader reader(frame.bytes, {});
    while (true) {
      const auto record = reader.next();
      MUST_HOLD(record.has_value());
      if (!*record) break;
      if (program_ == Program::dht) continue;
      const wire::Message& message = (**record).message;
      MUST_HOLD(!std::holds_alternative<wire::StoreRequest>(message));
      MUST_HOLD(!std::holds_alternative<wire::StoreResponse>(message));
      const auto* value = std::get_if<wire::FindValueResponse>(&message);
      MUST_HOLD(value == nullptr || !value->found);
    }
    MUST_HOLD(reader.unknown_records() == 0);
  }

  // ---- what the peers say
  void perform(std::size_t peer, link::ChannelSet::Effect& effect) {
    if (auto* news = std::get_if<link::ChannelSet::News>(&effect)) {
      if (const auto* request = std::get_if<link::Channel::Requested>(&news->news)) {
        if (questions_.size() < 256) {
          questions_.push_back({peer, news->connection, request->id, request->message});
        }
      }
      return;
    }
    std::visit([&](auto& order) { perform(peer, order); }, std::get<link::TransportOrder>(effect));
  }
  void perform(std::size_t peer, link::Dial& dial) {
    const link::ConnectionId at_node = node_->on_accepted(now_, {"192.0.2.8"});
    wires_.push_back({.at_node = at_node, .at_peer = dial.connection, .peer = peer});
    peers_[peer]->channels->on_dialled(now_, dial.connection);
  }
  void perform(std::size_t peer, link::SendFrame& frame) {
    peers_[peer]->channels->on_drained(now_, frame.connection, frame.bytes.size());
    const Wire* wire = find(peer, frame.connection);
    if (wire != nullptr) node_->on_frame(now_, wire->at_node, frame.kind, frame.bytes);
  }
  void perform(std::size_t peer, link::CloseTransport& close) {
    const Wire* found = find(peer, close.connection);
    if (found == nullptr) return;
    const link::ConnectionId at_node = found->at_node;
    forget(at_node);
    lost_.insert(at_node);
    node_->on_closed(now_, at_node, static_cast<std::uint16_t>(close.status), close.reason);
  }
  void perform(std::size_t peer, link::Sign& sign) {
    test::End& end = *peers_[peer];
    end.channels->on_signed(now_, sign.connection, sign.ticket,
                            end.suite.sign(end.pair, sign.message));
  }
  void perform(std::size_t peer, link::Verify& verify) {
    test::End& end = *peers_[peer];
    const bool valid = end.suite.verify(verify.key, verify.message, verify.signature);
    end.channels->on_verified(now_, verify.connection, verify.ticket, valid);
  }

  Wire* find(link::ConnectionId at_node) {
    const auto found = std::ranges::find(wires_, at_node, &Wire::at_node);
    return found == wires_.end() ? nullptr : &*found;
  }
  const Wire* find(std::size_t peer, link::ConnectionId at_peer) const {
    const auto found = std::ranges::find_if(
        wires_, [&](const Wire& wire) { return wire.peer == peer && wire.at_peer == at_peer; });
    return found == wires_.end() ? nullptr : &*found;
  }
  void forget(link::ConnectionId at_node) {
    std::erase_if(wires_, [&](const Wire& wire) { return wire.at_node == at_node; });
  }

  Input& input_;
  Program program_;
  unsigned ways_;
  crypto::Suite suite_{1};
  crypto::KeyPair pair_;
  std::optional<Founder> founder_;  ///< In a network that one enters by invitation.
  std::unique_ptr<node::Node> node_;
  Instant now_{std::chrono::seconds(1000)};
  std::vector<std::unique_ptr<test::End>> peers_;
  std::vector<Wire> wires_;
  /// Gone since the node was last drained: it may have spoken to them before it was told.
  std::set<link::ConnectionId> lost_;
  std::vector<link::ConnectionId> dials_;
  std::vector<Question> questions_;
  std::set<std::uint64_t> operations_;
  int stopped_ = 0;
};

}  // namespace

TRESTLE_FUZZ_TARGET(node) {
  Input decisions(input);
  Story(decisions).play();
}

}  // namespace trestle::fuzz
