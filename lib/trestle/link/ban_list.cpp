#include "trestle/link/ban_list.hpp"

#include <algorithm>
#include <utility>

namespace trestle::link {

bool BanList::on_offence(Instant now, std::string_view who) {
  ++stats_.offences;
  Offender* known = offender(now, who);
  if (known == nullptr) return false;
  if (now > after(known->last, options_.offence_counts_for)) known->offences = 0;
  known->last = now;
  if (++known->offences < options_.offences_max) return false;
  return ban(now, who);
}

bool BanList::ban(Instant now, std::string_view who) {
  Offender* known = offender(now, who);
  if (known == nullptr) return false;
  const bool is_new = known->banned_until <= now;
  if (is_new) ++stats_.bans;
  known->last = now;
  known->offences = 0;
  known->banned_until = after(now, options_.ban_for);
  return is_new;
}

Duration BanList::left(Instant now, std::string_view who) const {
  if (offenders_.empty()) return Duration::zero();
  const Offender* known = offenders_.find(std::string(who));
  return known == nullptr ? Duration::zero()
                          : std::max(known->banned_until - now, Duration::zero());
}

std::vector<BanList::Ban> BanList::bans(Instant now) const {
  std::vector<Ban> bans;
  for (const auto& [who, offender] : offenders_) {
    if (offender.banned_until > now) bans.push_back({who, offender.banned_until - now});
  }
  return bans;
}

BanList::Offender* BanList::offender(Instant now, std::string_view who) {
  const std::string key(who);
  if (Offender* known = offenders_.find(key)) return known;
  if (offenders_.size() >= options_.offenders_max) {
    offenders_.erase_if([&](const auto& entry) { return is_forgotten(now, entry.second); });
  }
  if (offenders_.size() >= options_.offenders_max) {
    // Who is banned comes last.
    const auto order = [now](const auto& entry) {
      return std::pair(entry.second.banned_until > now, entry.second.last);
    };
    const auto oldest = std::min_element(
        offenders_.begin(), offenders_.end(),
        [&](const auto& left, const auto& right) { return order(left) < order(right); });
    if (oldest->second.banned_until > now) return nullptr;
    offenders_.erase(oldest);
  }
  return offenders_.insert(key, {}).first;
}

bool BanList::is_forgotten(Instant now, const Offender& offender) const {
  return offender.banned_until <= now && now > after(offender.last, options_.offence_counts_for);
}

}  // namespace trestle::link
