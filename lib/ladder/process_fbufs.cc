#include "ladder/process_fbufs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "core/errors.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "ladder/pattern.h"

namespace ringway {
namespace {

constexpr unsigned kHandedOver = 16;  // at once; the receiver reads one batch while the next is prepared

/// A line of /proc/PID/maps.
struct MappedPart {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string file;  // device and inode
};

std::vector<MappedPart> mapped_parts(pid_t process) {
  std::vector<MappedPart> parts;
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    MappedPart part;
    char dash = 0;
    std::string rights, offset, device, inode;
    words >> std::hex >> part.begin >> dash >> part.end >> rights >> offset >> device >> inode;
    part.file = device + " " + inode;
    parts.push_back(part);
  }
  return parts;
}

/// Whether what this process reads there is a file's page that the other has mapped as well.
bool share_pages(const std::byte* where, pid_t other) {
  const auto at = reinterpret_cast<std::uintptr_t>(where);
  const auto own = mapped_parts(getpid());
  const auto here =
      std::find_if(own.begin(), own.end(), [at](const MappedPart& part) { return part.begin <= at && at < part.end; });
  const auto others = mapped_parts(other);
  return here != own.end() && std::any_of(others.begin(), others.end(), [&here](const MappedPart& part) {
           return part.file == here->file && !part.file.ends_with(" 0");
         });
}

/// The pool has one buffer for each message. Buffers come back in the order in which they went, and are taken in turn:
/// message n is always in the same one.
class Sender {
 public:
  Sender(fbuf::Channel channel, std::size_t block)
      : originator_(kDifferentMessages, block), receiver_(originator_.attach(std::move(channel))) {
    fill();
  }

  void send_next() {
    if (next_ == taken_) {
      take();
    }
    ++next_;
    if (next_ == taken_) {
      hand_over();
    }
  }

  void hand_over() {
    while (handed_over_ < next_) {
      const auto ready = std::span(buffers_).subspan(handed_over_, next_ - handed_over_);
      const unsigned count = originator_.hand_over(receiver_, ready);
      handed_over_ += count;
      if (count < ready.size()) {
        collect();
      }
    }
  }

 private:
  void fill() {
    std::array<fbuf::WritableBuffer, kDifferentMessages> all;
    const unsigned count = originator_.take(all);
    for (unsigned i = 0; i < count; ++i) {
      const std::span<std::byte> bytes = all[i].bytes();
      fill_pattern(bytes, i * bytes.size());
    }
  }

  void take() {
    next_ = handed_over_ = 0;
    collect_returned();
    while ((taken_ = originator_.take(buffers_)) == 0) {
      collect();
    }
  }

  void collect_returned() { heed(originator_.collect()); }
  void collect() { heed(originator_.collect(kLook)); }

  static void heed(const std::vector<fbuf::Event>& events) {
    if (!events.empty()) {
      throw Error(ExitStatus::kFailed, events.front().text);
    }
  }

  fbuf::Originator originator_;
  fbuf::ReceiverId receiver_;
  std::array<fbuf::WritableBuffer, kHandedOver> buffers_;
  unsigned taken_ = 0;        // a prefix of them
  unsigned next_ = 0;         // messages in it that are to go
  unsigned handed_over_ = 0;  // and that have gone
};

class FbufPath : public MessagePath {
 public:
  explicit FbufPath(std::size_t block) : block_(block) {
    auto [sender, receiver] = fbuf::Channel::pair();
    senders_end_.emplace(std::move(sender));
    receivers_end_.emplace(std::move(receiver));
  }

  void become_sender() override {
    receivers_end_.reset();
    sender_.emplace(std::move(*senders_end_), block_);
  }

  void become_receiver() override {
    senders_end_.reset();
    receiver_.emplace(std::move(*receivers_end_));
  }

  void send(std::span<const std::byte> /*message*/) override { sender_->send_next(); }
  void flush() override { sender_->hand_over(); }

  std::span<const std::byte> receive() override {
    if (next_ == received_) {
      next_ = 0;
      received_ = receiver_->receive(buffers_, kLook);
      batches_ += received_ > 0 ? 1U : 0U;
    }
    if (next_ == received_) {
      return {};
    }
    const std::span<const std::byte> message = buffers_[next_++].content();
    if (!shares_pages_) {
      shares_pages_ = share_pages(message.data(), receiver_->originator());
    }
    return message;
  }

  std::uint64_t batches() const override { return batches_; }

  void describe(Outcome& outcome) const override {
    const bool shared = shares_pages_.value_or(false);
    outcome.copies_per_byte = shared ? 0 : 1;
    outcome.copies_shown_by = shared ? "/proc/PID/maps: the receiver reads a file that the sender has mapped"
                                     : "/proc/PID/maps: the receiver reads memory that the sender has not mapped";
    outcome.usage.calls_known = outcome.usage.traced_calls.has_value();  // lib/fbuf does not count its own
  }

 private:
  std::size_t block_;
  std::optional<fbuf::Channel> senders_end_;
  std::optional<fbuf::Channel> receivers_end_;
  std::optional<Sender> sender_;
  std::optional<fbuf::Receiver> receiver_;
  std::array<fbuf::ReadableBuffer, kHandedOver> buffers_;
  std::optional<bool> shares_pages_;  // seen at the first message
  unsigned received_ = 0;             // a prefix of them
  unsigned next_ = 0;                 // of them
  std::uint64_t batches_ = 0;
};

}  // namespace

std::unique_ptr<MessagePath> make_fbuf_path(std::size_t block) {
  return std::make_unique<FbufPath>(block);
}

}  // namespace ringway
