#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "plan/eal_args.h"
#include "plan/inventory.h"

namespace ringway {

/// What the kernel tells in text files, read below a folder that tests can point at a tree of their own.

/// CPUs of this process's affinity and the machine's memory.
HostFacts probe_host(const std::filesystem::path& root = "/");

/// Hugepages of every size on every NUMA socket, as the kernel counts them now.
std::vector<HugepageFacts> probe_hugepages(const std::filesystem::path& root = "/");

/// The first word of a file; empty when it is not there.
std::string first_word(const std::filesystem::path& file);

/// What stands behind a name such as `VmLck:` or `Max locked memory` at the start of a line; empty when no line has it.
std::string line_behind(const std::filesystem::path& file, std::string_view name);

/// The names in a folder, sorted; none when it is not there.
std::vector<std::string> names_in(const std::filesystem::path& folder);

/// The number behind a prefix in a name, such as 1 in `node1`; -1 when there is none.
int number_behind(std::string_view name, std::string_view prefix);

/// The numbers of a list such as `0-2,7`, in its order; none when it is not one.
std::vector<unsigned> numbers_of(std::string_view list);

}  // namespace ringway
