#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "dice.h"
#include "findings.h"
#include "flows.h"
#include "runtime/runtime.h"

namespace ringway {

/// What is to become of a frame, whatever else happens.
enum class Fate {
  kPass,
  kTooShort,
  kTooLong,
  kRunt,  ///< its addresses are to be swapped, and its first segment does not hold them
};

/// A frame that was put in.
struct Frame {
  std::uint32_t flow = 0;      ///< index
  std::uint32_t sequence = 0;  ///< within its flow
  std::uint32_t crc = 0;       ///< of the bytes that are to come out
  Fate fate = Fate::kPass;
  bool out = false;
};

/// What stands behind lab ports: puts frames of drawn flows in, takes out what comes, and compares. It keeps a record
/// of every frame under its mbuf's address, which is how it sees that packets are not copied.
class FarSide {
 public:
  /// All of these outlive it.
  FarSide(const Plan& plan, const Runtime& runtime, Dice& dice, Findings& findings);

  /// Puts a drawn number of frames in, as far as RX queues have room.
  void put();

  /// Takes a drawn number out of one TX queue.
  void take();

  /// Takes out all there is; returns how many. With `leave` the frames stay there, looked at.
  unsigned take_all(bool leave = false);

  /// The record of an mbuf; null: it never went in.
  const Frame* frame_of(const rte_mbuf* mbuf) const noexcept;
  const std::vector<Flow>& flows() const noexcept { return flows_; }
  const std::vector<Frame>& frames() const noexcept { return frames_; }
  /// Frames put into an RX queue, in order: indices.
  const std::vector<std::size_t>& put_into(std::size_t port, std::size_t queue) const { return put_[port][queue]; }
  /// Frames that came out, each counted once.
  std::uint64_t taken() const noexcept { return taken_; }
  /// Frames in RX queues, and in TX queues.
  unsigned waiting_in() const;
  unsigned waiting_out() const;
  /// Some frames are of several mbufs.
  bool chains() const noexcept { return chains_; }
  /// A number that sums up what came out, and when.
  std::uint64_t digest() const noexcept { return digest_; }

 private:
  std::size_t length_of_next(const Flow& flow);
  Fate fate_of(const Flow& flow, std::size_t bytes, std::size_t first_segment) const;
  bool put_frame(std::uint32_t number);
  rte_mbuf* make_mbuf(const Bytes& bytes, std::size_t first_segment);
  void look_at(rte_mbuf* mbuf, std::size_t port, std::size_t queue, bool leave);
  void check(const Frame& frame, const rte_mbuf* mbuf, std::size_t port, std::size_t queue);
  void note(std::uint64_t value) noexcept { digest_ = (digest_ ^ value) * 0x100000001b3U; }

  const Plan& plan_;
  const Runtime& runtime_;
  Dice& dice_;
  Findings& findings_;
  rte_mempool* pool_;
  bool chains_;
  bool nic_hash_;
  std::vector<std::size_t> outputs_;  // one a port: where its frames leave; itself where it only sends
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> next_;    // one a flow: the first sequence that may still come out
  std::vector<std::uint64_t> leaves_;  // one a flow: TX queue, 1 up; 0: none yet
  std::vector<Frame> frames_;
  std::vector<std::vector<std::vector<std::size_t>>> put_;  // port, queue
  std::unordered_map<const rte_mbuf*, std::size_t> where_;
  Bytes scratch_;
  std::uint64_t taken_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
};

}  // namespace ringway
