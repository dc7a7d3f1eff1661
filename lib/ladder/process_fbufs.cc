#include "ladder/process_fbufs.h"

#include <array>
#include <optional>

#include "core/errors.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "ladder/pattern.h"

namespace ringway {
namespace {

constexpr std::chrono::seconds kWait{10};
constexpr unsigned kHandedOver = 16;  // at once; the receiver reads one batch while the next is prepared

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
  void collect() { heed(originator_.collect(std::chrono::milliseconds(kWait))); }

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
      received_ = receiver_->receive(buffers_, std::chrono::milliseconds(kWait));
    }
    return next_ < received_ ? buffers_[next_++].content() : std::span<const std::byte>();
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 0;
    outcome.copies_shown_by = "definition: the receiver maps the pages that the sender filled, to read";
    outcome.usage.calls_known = outcome.usage.traced_calls.has_value();  // lib/fbuf does not count its own
  }

 private:
  std::size_t block_;
  std::optional<fbuf::Channel> senders_end_;
  std::optional<fbuf::Channel> receivers_end_;
  std::optional<Sender> sender_;
  std::optional<fbuf::Receiver> receiver_;
  std::array<fbuf::ReadableBuffer, kHandedOver> buffers_;
  unsigned received_ = 0;  // a prefix of them
  unsigned next_ = 0;      // of them
};

}  // namespace

std::unique_ptr<MessagePath> make_fbuf_path(std::size_t block) {
  return std::make_unique<FbufPath>(block);
}

}  // namespace ringway
