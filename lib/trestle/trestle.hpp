#pragma once

/// Everything a service needs that embeds a node, in one include; it belongs to the CMake target
/// `trestle::trestle`. It only gathers headers: each of them can be included alone.
///
///   host::Service           a node on real sockets in one object, usable from any thread
///   node::BootstrapNode     lets newcomers in, asks the bridges to introduce them
///   node::BridgeNode        introduces newcomers to members; asks a bridge::AdmissionPolicy
///   node::DhtNode           a full member: put, get, find
///   node::Node              the contract between a node and whatever drives it: for own loops
///   host::EventLoop, host::Runner, host::Log, host::Timer    the parts that Service is made of
///
/// Studies in virtual time include `trestle/sim/world.hpp` and link `trestle::sim` instead.

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/bridge/admission_policy.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/runner.hpp"
#include "trestle/host/service.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/options.hpp"
