#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "file_layer.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {

struct CrashOptions {
  /// All subsets of up to so many steps that were not synced, random ones beyond.
  std::size_t whole_max = 10;
  std::size_t random_subsets = 256;
  /// The last write that survived may have been cut at any multiple of this.
  std::size_t torn_bytes = 512;
};

/// What a disk may hold after the power failed: everything that was synced, and any part of the
/// rest. A write may be torn. A name that was given or taken away is certain once the folder was
/// synced; until then the file of a name may be the old one, the new one, or none.
class CrashStates {
 public:
  using Visit = std::function<void(const FileImage&)>;

  CrashStates(FileImage begin, CrashOptions options, Rng rng)
      : options_(options), rng_(rng), names_() {
    for (auto& [path, content] : begin) {
      contents_.push_back(std::move(content));
      names_[path] = contents_.size() - 1;
    }
  }

  /// One more step was done; a sync makes certain what it covers.
  void add(const FileStep& step) {
    if (step.kind == FileStep::Kind::sync) {
      settle([&](const FileStep& waiting) {
        return is_content(waiting) && waiting.file == step.file;
      });
    } else if (step.kind == FileStep::Kind::sync_folder) {
      settle([](const FileStep& waiting) { return !is_content(waiting); });
    } else {
      waiting_.push_back(step);
    }
  }

  /// What was written to that file and not synced never will be.
  void give_up(std::size_t file) {
    std::erase_if(waiting_, [&](const FileStep& waiting) {
      return is_content(waiting) && waiting.file == file;
    });
  }

  /// What is there if nothing survives that was not synced.
  FileImage certain() {
    FileImage image;
    visit_image([](std::size_t) { return false; }, 0, 0,
                [&](const FileImage& found) { image = found; });
    return image;
  }

  /// Every image that may be found if the power fails now.
  void visit(const Visit& found) {
    const std::size_t count = waiting_.size();
    if (count <= options_.whole_max) {
      for (std::uint64_t subset = 0; subset < std::uint64_t{1} << count; ++subset) {
        visit_subset([&](std::size_t index) { return (subset >> index & 1) != 0; }, found);
      }
      return;
    }
    for (std::size_t trial = 0; trial < options_.random_subsets; ++trial) {
      std::vector<bool> chosen(count);
      // Sparse, dense and even ones.
      const std::uint64_t percent = 5 + rng_.below(91);
      for (std::size_t index = 0; index < count; ++index) chosen[index] = rng_.chance(percent, 100);
      visit_subset([&](std::size_t index) { return bool(chosen[index]); }, found);
    }
  }

 private:
  static bool is_content(const FileStep& step) {
    return step.kind == FileStep::Kind::write || step.kind == FileStep::Kind::truncate;
  }

  static void apply(const FileStep& step, std::vector<Bytes>& contents,
                    std::map<std::string, std::size_t>& names) {
    if (contents.size() <= step.file) contents.resize(step.file + 1);
    if (is_content(step)) {
      FileLayer::apply(step, contents[step.file]);
    } else if (step.kind == FileStep::Kind::make) {
      names[step.path] = step.file;
    } else {
      names.erase(step.path);
    }
  }

  template <typename Covered>
  void settle(Covered covered) {
    std::vector<FileStep> rest;
    for (FileStep& step : waiting_) {
      if (covered(step)) {
        apply(step, contents_, names_);
      } else {
        rest.push_back(std::move(step));
      }
    }
    waiting_ = std::move(rest);
  }

  template <typename Chosen>
  void visit_subset(Chosen chosen, const Visit& found) {
    std::size_t last = waiting_.size();
    for (std::size_t index = 0; index < waiting_.size(); ++index) {
      if (chosen(index)) last = index;
    }
    visit_image(chosen, last, 0, found);
    if (last == waiting_.size() || waiting_[last].kind != FileStep::Kind::write) return;
    const std::size_t length = waiting_[last].bytes.size();
    for (std::size_t cut = options_.torn_bytes; cut < length; cut += options_.torn_bytes) {
      visit_image(chosen, last, cut, found);
    }
  }

  template <typename Chosen>
  void visit_image(Chosen chosen, std::size_t last, std::size_t cut, const Visit& found) {
    std::vector<Bytes> contents = contents_;
    std::map<std::string, std::size_t> names = names_;
    for (std::size_t index = 0; index < waiting_.size(); ++index) {
      if (!chosen(index)) continue;
      if (index == last && cut > 0) {
        FileStep torn = waiting_[index];
        torn.bytes.resize(cut);
        apply(torn, contents, names);
      } else {
        apply(waiting_[index], contents, names);
      }
    }
    FileImage image;
    for (const auto& [path, file] : names)
      image[path] = file < contents.size() ? contents[file] : Bytes();
    found(image);
  }

  CrashOptions options_;
  Rng rng_;
  std::vector<Bytes> contents_;
  std::map<std::string, std::size_t> names_;
  std::vector<FileStep> waiting_;
};

}  // namespace trestle::test
