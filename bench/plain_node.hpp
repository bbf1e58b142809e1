#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "trestle/node/node.hpp"

namespace trestle::bench {

/// What every node under measurement answers the same way: no data, no calendar, always well.
class PlainNode : public node::Node {
 public:
  void begin_shutdown(Instant) override {}
  void on_wall_clock(Instant, WallTime) override {}
  Result<node::OperationId, ErrorCode> put(Instant, std::string, Bytes, Duration) override {
    return refuse(ErrorCode::unsupported);
  }
  Result<node::OperationId, ErrorCode> get(Instant, std::string) override {
    return refuse(ErrorCode::unsupported);
  }
  Result<node::OperationId, ErrorCode> find(Instant, const NodeId&) override {
    return refuse(ErrorCode::unsupported);
  }
  node::Status status(Instant) const override { return {}; }
  bool is_healthy(Instant) const override { return true; }

 protected:
  static node::Effect as_effect(link::TransportOrder&& order) {
    return std::visit([](auto&& one) { return node::Effect(std::move(one)); }, std::move(order));
  }
};

}  // namespace trestle::bench
