#include "doctor/host.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>
#include <utility>

namespace ringway {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMostNumbers = 4096;  // of one list; more are not CPUs or nodes

unsigned read_number(const fs::path& file) {
  unsigned value = 0;
  std::ifstream(file) >> value;
  return value;
}

}  // namespace

HostFacts probe_host(const fs::path& root) {
  HostFacts host;
  host.cpus = numbers_of(line_behind(root / "proc/self/status", "Cpus_allowed_list:"));
  const std::string kib = line_behind(root / "proc/meminfo", "MemTotal:");
  std::from_chars(kib.data(), kib.data() + kib.size(), host.memory_mib);
  host.memory_mib /= 1024;
  return host;
}

std::vector<HugepageFacts> probe_hugepages(const fs::path& root) {
  std::vector<HugepageFacts> all;
  const fs::path nodes = root / "sys/devices/system/node";
  for (const std::string& node : names_in(nodes)) {
    const int socket = number_behind(node, "node");
    for (const std::string& size : names_in(nodes / node / "hugepages")) {
      const int page_kib = number_behind(size, "hugepages-");
      if (socket >= 0 && page_kib > 0) {
        all.push_back({.socket = static_cast<unsigned>(socket),
                       .page_kib = static_cast<unsigned>(page_kib),
                       .total = read_number(nodes / node / "hugepages" / size / "nr_hugepages"),
                       .free = read_number(nodes / node / "hugepages" / size / "free_hugepages")});
      }
    }
  }
  std::sort(all.begin(), all.end(), [](const HugepageFacts& a, const HugepageFacts& b) {
    return std::pair(a.socket, a.page_kib) < std::pair(b.socket, b.page_kib);
  });
  return all;
}

std::string first_word(const fs::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

std::string line_behind(const fs::path& file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) {
      const std::size_t value = line.find_first_not_of(" \t", name.size());
      return value == std::string::npos ? std::string{} : line.substr(value);
    }
  }
  return {};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (fs::directory_iterator entry(folder, none), end; !none && entry != end; entry.increment(none)) {
    names.push_back(entry->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

int number_behind(std::string_view name, std::string_view prefix) {
  int value = -1;
  if (name.starts_with(prefix)) {
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), value);
  }
  return value;
}

std::vector<unsigned> numbers_of(std::string_view list) {
  std::vector<unsigned> numbers;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    unsigned first = 0;
    auto read = std::from_chars(at, end, first);
    unsigned last = first;
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
    }
    const bool more = read.ptr != end && *read.ptr == ',' && read.ptr + 1 != end;
    if (read.ec != std::errc{} || last < first || last - first >= kMostNumbers || (read.ptr != end && !more)) {
      return {};
    }
    for (unsigned number = first; number <= last; ++number) {
      numbers.push_back(number);
    }
    at = more ? read.ptr + 1 : end;
  }
  return numbers;
}

}  // namespace ringway
