#pragma once

#include <optional>
#include <string>

#include "trestle/base/node_id.hpp"
#include "trestle/host/doctor_report.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// The program itself, if it runs on these settings already.
struct RunningProgram {
  NodeId id{};
  std::string address;
  std::string version;
};

/// Asks the admin listener of the settings. Nothing if nobody answers there.
std::optional<RunningProgram> find_running(const Settings& settings);

/// The data folder: there or to be made, ours, with space, locked by nobody else.
void examine_data_folder(const Settings& settings, bool is_running, DoctorReport& report);

/// The address to listen on; the socket, if it could be had.
std::optional<ListeningSocket> examine_listening(const Settings& settings, DoctorReport& report);

}  // namespace trestle::host
