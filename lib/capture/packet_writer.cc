#include "capture/packet_writer.h"

#include <rte_lcore.h>
#include <rte_prefetch.h>

#include <cstring>
#include <utility>

#include "core/errors.h"

namespace ringway {
namespace {

/// How long it sleeps when nothing is there: less than a default ring takes to fill at 10 Gbit/s.
constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 100'000};

}  // namespace

PacketWriter::~PacketWriter() {
  stop();
}

void PacketWriter::add_capture(const CaptureSettings& settings, const std::vector<std::size_t>& ports) {
  if (!io_) {
    io_.emplace();
  }
  const std::size_t number = captures_.size();
  std::map<std::size_t, std::uint32_t> interfaces;
  for (const std::size_t port : ports) {
    interfaces.emplace(port, static_cast<std::uint32_t>(interfaces.size()));
  }
  const std::uint64_t now = clock_.now_ns();
  const auto seen = [this, number](std::uint64_t end_ns) { return statistics(number, end_ns); };
  captures_.push_back({std::make_unique<PcapngFiles>(settings, *io_, ledger_, seen, now), std::move(interfaces), now});
}

void PacketWriter::add_tap(const TapLane& lane, rte_ring* ring, const TapPlace& place,
                           std::optional<TapPlace> dropped_at) {
  std::vector<Kind> kinds;
  if (!dropped_at) {
    kinds.push_back(kind_of(place, ""));
  }
  for (std::size_t i = 0; dropped_at && i < kDropReasons; ++i) {
    const bool at_output = is_at_output(static_cast<DropReason>(i));
    kinds.push_back(kind_of(at_output ? *dropped_at : place, std::string("dropped: ") + kDropReasonNames[i]));
  }
  taps_.push_back({&lane, RingSource(ring, kMaxBurst), place, dropped_at, std::move(kinds)});
}

PacketWriter::Kind PacketWriter::kind_of(const TapPlace& place, const std::string& comment) const {
  Kind kind{.interface = {}, .options = packet_options(place.outbound, place.queue, comment)};
  for (std::size_t i = 0; i < captures_.size(); ++i) {
    const auto found = captures_[i].interfaces.find(place.port);
    kind.interface[i] = found == captures_[i].interfaces.end() ? 0 : found->second;
  }
  return kind;
}

void PacketWriter::start() {
  pthread_t thread{};
  if (const int result = rte_ctrl_thread_create(&thread, "ringway-capture", nullptr, run, this); result != 0) {
    throw Error(ExitStatus::kFailed,
                std::string("rte_ctrl_thread_create: the captures' writer: ") + std::strerror(-result));
  }
  thread_ = thread;
  while (!running_.load(std::memory_order_acquire)) {
    clock_nanosleep(CLOCK_MONOTONIC, 0, &kNap, nullptr);
  }
}

void PacketWriter::stop() {
  if (thread_) {
    stop_ = true;
    pthread_join(*std::exchange(thread_, std::nullopt), nullptr);
  } else {
    finish();
  }
}

void* PacketWriter::run(void* self) {
  static_cast<PacketWriter*>(self)->write_until_stopped();
  return nullptr;
}

void PacketWriter::write_until_stopped() {
  rte_thread_register();  // mbufs go back to their pools in bulk, by a cache of its own; without one singly
  running_.store(true, std::memory_order_release);
  std::uint64_t tended = rte_rdtsc();
  while (!stop_.load(std::memory_order_acquire)) {
    const bool busy = drain();
    const std::uint64_t now = rte_rdtsc();
    if (clock_.is_due(now)) {
      clock_.set();
    }
    if (now - tended >= rte_get_tsc_hz()) {
      tended = now;
      for (Capture& capture : captures_) {
        capture.files->tend();
      }
    }
    if (!busy) {
      clock_nanosleep(CLOCK_MONOTONIC, 0, &kNap, nullptr);
    }
  }
  finish();
  rte_thread_unregister();
}

bool PacketWriter::drain() {
  bool any = false;
  for (Tap& tap : taps_) {
    any = drain(tap) || any;
  }
  return any;
}

/// One burst of a tap; false: there was none.
bool PacketWriter::drain(Tap& tap) {
  Burst burst;
  const std::uint16_t n = tap.source.fill(burst);
  for (std::uint16_t i = 0; i < n; ++i) {
    rte_prefetch0(burst[i]);
    rte_prefetch0(&burst[i]->next);
  }
  for (std::uint16_t i = 0; i < n; ++i) {
    rte_prefetch0(rte_pktmbuf_mtod(burst[i], const void*));
  }
  for (std::uint16_t i = 0; i < n; ++i) {
    const TapNote note = TapNote::of(burst[i]);
    const Kind& kind = tap.kinds[tap.dropped_at ? static_cast<std::size_t>(note.reason) : 0];
    const std::uint64_t ns = clock_.ns(note.tsc);
    for (std::size_t capture = 0; capture < captures_.size(); ++capture) {
      if ((note.captures >> capture & 1U) != 0) {
        captures_[capture].files->write(burst[i], kind.interface[capture], ns, kind.options);
      }
    }
  }
  if (n > 0) {
    rte_pktmbuf_free_bulk(burst.data(), n);
    tap.source.done(n);
  }
  return n > 0;
}

void PacketWriter::finish() {
  if (std::exchange(finished_, true)) {
    return;
  }
  while (drain()) {
  }
  clock_.set();
  for (Capture& capture : captures_) {
    capture.files->close(clock_.now_ns());
  }
}

std::uint64_t PacketWriter::matched(std::size_t capture) const {
  std::uint64_t packets = 0;
  for (const Tap& tap : taps_) {
    packets += tap.lane->counters(capture, false).matched.get() + tap.lane->counters(capture, true).matched.get();
  }
  return packets;
}

std::uint64_t PacketWriter::missed(std::size_t capture) const {
  std::uint64_t packets = captures_[capture].files->lost();
  for (const Tap& tap : taps_) {
    packets += tap.lane->counters(capture, false).missed.get() + tap.lane->counters(capture, true).missed.get();
  }
  return packets;
}

std::vector<PcapngStatistics> PacketWriter::statistics(std::size_t number, std::uint64_t end_ns) const {
  const Capture& capture = captures_[number];
  std::vector<PcapngStatistics> all(capture.interfaces.size());
  for (const auto& [port, interface] : capture.interfaces) {
    all[interface] = {.interface = interface, .begin_ns = capture.begin_ns, .end_ns = end_ns};
    for (const Tap& tap : taps_) {
      for (const bool at_output : {false, true}) {
        if ((at_output && tap.dropped_at ? *tap.dropped_at : tap.place).port == port) {
          all[interface].received += tap.lane->counters(number, at_output).matched.get();
          all[interface].missed += tap.lane->counters(number, at_output).missed.get();
        }
      }
    }
  }
  return all;
}

std::vector<std::string> PacketWriter::notices() const {
  std::vector<std::string> lines;
  if (io_ && !io_->without_uring().empty()) {
    lines.push_back("captures: io_uring is not to be had (" + io_->without_uring() +
                    "); blocks are written one after another");
  }
  for (const Capture& capture : captures_) {
    if (!capture.files->direct()) {
      lines.push_back("capture '" + capture.files->settings().name + "': the file system of " +
                      capture.files->settings().file + " takes no O_DIRECT; written through the page cache");
    }
  }
  return lines;
}

}  // namespace ringway
