#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace trestle::host {

/// How many of something each address has, or each network of addresses. Its owner bounds how many
/// there are in all, and leaves out whom it exempts.
class AddressCounts {
 public:
  enum class By : std::uint8_t { address, network };

  explicit AddressCounts(By by = By::address) : by_(by) {}

  /// Whether there may be one more from there.
  bool admits(std::string_view address, std::size_t max) const;
  void add(std::string_view address);
  /// One that was added.
  void remove(std::string_view address);
  /// Addresses or networks that have any.
  std::size_t size() const { return counts_.size(); }

 private:
  std::string key_of(std::string_view address) const;

  By by_;
  std::map<std::string, std::size_t, std::less<>> counts_;
};

}  // namespace trestle::host
