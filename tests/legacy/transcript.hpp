#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/wire/json/parse.hpp"

namespace trestle::test {

/// One line of a recording of the JavaScript system that carries a frame or raw text.
struct Recorded {
  std::string file;
  int line = 0;
  std::string sender;
  /// The text on the wire.
  std::string text;
  /// The recorder could read it as JSON.
  bool is_json = true;

  std::string place() const { return file + ":" + std::to_string(line); }
};

inline std::vector<std::filesystem::path> transcript_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(TRESTLE_TEST_DATA "/legacy")) {
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

inline std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  REQUIRE(in);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The frames of one recording in order. The recordings are compact JSON, so a frame's raw text is
/// what was on the wire.
inline std::vector<Recorded> read_recording(const std::filesystem::path& file) {
  std::vector<Recorded> recorded;
  int number = 0;
  for (const std::string& line : lines_of(file)) {
    ++number;
    const auto document = wire::json::parse(line);
    INFO(file.string() << ":" << number);
    REQUIRE(document);
    const auto frame = document->root().member("frame");
    const auto raw = document->root().member("raw");
    if (!frame && !raw) continue;
    Recorded one;
    one.file = file.filename().string();
    one.line = number;
    one.sender = std::string(*document->root().member("from")->text());
    one.text = frame ? std::string(frame->raw()) : std::string(*raw->text());
    one.is_json = frame.has_value();
    recorded.push_back(one);
  }
  return recorded;
}

inline std::vector<Recorded> read_transcript(const std::string& name) {
  return read_recording(std::filesystem::path(TRESTLE_TEST_DATA "/legacy") / (name + ".jsonl"));
}

/// Every frame of every recording.
inline std::vector<Recorded> read_all_transcripts() {
  std::vector<Recorded> all;
  for (const auto& file : transcript_files()) {
    for (Recorded& one : read_recording(file)) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace trestle::test
