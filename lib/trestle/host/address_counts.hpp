#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace trestle::host {

/// How many of something each address has. Its owner bounds how many there are in all.
class AddressCounts {
 public:
  /// Whether there may be one more from there, which from loopback there always may.
  bool admits(std::string_view address, std::size_t per_address_max) const;
  void add(std::string_view address);
  /// One that was added.
  void remove(std::string_view address);
  /// Addresses that have any.
  std::size_t size() const { return counts_.size(); }

 private:
  std::map<std::string, std::size_t, std::less<>> counts_;
};

}  // namespace trestle::host
