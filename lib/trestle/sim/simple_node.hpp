#pragma once

#include <optional>
#include <string>
#include <utility>

#include "trestle/base/outbox.hpp"
#include "trestle/node/node.hpp"

namespace trestle::sim {

/// What a part of a node needs to live in a world by itself: it keeps no data, has no operations
/// and no calendar, and goes when it is asked to. The studies derive from it.
class SimpleNode : public node::Node {
 public:
  void begin_shutdown(Instant) override { outbox_.push(node::Stopped{}); }
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
  void order(link::TransportOrder&& transport_order) {
    std::visit([this](auto&& one) { outbox_.push(std::move(one)); }, std::move(transport_order));
  }

  Outbox<node::Effect> outbox_;
};

}  // namespace trestle::sim
