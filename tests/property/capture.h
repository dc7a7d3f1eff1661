#pragma once

#include <pcap/pcap.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ringway {

/// A frame of a capture, and when it was captured.
struct Record {
  timeval at{};  ///< to the microsecond
  std::vector<std::uint8_t> bytes;
};

/// Every record of a capture of Ethernet frames. Throws Error with the path and the cause.
std::vector<Record> read_capture(const std::string& path);

/// A capture that is being written: Ethernet, microseconds.
class CaptureWriter {
 public:
  /// Throws Error with the path and the cause.
  explicit CaptureWriter(const std::string& path);

  void write(const Record& record);

  /// Throws Error when not everything has reached the file.
  void finish();

 private:
  std::string path_;
  std::unique_ptr<pcap_t, void (*)(pcap_t*)> form_;
  std::unique_ptr<pcap_dumper_t, void (*)(pcap_dumper_t*)> file_;
};

}  // namespace ringway
