#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ringway {

/// A block of a pcapng file: what is between its lengths.
struct PcapngBlock {
  std::uint32_t type = 0;
  std::string body;
};

inline std::uint32_t word_at(const std::string& text, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

/// Takes a pcapng file apart; throws where it is not whole.
class PcapngReader {
 public:
  explicit PcapngReader(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::uint32_t length = at + 12 <= text.size() ? word_at(text, at + 4) : 0;
      if (length < 12 || length % 4 != 0 || at + length > text.size() || word_at(text, at + length - 4) != length) {
        throw std::runtime_error("no whole block at " + std::to_string(at) + " of " + std::to_string(text.size()));
      }
      blocks_.push_back({word_at(text, at), text.substr(at + 8, length - 12)});
      at += length;
    }
  }

  const std::vector<PcapngBlock>& all() const { return blocks_; }
  std::vector<PcapngBlock> of_type(std::uint32_t type) const {
    std::vector<PcapngBlock> found;
    for (const PcapngBlock& block : blocks_) {
      if (block.type == type) {
        found.push_back(block);
      }
    }
    return found;
  }
  std::vector<PcapngBlock> packets() const { return of_type(6); }

 private:
  std::vector<PcapngBlock> blocks_;
};

/// The options that begin there, by code; throws where they have no end.
inline std::map<unsigned, std::string> options_of(const PcapngBlock& block, std::size_t at) {
  std::map<unsigned, std::string> options;
  for (;;) {
    const std::uint32_t head = word_at(block.body, at);
    const std::uint32_t length = head >> 16U;
    if (at + 4 + length > block.body.size()) {
      throw std::runtime_error("options without end");
    }
    if (head == 0) {
      return options;
    }
    options[head & 0xFFFFU] = block.body.substr(at + 4, length);
    at += 4 + (length + 3) / 4 * 4;
  }
}

/// A packet's bytes, its length on the wire, and its options.
inline std::string packet_bytes(const PcapngBlock& block) {
  return block.body.substr(20, word_at(block.body, 12));
}
inline std::uint32_t packet_length(const PcapngBlock& block) {
  return word_at(block.body, 16);
}
inline std::map<unsigned, std::string> packet_options_of(const PcapngBlock& block) {
  return options_of(block, 20 + (word_at(block.body, 12) + 3) / 4 * 4);
}

}  // namespace ringway
