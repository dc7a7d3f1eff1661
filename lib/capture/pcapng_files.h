#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "capture/block_file.h"
#include "capture/pcapng.h"

namespace ringway {

/// What becomes of one capture's packets.
struct CaptureSettings {
  std::string name;
  std::string file;
  std::uint32_t snap = 0;          ///< most bytes of a packet
  std::uint64_t rotate_bytes = 0;  ///< of a file; 0: no limit
  unsigned rotate_seconds = 0;     ///< 0: no limit
  unsigned rotate_files = 0;       ///< that are kept; 0: all
  std::vector<PcapngInterface> interfaces;
};

/// Name of the n-th file (from 1) of a capture that rotates, as dumpcap names them: `out_00001_20261122141500.pcapng`
/// of `out.pcapng`, in local time.
std::string rotated_name(const std::string& file, unsigned n, std::int64_t seconds);

/// The files of one capture. Main thread at set-up, then the writer's, and at last main's again; counts: any thread.
class PcapngFiles {
 public:
  /// What the capture's interfaces have seen up to a time, for the end of a file.
  using Statistics = std::function<std::vector<PcapngStatistics>(std::uint64_t end_ns)>;

  /// Opens the folder and the first file. `io` and `ledger`, the copy ledger of the thread that writes, outlive it.
  /// Throws Error with the file and the cause.
  PcapngFiles(const CaptureSettings& settings, BlockIo& io, Counters& ledger, Statistics statistics,
              std::uint64_t now_ns);
  ~PcapngFiles();
  PcapngFiles(const PcapngFiles&) = delete;
  PcapngFiles& operator=(const PcapngFiles&) = delete;

  /// Copies a packet into the file, up to `snap` bytes of it; the mbuf stays the caller's. `options`: of
  /// packet_options().
  void write(const rte_mbuf* packet, std::uint32_t interface, std::uint64_t ns, const std::string& options);
  /// Has what waits for a full block written when it has waited for a while; to be called once a second.
  void tend();
  /// Completes the last file.
  void close(std::uint64_t now_ns);

  const CaptureSettings& settings() const noexcept { return settings_; }
  /// Whether files are written past the page cache, as far as is known.
  bool direct() const noexcept { return file_.direct(); }

  std::uint64_t written() const noexcept { return written_.get(); }  ///< packets in files
  std::uint64_t lost() const noexcept { return lost_.get(); }        ///< packets that could not be written
  std::uint64_t bytes() const noexcept { return bytes_.get(); }      ///< in files
  std::uint64_t files() const noexcept { return files_.get(); }      ///< begun
  /// Why nothing is written any more; empty: it is.
  std::string error() const;

 private:
  void begin(std::uint64_t now_ns, bool exclusive);
  void end(std::uint64_t now_ns);
  bool wants_new_file(std::size_t bytes, std::uint64_t ns) const noexcept;
  void put(const std::string& record);
  void note_error(int error);
  void publish() noexcept;

  CaptureSettings settings_;
  Statistics statistics_;
  std::string stem_;  // of the names of files in the folder
  std::string head_;  // of each file: what describes the section and the interfaces
  int folder_ = -1;
  BlockFile file_;
  std::deque<std::string> names_;  // of files that are there, the oldest first
  std::uint64_t begun_ns_ = 0;
  std::uint64_t begun_bytes_ = 0;  // of the file before its first packet
  std::uint64_t blocks_ = 0;       // when last tended
  std::uint64_t packets_ = 0;      // given to it
  Counter written_;
  Counter lost_;
  Counter bytes_;
  Counter files_;
  std::string failed_;          // the file with the error; not before there is one
  std::atomic<int> error_ = 0;  // an errno
};

}  // namespace ringway
