#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ladder/descriptor.h"
#include "ladder/packet_frame.h"

namespace ringway {

inline constexpr const char* kSourceAddress = "10.11.1.1";
inline constexpr const char* kSinkAddress = "10.11.2.1";
inline constexpr Mac kSourceMac = {2, 0, 0, 0, 1, 1};
inline constexpr Mac kLeftMac = {2, 0, 0, 0, 1, 2};
inline constexpr Mac kRightMac = {2, 0, 0, 0, 2, 2};
inline constexpr Mac kSinkMac = {2, 0, 0, 0, 2, 1};

/// As `ip` writes it.
std::string text_of(const Mac& mac);

/// Two pairs of veth interfaces and three network namespaces: a source whose `far` is the other end of `left`, a sink
/// whose `far` is that of `right`, and the middle, where the process that makes this lives from then on. All of it has
/// no name outside and ends with the process, however that ends. A third pair, `direct`, joins source and sink with
/// nothing between.
class Wires {
 public:
  /// Once in a process that has one thread only. Needs root, or a kernel that lets users have namespaces of their own.
  /// Throws CannotRun.
  Wires();

  /// Opens a socket there.
  Descriptor in_source(const std::function<Descriptor()>& open) const { return inside(source_, open); }
  Descriptor in_sink(const std::function<Descriptor()>& open) const { return inside(sink_, open); }

  /// Runs lines of `ip -batch` where the source is. Throws CannotRun with what `ip` says.
  void configure_source(const std::string& lines) const;

 private:
  Descriptor inside(const Descriptor& space, const std::function<Descriptor()>& open) const;

  Descriptor middle_;
  Descriptor source_;
  Descriptor sink_;
};

/// A packet socket on an interface of the namespace that the thread is in, with a long queue. It hears all frames that
/// come in; one that is to send only hears none.
enum class Hears { kAll, kNothing };
Descriptor open_packet_socket(const std::string& interface, Hears hears);

}  // namespace ringway
