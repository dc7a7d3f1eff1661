#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringway {

/// `a, b and c`; empty for no names.
std::string join(const std::vector<std::string>& names, std::string_view last = "and");

/// `a<between>b<between>c`; empty for no parts.
std::string joined(const std::vector<std::string>& parts, std::string_view between);

/// A device string without its devargs: what stands before the first comma, `net_pcap0` of `net_pcap0,rx_pcap=a.pcap`.
std::string device_name(std::string_view device);

/// The folder that a file of that name is in, `.` where the name has none.
std::string folder_of(const std::string& file);

/// `; did you mean 'west'?` for the candidate nearest to `name`, or nothing when none is near: at most two edits
/// (insert, delete, replace, swap of neighbours) and fewer than half of the name's letters.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace ringway
