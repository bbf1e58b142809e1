#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/crypto/revocation_list.hpp"

namespace trestle::admission {

struct GatekeeperOptions {
  crypto::NetworkHash network{};
  /// Whose word everything else follows from. A network has one, or a few for succession.
  std::vector<crypto::Ed25519Key> founders{};
  /// Tokens known by content, whose signatures need no second check. More than any member has
  /// links; some 300 bytes each.
  std::size_t known_max = 1024;
};

struct GatekeeperStats {
  std::uint64_t checked = 0;  ///< Signatures.
  std::uint64_t known = 0;    ///< Tokens that needed no check any more.
  std::uint64_t refused = 0;  ///< Of those presented.
};

/// What somebody shows who says that it is a member.
struct Presented {
  ByteSpan membership;
  ByteSpan certificate;  ///< Empty if a founder issued the membership.
};

/// A membership that is good, and for how long.
struct Admitted {
  crypto::VerifiedMembership membership;
  /// When it ends, or the word on its issuer.
  WallTime until{};
};

/// Who is a member, for whoever meets somebody on a link: a policy that needs to know the founders'
/// keys and nothing else.
///
///     founder --certificate--> bridge --membership--> member
///
/// A membership that a founder issued is a certificate, too: its holder may issue memberships.
/// Those that it issued are good as long as it is a member itself. So an operator tells his
/// programs one key, whatever the number of bridges.
///
/// Keeps the founders' lists of revocations as well. A list is never replaced by an older one.
class Gatekeeper {
 public:
  using Mark = std::array<std::uint8_t, 8>;

  explicit Gatekeeper(GatekeeperOptions options);

  /// INVALID_TOKEN whatever is wrong with it (T23). `presenter` has proven its id on the link.
  Result<Admitted, ErrorCode> check(crypto::Suite& suite, WallTime now, const NodeId& presenter,
                                    const Presented& presented);

  /// The list, if it is new and in force now. OUTDATED: a newer one is, or this one already.
  /// UNAUTHORIZED: it is signed by no founder of this network. PROTOCOL_ERROR, TOO_LARGE: none.
  Result<crypto::VerifiedRevocationList, ErrorCode> adopt(ByteSpan list);

  /// It alone, or somebody above it with his branch, as far as the way up was seen here.
  bool is_revoked(crypto::Suite& suite, const crypto::Membership& membership) const;
  bool is_founder(const crypto::Ed25519Key& key) const;

  /// Equal where the same lists are in force; zero where there are none.
  Mark mark(crypto::Suite& suite) const;
  /// Those in force, encoded.
  std::vector<Bytes> lists() const;
  const GatekeeperStats& stats() const { return stats_; }

 private:
  struct Seen {
    NodeId id;
    crypto::Ed25519Key inviter;
  };

  bool is_genuine(crypto::Suite& suite, const crypto::Membership& token);
  bool is_within(WallTime now, const crypto::Membership& token) const;
  /// When the issuer's right to issue ends; long past if it has none.
  WallTime issuer_until(crypto::Suite& suite, WallTime now, const crypto::Membership& token,
                        ByteSpan certificate);
  void remember(const crypto::Digest256& digest, const NodeId& id, const crypto::Membership& token);

  GatekeeperOptions options_;
  std::vector<crypto::RevocationList> lists_;  ///< One for each founder, in their order.
  FlatMap<crypto::Digest256, crypto::Ed25519Key> known_;
  /// A list, since an empty deque takes half a kilobyte, and in open networks it stays empty.
  std::list<crypto::Digest256> known_by_age_;
  /// By the key with which a member signs its invitations: the ways up.
  FlatMap<crypto::Ed25519Key, Seen> seen_;
  GatekeeperStats stats_;
};

}  // namespace trestle::admission
