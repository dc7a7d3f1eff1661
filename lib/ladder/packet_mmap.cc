#include "ladder/packet_mmap.h"

#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstring>

#include "ladder/mapping.h"

namespace ringway {
namespace {

// A block goes to the reader when it is full, or after the time. Half the window of the longest frames fills several.
constexpr unsigned kBlockBytes = 16 << 10;
constexpr unsigned kBlocks = 64;
constexpr unsigned kBlockMs = 1;
// The kernel calls a slot free when it has passed the frame on, not when the far end has read it: twice the window.
constexpr unsigned kSlotBytes = 2048;
constexpr unsigned kSlots = 2 * kWindow;

std::uint32_t load(const std::uint32_t& status) {
  return __atomic_load_n(&status, __ATOMIC_ACQUIRE);
}

void store(std::uint32_t& status, std::uint32_t value) {
  __atomic_store_n(&status, value, __ATOMIC_RELEASE);
}

template <class Request>
Descriptor with_ring(Descriptor socket, int version, int option, const Request& request) {
  check_call(setsockopt(socket.get(), SOL_PACKET, PACKET_VERSION, &version, sizeof version), "PACKET_VERSION");
  check_call(setsockopt(socket.get(), SOL_PACKET, option, &request, sizeof request), "PACKET_RX_RING, PACKET_TX_RING");
  return socket;
}

/// False: not within the patience.
bool wait_for(int fd, short events) {
  pollfd ready{.fd = fd, .events = events, .revents = 0};
  const int result = counted(::poll, &ready, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
  check_call(result, "poll");
  return result > 0;
}

/// Where frames come in, a block at a time.
class BlockRing {
 public:
  /// The next frame; none: nothing came for too long. It stays until the call after.
  std::span<const std::byte> next() {
    if (left_ == 0 && !open_block()) {
      return {};
    }
    const auto* const header = reinterpret_cast<const tpacket3_hdr*>(at_);
    --left_;
    at_ += header->tp_next_offset;
    return {reinterpret_cast<const std::byte*>(header) + header->tp_mac, header->tp_snaplen};
  }

  /// Frames that are there without a look at another block.
  unsigned left() const noexcept { return left_; }

 private:
  tpacket_block_desc& block() const {
    return *reinterpret_cast<tpacket_block_desc*>(memory_.data() + blocks_ % kBlocks * kBlockBytes);
  }

  bool open_block() {
    if (open_) {
      store(block().hdr.bh1.block_status, TP_STATUS_KERNEL);
      ++blocks_;
      open_ = false;
    }
    while ((load(block().hdr.bh1.block_status) & TP_STATUS_USER) == 0) {
      if (!wait_for(socket_.get(), POLLIN)) {
        return false;
      }
    }
    open_ = true;
    left_ = block().hdr.bh1.num_pkts;
    at_ = reinterpret_cast<std::byte*>(&block()) + block().hdr.bh1.offset_to_first_pkt;
    return true;
  }

  static constexpr tpacket_req3 kRequest = {.tp_block_size = kBlockBytes,
                                            .tp_block_nr = kBlocks,
                                            .tp_frame_size = kSlotBytes,
                                            .tp_frame_nr = kBlocks * (kBlockBytes / kSlotBytes),
                                            .tp_retire_blk_tov = kBlockMs,
                                            .tp_sizeof_priv = 0,
                                            .tp_feature_req_word = 0};
  Descriptor socket_ = with_ring(open_packet_socket("left", Hears::kAll), TPACKET_V3, PACKET_RX_RING, kRequest);
  Mapping memory_{kBlockBytes * kBlocks, MAP_SHARED, socket_.get()};
  std::uint64_t blocks_ = 0;  // given back
  bool open_ = false;
  unsigned left_ = 0;  // frames of the open block
  std::byte* at_ = nullptr;
};

/// Where frames go out, from slots that the kernel reads itself.
class SlotRing {
 public:
  void put(std::span<const std::byte> frame) {
    auto* const header = reinterpret_cast<tpacket2_hdr*>(memory_.data() + next_ % kSlots * kSlotBytes);
    while (load(header->tp_status) != TP_STATUS_AVAILABLE) {
      send();
      if (!wait_for(socket_.get(), POLLOUT)) {
        throw std::runtime_error("the kernel gave no slot of the ring back");
      }
    }
    constexpr std::size_t kDataAt = TPACKET2_HDRLEN - sizeof(sockaddr_ll);
    std::memcpy(reinterpret_cast<std::byte*>(header) + kDataAt, frame.data(), frame.size());
    header->tp_len = static_cast<std::uint32_t>(frame.size());
    store(header->tp_status, TP_STATUS_SEND_REQUEST);
    ++next_;
  }

  void send() { check_call(counted(::send, socket_.get(), nullptr, 0, MSG_DONTWAIT), "send"); }

 private:
  static constexpr tpacket_req kRequest = {
      .tp_block_size = kSlotBytes * 2, .tp_block_nr = kSlots / 2, .tp_frame_size = kSlotBytes, .tp_frame_nr = kSlots};
  Descriptor socket_ = with_ring(open_packet_socket("right", Hears::kNothing), TPACKET_V2, PACKET_TX_RING, kRequest);
  Mapping memory_{kSlotBytes * kSlots, MAP_SHARED, socket_.get()};
  std::uint64_t next_ = 0;
};

class PacketMmap : public PacketMove {
 public:
  std::uint64_t move(std::uint64_t packets) override {
    std::uint64_t batches = 0;
    for (; packets > 0; --packets) {
      const std::span<const std::byte> frame = in_.next();
      if (frame.empty()) {
        break;
      }
      out_.put(frame);
      if (in_.left() == 0 || packets == 1) {
        out_.send();
        ++batches;
      }
    }
    return batches;
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 2;
    outcome.copies_shown_by =
        "definition: the kernel copies into the ring that is read, the program from it into the ring that is sent";
  }

 private:
  BlockRing in_;
  SlotRing out_;
};

}  // namespace

std::unique_ptr<PacketMove> make_packet_mmap() {
  return std::make_unique<PacketMmap>();
}

}  // namespace ringway
