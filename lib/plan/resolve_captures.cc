#include <algorithm>
#include <string>

#include "plan/resolve.h"

namespace ringway {
namespace {

constexpr unsigned kDefaultSnap = 262144;  // tcpdump's own: every frame whole
constexpr unsigned kDefaultBuffer = 4096;  // a third of a millisecond of the shortest frames at 10 Gbit/s

/// Names and rules of the captures, one after another.
class CaptureResolver {
 public:
  CaptureResolver(const Config& config, Resolved& resolved, Diagnostics& problems)
      : config_(config), resolved_(resolved), problems_(problems) {}

  void run() {
    for (const CaptureConfig& capture : config_.captures) {
      resolved_.captures.push_back(resolved(capture));
    }
  }

 private:
  CapturePlan resolved(const CaptureConfig& asked) {
    CapturePlan capture;
    capture.name = asked.name;
    capture.file = asked.file ? asked.file->value : "";
    capture.direction = asked.direction ? asked.direction->value : CaptureDirection::kBoth;
    if (asked.stage) {
      capture.stage = asked.stage->value;
    }
    capture.drops = asked.drops ? asked.drops->value : DropReasons{};
    capture.filter = asked.filter ? asked.filter->value : "";
    capture.snap = asked.snap ? asked.snap->value : kDefaultSnap;
    capture.buffer = asked.buffer ? asked.buffer->value : kDefaultBuffer;
    capture.rotate_bytes = asked.rotate_size ? asked.rotate_size->value : 0;
    capture.rotate_seconds = asked.rotate_seconds ? asked.rotate_seconds->value : 0;
    capture.rotate_files = asked.rotate_files ? asked.rotate_files->value : 0;
    add_ports(asked, capture);
    check_file(asked);
    check_stage(asked);
    if ((capture.buffer & (capture.buffer - 1)) != 0) {
      problems_.invalid(asked.buffer->at, path(asked, "buffer"),
                        "is " + std::to_string(capture.buffer) + "; expected a power of two");
    }
    return capture;
  }

  static std::string path(const CaptureConfig& capture, const std::string& key) {
    return "capture." + capture.name + "." + key;
  }

  void add_ports(const CaptureConfig& asked, CapturePlan& capture) {
    for (std::size_t port = 0; asked.all_ports && port < config_.ports.size(); ++port) {
      if (carries(port, capture.direction)) {
        capture.ports.push_back(port);
      }
    }
    for (std::size_t i = 0; i < asked.ports.size(); ++i) {
      const At<std::string>& name = asked.ports[i];
      const std::string at = path(asked, "ports[" + std::to_string(i) + "]");
      const auto port = find_port(config_, name.value, name.at, at, problems_);
      if (!port) {
        continue;
      }
      if (std::find(capture.ports.begin(), capture.ports.end(), *port) != capture.ports.end()) {
        problems_.invalid(name.at, at, "names '" + name.value + "' again; expected it once");
      } else if (!resolved_.ways.empty() && !carries(*port, capture.direction)) {
        const bool rx = capture.direction == CaptureDirection::kRx;
        problems_.invalid(name.at, at,
                          "nothing is " + std::string(rx ? "received from" : "sent out of") + " '" + name.value +
                              "'; expected direction: " + (rx ? "tx" : "rx") + ", or another port");
      } else {
        capture.ports.push_back(*port);
      }
    }
  }

  bool carries(std::size_t port, CaptureDirection direction) const {
    return std::any_of(resolved_.ways.begin(), resolved_.ways.end(), [&](const Way& way) {
      return (direction != CaptureDirection::kTx && way.from == port) ||
             (direction != CaptureDirection::kRx && way.to == port);
    });
  }

  void check_file(const CaptureConfig& asked) {
    for (const CaptureConfig& other : config_.captures) {
      if (&other == &asked) {
        return;
      }
      if (asked.file && other.file && asked.file->value == other.file->value) {
        problems_.invalid(asked.file->at, path(asked, "file"),
                          "is the file of capture '" + other.name + "' on line " + std::to_string(other.file->at.line) +
                              ", too; expected another file");
      }
    }
  }

  void check_stage(const CaptureConfig& asked) {
    const bool swaps = config_.forwarding.mode.value == Mode::kReflect;
    if (asked.stage && asked.stage->value == CapturedStage::kSwapMacs && !swaps) {
      problems_.invalid(asked.stage->at, path(asked, "stage"),
                        "swap_macs has nothing to do in mode cross_connect; expected stage: limit_frames, or ports");
    }
  }

  const Config& config_;
  Resolved& resolved_;
  Diagnostics& problems_;
};

}  // namespace

void resolve_captures(const Config& config, Resolved& resolved, Diagnostics& problems) {
  CaptureResolver(config, resolved, problems).run();
}

}  // namespace ringway
