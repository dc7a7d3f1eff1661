#include "capture/pcapng_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "core/errors.h"
#include "core/text.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSecond = 1'000'000'000;

[[noreturn]] void fail(const std::string& name, const std::string& file, const std::string& cause,
                       ExitStatus status = ExitStatus::kFailed) {
  throw Error(status, "capture '" + name + "': cannot write " + file + ": " + cause);
}

[[noreturn]] void fail(const std::string& name, const std::string& file, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  const bool taken = error == EWOULDBLOCK;
  const bool misnamed = error == ENOENT || error == ENOTDIR || error == EISDIR;
  fail(name, file,
       taken
           ? "another capture writes it, or it is replayed; expected another file"
           : std::string(std::strerror(error)) + (denied     ? "; expected a folder that this user may write to"
                                                  : misnamed ? "; expected the name of a file in a folder that is there"
                                                             : ""),
       denied     ? ExitStatus::kPermission
       : misnamed ? ExitStatus::kResourceMissing
                  : ExitStatus::kFailed);
}

}  // namespace

std::string rotated_name(const std::string& file, unsigned n, std::int64_t seconds) {
  const fs::path name(file);
  const auto time = static_cast<time_t>(seconds);
  tm local{};
  localtime_r(&time, &local);
  char middle[64];
  const std::size_t digits = static_cast<std::size_t>(std::snprintf(middle, sizeof middle, "_%05u_", n));
  std::strftime(middle + digits, sizeof middle - digits, "%Y%m%d%H%M%S", &local);
  return name.stem().string() + middle + name.extension().string();
}

PcapngFiles::PcapngFiles(const CaptureSettings& settings, BlockIo& io, Counters& ledger, Statistics statistics,
                         std::uint64_t now_ns)
    : settings_(settings),
      statistics_(std::move(statistics)),
      stem_(fs::path(settings.file).filename()),
      head_(section_block("capture " + settings.name)),
      file_(io, ledger) {
  for (const PcapngInterface& interface : settings_.interfaces) {
    head_ += interface_block(interface);
  }
  tzset();  // once opening files is over it would find no time zone
  struct stat there {};
  if (stat(settings_.file.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    fail(settings_.name, settings_.file, "it is no regular file; expected another name");
  }
  folder_ = ::open(folder_of(settings_.file).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder_ < 0) {
    fail(settings_.name, settings_.file, errno);
  }
  begin(now_ns, false);
  if (const int error = error_) {
    ::close(folder_);
    fail(settings_.name, settings_.file, error);
  }
}

PcapngFiles::~PcapngFiles() {
  if (folder_ >= 0) {
    ::close(folder_);
  }
}

void PcapngFiles::begin(std::uint64_t now_ns, bool exclusive) {
  const bool rotates = settings_.rotate_bytes > 0 || settings_.rotate_seconds > 0;
  const auto number = static_cast<unsigned>(files_.get() + 1);
  names_.push_back(rotates ? rotated_name(stem_, number, static_cast<std::int64_t>(now_ns / kSecond)) : stem_);
  if (const int error = file_.open(folder_, names_.back(), exclusive)) {
    note_error(error);
    return;
  }
  files_.add(1);
  while (settings_.rotate_files > 0 && names_.size() > settings_.rotate_files) {
    unlinkat(folder_, names_.front().c_str(), 0);
    names_.pop_front();
  }
  put(head_);
  begun_ns_ = now_ns;
  begun_bytes_ = file_.bytes();
  blocks_ = 0;
}

void PcapngFiles::end(std::uint64_t now_ns) {
  for (const PcapngStatistics& statistics : statistics_(now_ns)) {
    put(statistics_block(statistics));
  }
  note_error(file_.close());
}

bool PcapngFiles::wants_new_file(std::size_t bytes, std::uint64_t ns) const noexcept {
  const std::uint64_t now = file_.bytes();
  const bool empty = now == begun_bytes_;
  const std::size_t end = settings_.interfaces.size() * kStatisticsBytes;
  const bool full = settings_.rotate_bytes > 0 && now + bytes + end > settings_.rotate_bytes;
  const bool late = settings_.rotate_seconds > 0 && ns >= begun_ns_ + settings_.rotate_seconds * kSecond;
  return !empty && (full || late);
}

void PcapngFiles::write(const rte_mbuf* packet, std::uint32_t interface, std::uint64_t ns, const std::string& options) {
  ++packets_;
  const std::uint32_t captured = std::min(packet->pkt_len, settings_.snap);
  const std::size_t bytes = packet_block_bytes(captured, options);
  if (error_.load(std::memory_order_relaxed) == 0 && wants_new_file(bytes, ns)) {
    end(ns);
    if (error_ == 0) {
      begin(ns, true);
    }
  }
  if (error_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    publish();
    return;
  }
  PacketHead head;
  head.interface = interface;
  head.time_high = static_cast<std::uint32_t>(ns >> 32U);
  head.time_low = static_cast<std::uint32_t>(ns);
  head.captured_bytes = captured;
  head.packet_bytes = packet->pkt_len;
  file_.copy_packet(write_packet_block(file_.next(), head, options), packet, captured);
  file_.add(bytes, true);
  publish();
}

void PcapngFiles::put(const std::string& record) {
  std::uint8_t* to = file_.next();
  for (const char c : record) {
    *to++ = static_cast<std::uint8_t>(c);
  }
  file_.add(record.size(), false);
}

void PcapngFiles::tend() {
  const std::uint64_t blocks = file_.bytes() / BlockFile::kBytes;
  if (file_.is_open() && blocks == std::exchange(blocks_, blocks) && file_.dirty()) {
    file_.flush();
    publish();
  }
}

void PcapngFiles::close(std::uint64_t now_ns) {
  if (file_.is_open()) {
    end(now_ns);
  }
  publish();
}

/// The first error stays.
void PcapngFiles::note_error(int error) {
  if (error != 0 && error_ == 0) {
    failed_ = fs::path(settings_.file).replace_filename(names_.back());
    error_ = error;
  }
}

void PcapngFiles::publish() noexcept {
  if (file_.error() != 0 && file_.is_open()) [[unlikely]] {
    note_error(file_.close());
  }
  written_.set(file_.packets_in_file());
  bytes_.set(file_.bytes_in_files());
  if (error_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    lost_.set(packets_ - file_.packets_in_file());
  }
}

std::string PcapngFiles::error() const {
  const int error = error_;
  return error == 0 ? "" : failed_ + ": " + std::strerror(error);
}

}  // namespace ringway
