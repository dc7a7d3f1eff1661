#pragma once

#include <cstdint>
#include <string>

#include "ladder/memory_file.h"

namespace ringway {

// Network namespaces without a name outside: they end with the last process and descriptor that has them. All of it
// for a process that has one thread, and needs root, or a kernel that lets users have namespaces of their own. Throws
// CannotRun where that is not allowed.

/// Whoever is not root becomes root of a namespace of users; before all else.
void become_able();

/// A new one, which path_of() names for `ip`, and in which the process is from then on.
Descriptor new_network();

/// The calling thread is in that one from then on.
void enter_network(const Descriptor& network);

/// Runs lines of `ip -batch` in the namespace that the thread is in. Throws CannotRun with what `ip` says.
void run_ip(const std::string& lines);

/// Sets a switch of /proc/sys/net there, where the kernel has it.
void set_network_switch(const std::string& name, bool on);

/// One of ethtool's switches of an interface there (ETHTOOL_GTSO, ETHTOOL_STSO); what it is, or was set to. -1:
/// refused.
int interface_switch(const std::string& interface, std::uint32_t command, std::uint32_t value = 0);

}  // namespace ringway
