#pragma once

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::bench {

/// `--name value` pairs of a measuring program. Only bench/run.py starts these, so a wrong one ends
/// the program.
class Flags {
 public:
  Flags(int argc, char** argv) {
    for (int index = 1; index + 1 < argc; index += 2) {
      values_[std::string(argv[index]).substr(2)].emplace_back(argv[index + 1]);
    }
  }

  std::string text(const std::string& name, std::string_view otherwise = {}) const {
    const auto place = values_.find(name);
    return place == values_.end() ? std::string(otherwise) : place->second.back();
  }
  long number(const std::string& name, long otherwise) const {
    const auto place = values_.find(name);
    return place == values_.end() ? otherwise : std::strtol(place->second.back().c_str(), {}, 10);
  }
  std::vector<std::string> all(const std::string& name) const {
    const auto place = values_.find(name);
    return place == values_.end() ? std::vector<std::string>{} : place->second;
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace trestle::bench
