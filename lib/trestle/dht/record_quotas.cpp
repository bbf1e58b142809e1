#include "trestle/dht/record_quotas.hpp"

#include "trestle/base/assertion.hpp"

namespace trestle::dht {

RecordQuotas::RecordQuotas(const NodeId& owner, const RecordQuotaOptions& options)
    : owner_(owner), options_(options) {
  TRESTLE_ASSERT(options.group_share_divisor >= 1);
}

template <typename Key>
RecordQuotas::Usage RecordQuotas::usage_of(const std::map<Key, Usage>& usages, const Key& key) {
  const auto known = usages.find(key);
  return known == usages.end() ? Usage{} : known->second;
}

template <typename Key>
void RecordQuotas::add(std::map<Key, Usage>& usages, const Key& key, std::size_t bytes) {
  Usage& usage = usages[key];
  ++usage.records;
  usage.bytes += bytes;
}

template <typename Key>
void RecordQuotas::remove(std::map<Key, Usage>& usages, const Key& key, std::size_t bytes) {
  const auto known = usages.find(key);
  TRESTLE_ASSERT(known != usages.end() && known->second.bytes >= bytes);
  --known->second.records;
  known->second.bytes -= bytes;
  if (known->second.records == 0) usages.erase(known);
}

RecordQuotas::Verdict RecordQuotas::judge(const QuotaCharge& wanted,
                                          const QuotaCharge* replaced) const {
  const auto without = [&](Usage usage, bool is_freed) {
    if (!is_freed) return usage;
    --usage.records;
    usage.bytes -= replaced->bytes;
    return usage;
  };
  const auto is_over = [&](const Usage& usage, std::size_t records_max, std::size_t bytes_max) {
    return usage.records + 1 > records_max || usage.bytes + wanted.bytes > bytes_max;
  };
  const bool frees_share = replaced != nullptr && replaced->takes_share;
  if (wanted.source != owner_) {
    const Usage source = without(usage_of(by_source_, wanted.source),
                                 frees_share && replaced->source == wanted.source);
    if (is_over(source, options_.records_per_source_max, options_.bytes_per_source_max)) {
      return Verdict::share_full;
    }
  }
  if (!wanted.group.is_exempt()) {
    const Usage group =
        without(usage_of(by_group_, wanted.group), frees_share && replaced->group == wanted.group);
    if (is_over(group, options_.records_max / options_.group_share_divisor,
                options_.bytes_max / options_.group_share_divisor)) {
      return Verdict::share_full;
    }
  }
  const Usage total = without(total_, replaced != nullptr);
  return is_over(total, options_.records_max, options_.bytes_max) ? Verdict::store_full
                                                                  : Verdict::fits;
}

void RecordQuotas::book(const QuotaCharge& charge) {
  ++total_.records;
  total_.bytes += charge.bytes;
  if (!charge.takes_share) return;
  add(by_source_, charge.source, charge.bytes);
  if (!charge.group.is_exempt()) add(by_group_, charge.group, charge.bytes);
}

void RecordQuotas::unbook(const QuotaCharge& charge) {
  TRESTLE_ASSERT(total_.records > 0 && total_.bytes >= charge.bytes);
  --total_.records;
  total_.bytes -= charge.bytes;
  if (!charge.takes_share) return;
  remove(by_source_, charge.source, charge.bytes);
  if (!charge.group.is_exempt()) remove(by_group_, charge.group, charge.bytes);
}

}  // namespace trestle::dht
