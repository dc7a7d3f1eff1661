#define ALLOW_EXPERIMENTAL_API  // rte_bpf_convert
#include "capture/filter.h"

#include <pcap/pcap.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <cstddef>
#include <span>
#include <vector>

#include "core/errors.h"

namespace ringway {
namespace {

constexpr int kLongestFrame = 262144;

/// What is wrong with a place that a load reads: Linux has such that are not of the frame, but of what it knows of it.
std::string fault_of_place(std::uint32_t place) {
  constexpr std::uint32_t kPacketType = 0xFFFFF004;
  constexpr std::uint32_t kInterface = 0xFFFFF008;
  if (place == kPacketType) {
    return "it asks for the direction, which no filter sees here: give the capture direction: rx or direction: tx";
  }
  if (place == kInterface) {
    return "it asks for the interface, which no filter sees here: name ports of the capture";
  }
  return place > kLongestFrame ? "it reads at byte " + std::to_string(place) + ", beyond every frame" : "";
}

/// What DPDK cannot make of libpcap's program; empty: nothing. rte_bpf_convert refuses it, or takes a place beyond 2^31
/// for one before the frame.
std::string fault_of(const bpf_program& program) {
  constexpr unsigned kMostInstructions = 4096;
  if (program.bf_len > kMostInstructions) {
    return "it compiles to " + std::to_string(program.bf_len) + " instructions, of which " +
           std::to_string(kMostInstructions) + " are possible";
  }
  for (const bpf_insn& instruction : std::span(program.bf_insns, program.bf_len)) {
    const unsigned mode = BPF_MODE(instruction.code);
    const unsigned kind = BPF_CLASS(instruction.code);
    if ((kind == BPF_LD && (mode == BPF_ABS || mode == BPF_IND)) || (kind == BPF_LDX && mode == BPF_MSH)) {
      if (std::string fault = fault_of_place(instruction.k); !fault.empty()) {
        return fault;
      }
    }
    if (instruction.code == (BPF_JMP | BPF_JA) && static_cast<std::int32_t>(instruction.k) < 0) {
      return "it follows a chain of headers (protochain) by a loop, and no filter may loop here";
    }
  }
  return "";
}

/// libpcap's program for a filter.
class Compiled {
 public:
  explicit Compiled(const std::string& text) : handle_(pcap_open_dead(DLT_EN10MB, kLongestFrame), &pcap_close) {
    constexpr int kOptimized = 1;
    if (pcap_compile(handle_.get(), &program_, text.c_str(), kOptimized, PCAP_NETMASK_UNKNOWN) != 0) {
      fault_ = pcap_geterr(handle_.get());
    } else {
      fault_ = fault_of(program_);
    }
  }
  ~Compiled() { pcap_freecode(&program_); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  const std::string& fault() const noexcept { return fault_; }
  const bpf_program& program() const noexcept { return program_; }

 private:
  std::unique_ptr<pcap_t, void (*)(pcap_t*)> handle_;
  bpf_program program_{};
  std::string fault_;
};

// As rte_bpf_convert uses the registers: classic BPF's A and X, and one whose value is of no use to the next
// instruction.
constexpr unsigned kA = EBPF_REG_0;
constexpr unsigned kX = EBPF_REG_7;
constexpr unsigned kScratch = EBPF_REG_8;

/// Whether an instruction tests bits against a constant that fits a byte.
bool is_short_test(const ebpf_insn& instruction) {
  return instruction.code == (BPF_JMP | BPF_JSET | BPF_K) &&
         instruction.imm == static_cast<std::int8_t>(instruction.imm);
}

bool is_indirect_load(const ebpf_insn& instruction) {
  return BPF_CLASS(instruction.code) == BPF_LD && BPF_MODE(instruction.code) == BPF_IND;
}

bool is_shift_by_x(const ebpf_insn& instruction) {
  return instruction.code == (BPF_ALU | BPF_LSH | BPF_X) || instruction.code == (BPF_ALU | BPF_RSH | BPF_X);
}

bool is_jump(const ebpf_insn& instruction) {
  const unsigned operation = BPF_OP(instruction.code);
  return BPF_CLASS(instruction.code) == BPF_JMP && operation != EBPF_CALL && operation != EBPF_EXIT;
}

constexpr std::uint8_t kSet = BPF_ALU | EBPF_MOV | BPF_K;
constexpr ebpf_insn kClearA{.code = kSet, .dst_reg = kA, .src_reg = 0, .off = 0, .imm = 0};
constexpr ebpf_insn kExit{.code = BPF_JMP | EBPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};

/// Changes no place in a frame, but shows rte_bpf_load() that X is one, as its own reckoning may not.
constexpr ebpf_insn kKeepX{
    .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = kX, .src_reg = 0, .off = 0, .imm = 2 * kLongestFrame - 1};

/// Passes over instructions unless X is above a number.
ebpf_insn skip_unless_above(std::int32_t most, std::int16_t instructions) {
  return {.code = BPF_JMP | EBPF_JLE | BPF_K, .dst_reg = kX, .src_reg = 0, .off = instructions, .imm = most};
}

/// What stands for an instruction, which is its end, so that DPDK 22.11 does with it what libpcap does:
/// - Its compiler for x86 makes broken machine code of short tests: here they are against a register.
/// - rte_bpf_convert takes the size of an indirect load for its register: 2 bytes are loaded from where X says, 1 and 4
///   bytes from elsewhere. And such a load adds in 32 bits what may pass them, as X does after a subtraction below 0:
///   then it reads what lies before the end, or follows the segments past the last one. No frame reaches so far, so
///   the packet is not taken.
/// - A shift by X takes the low 5 bits of it.
std::vector<ebpf_insn> repaired(ebpf_insn instruction) {
  if (is_short_test(instruction)) {
    const ebpf_insn load{.code = kSet, .dst_reg = kScratch, .src_reg = 0, .off = 0, .imm = instruction.imm};
    instruction.code = BPF_JMP | BPF_JSET | BPF_X;
    instruction.src_reg = kScratch;
    instruction.imm = 0;
    return {load, instruction};
  }
  if (is_indirect_load(instruction)) {
    instruction.src_reg = kX;
    return {skip_unless_above(kLongestFrame, 2), kClearA, kExit, kKeepX, instruction};
  }
  if (is_shift_by_x(instruction)) {
    return {skip_unless_above(31, 1), kClearA, instruction};
  }
  return {instruction};
}

/// The same program, repaired, with one exit: its end. DPDK's compiler for x86 breaks jumps back by 127 or 128 bytes,
/// and makes such from all later exits to the first one.
std::vector<ebpf_insn> repaired(const rte_bpf_prm& program) {
  const std::span before(program.ins, program.nb_ins);
  std::vector<std::ptrdiff_t> places;  // of what stands for each instruction in the new program
  std::vector<ebpf_insn> after;
  for (const ebpf_insn& instruction : before) {
    places.push_back(std::ssize(after));
    const std::vector<ebpf_insn> pieces = repaired(instruction);
    after.insert(after.end(), pieces.begin(), pieces.end());
  }
  places.push_back(std::ssize(after));
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (is_jump(before[i])) {
      const std::size_t target = i + 1 + static_cast<std::size_t>(std::ptrdiff_t{before[i].off});
      const std::ptrdiff_t next = places[i + 1];
      after[static_cast<std::size_t>(next) - 1].off = static_cast<std::int16_t>(places[target] - next);
    }
  }
  for (std::size_t i = 0; i + 1 < after.size(); ++i) {
    if (after[i].code == kExit.code) {
      after[i].code = BPF_JMP | BPF_JA;
      after[i].off = static_cast<std::int16_t>(after.size() - i - 2);
    }
  }
  return after;
}

[[noreturn]] void fail(const std::string& call, const std::string& text, const std::string& cause) {
  throw Error(ExitStatus::kFailed, call + ": filter \"" + text + "\": " + cause);
}

rte_bpf* load(const std::string& text) {
  const Compiled compiled(text);
  if (!compiled.fault().empty()) {
    throw Error(ExitStatus::kConfigInvalid, "filter \"" + text + "\": " + compiled.fault());
  }
  const std::unique_ptr<rte_bpf_prm, void (*)(void*)> converted(rte_bpf_convert(&compiled.program()), &rte_free);
  if (!converted) {
    fail("rte_bpf_convert", text, rte_strerror(rte_errno));
  }
  const std::vector<ebpf_insn> instructions = repaired(*converted);
  rte_bpf_prm parameters = *converted;
  parameters.ins = instructions.data();
  parameters.nb_ins = static_cast<std::uint32_t>(instructions.size());
  rte_bpf* const program = rte_bpf_load(&parameters);
  if (program == nullptr) {
    fail("rte_bpf_load", text, rte_strerror(rte_errno));
  }
  return program;
}

}  // namespace

std::string filter_fault(const std::string& text) {
  return Compiled(text).fault();
}

Filter::Filter(const std::string& text) : program_(text.empty() ? nullptr : load(text), &rte_bpf_destroy) {
  filter_.program = program_.get();
  rte_bpf_jit code{};
  if (program_ && rte_bpf_get_jit(program_.get(), &code) == 0) {
    filter_.code = code.func;
  }
}

}  // namespace ringway
