#include "config/parse_capture.h"

#include <optional>
#include <string>
#include <utility>

#include "config/characters.h"
#include "config/reader.h"

namespace ringway {
namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kLeastFile = 64 * kKib;
constexpr std::uint64_t kMostFile = kKib * kKib * kKib * kKib;

constexpr std::string_view kFilterForm = "a filter as tcpdump takes it, such as \"tcp port 80\"";

bool is_file_name(std::string_view text) {
  return !text.empty() && is_printable(text) && !text.ends_with('/') && text.size() <= 1024;
}

bool is_filter(std::string_view text) {
  return !text.empty() && is_printable(text) && text.size() <= 4096;
}

/// `64KiB` to `1024GiB`, in bytes.
std::optional<std::uint64_t> file_size(std::string_view text) {
  for (const auto& [unit, bytes] : {std::pair{"KiB", kKib}, {"MiB", kKib * kKib}, {"GiB", kKib * kKib * kKib}}) {
    if (text.ends_with(unit)) {
      const auto number = whole_number(text.substr(0, text.size() - 3), 1, 1U << 30U);
      const std::uint64_t size = number.value_or(0) * bytes;
      return size >= kLeastFile && size <= kMostFile ? std::optional(size) : std::nullopt;
    }
  }
  return {};
}

/// `all`, or a list that `read` takes.
Read all_or(bool& all, Read read) {
  return [&all, read = std::move(read)](const YamlNode& node, Diagnostics& problems) {
    all = node.kind == YamlNode::Kind::kScalar && node.text == "all";
    if (!all && node.kind == YamlNode::Kind::kScalar) {
      refuse(node, "a list, or all", problems);
    } else if (!all) {
      read(node, problems);
    }
  };
}

/// The reasons of a list, each once.
Read reasons_into(DropReasons& reasons) {
  return [&reasons](const YamlNode& node, Diagnostics& problems) {
    const std::vector<std::string> names(kDropReasonNames.begin(), kDropReasonNames.end());
    for (const YamlNode& item : read_list(node, kDropReasons, "drop reasons", problems)) {
      const auto reason = read_word(item, names, problems);
      if (reason && reasons.test(*reason)) {
        problems.invalid(item.at, item.path, "names '" + names[*reason] + "' again; expected it once");
      } else if (reason) {
        reasons.set(*reason);
      }
    }
  };
}

/// What belongs together: one place where packets are taken, and `direction` with ports only.
void check_place(const YamlNode& node, Diagnostics& problems) {
  const YamlNode* first = nullptr;
  for (const char* key : {"ports", "stage", "drops"}) {
    const YamlNode* const place = node.find(key);
    if (place != nullptr && first != nullptr) {
      problems.invalid(place->key_at, place->path,
                       "is a second place beside " + first->key + "; expected one of ports, stage and drops");
    }
    first = first == nullptr ? place : first;
  }
  if (first == nullptr) {
    refuse_missing(node, "ports", "ports, stage or drops: where packets are taken", problems);
  }
  const YamlNode* const direction = node.find("direction");
  if (direction != nullptr && first != nullptr && node.find("ports") == nullptr) {
    problems.invalid(direction->key_at, direction->path, "belongs to ports; expected it there, or to be left out");
  }
  const YamlNode* const rotate = node.find("rotate");
  if (rotate != nullptr && rotate->kind == YamlNode::Kind::kMap && rotate->find("size") == nullptr &&
      rotate->find("seconds") == nullptr) {
    refuse_missing(*rotate, "size", "size or seconds: when the next file begins", problems);
  }
}

CaptureConfig read_capture(const YamlNode& node, Diagnostics& problems) {
  CaptureConfig capture;
  capture.name = node.key;
  capture.at = node.key_at;
  DropReasons reasons;
  bool all_reasons = false;
  read_mapping(
      node,
      {{"file", text_into(capture.file, is_file_name, "the name of a file"), "the name of a file"},
       {"ports", all_or(capture.all_ports, port_names_into(capture.ports))},
       {"direction", choice_into(capture.direction, {"both", "rx", "tx"})},
       {"stage", choice_into(capture.stage, {kCapturedStageNames.begin(), kCapturedStageNames.end()})},
       {"drops", all_or(all_reasons, reasons_into(reasons))},
       {"filter", text_into(capture.filter, is_filter, kFilterForm)},
       {"snap", number_into(capture.snap, 14, 262144)},
       {"buffer", number_into(capture.buffer, 64, 1U << 20U)},
       {"rotate",
        mapping_of({{"size", scalar_into(capture.rotate_size, "KiB, MiB or GiB from 64KiB to 1024GiB", file_size)},
                    {"seconds", number_into(capture.rotate_seconds, 1, 604800)},
                    {"files", number_into(capture.rotate_files, 1, 99999)}})}},
      problems);
  if (const YamlNode* drops = node.kind == YamlNode::Kind::kMap ? node.find("drops") : nullptr) {
    capture.drops = {all_reasons ? DropReasons{}.set() : reasons, drops->at};
  }
  if (node.kind == YamlNode::Kind::kMap) {
    check_place(node, problems);
  }
  return capture;
}

}  // namespace

void read_captures(const YamlNode& node, std::vector<CaptureConfig>& captures, Diagnostics& problems) {
  const std::string most = std::to_string(kMostCaptures);
  const std::string expected = "a mapping of 1 to " + most + " captures";
  if (!is_a(YamlNode::Kind::kMap, node, expected, problems)) {
    return;
  }
  if (node.children.empty()) {
    refuse(node, expected, problems);
  }
  if (node.children.size() > kMostCaptures) {
    problems.invalid(node.at, node.path,
                     "has " + std::to_string(node.children.size()) + " captures; expected at most " + most);
  }
  for (const YamlNode& child : node.children) {
    CaptureConfig capture = read_capture(child, problems);
    if (is_name(child.key)) {
      captures.push_back(std::move(capture));
    } else {
      problems.invalid(child.key_at, child.path, "is not a capture's name; expected " + std::string(kNameForm));
    }
  }
}

}  // namespace ringway
