#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "config/characters.h"
#include "core/text.h"

namespace ringway {
namespace {

/// `is 'x'`, `is a list`: the first half of a problem.
std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kScalar:
      return "is '" + shown(node.text) + "'";
    case YamlNode::Kind::kSequence:
      return node.children.empty() ? "is an empty list" : "is a list";
    case YamlNode::Kind::kMap:
      return node.children.empty() ? "is an empty mapping" : "is a mapping";
    case YamlNode::Kind::kNull:
    case YamlNode::Kind::kBroken:
      break;
  }
  return "is empty";
}

/// Whether the node is a scalar without quotes, as numbers and booleans are; told otherwise.
bool is_plain(const YamlNode& node, const std::string& expected, Diagnostics& problems) {
  if (!is_a(YamlNode::Kind::kScalar, node, expected, problems)) {
    return false;
  }
  if (!node.plain) {
    problems.invalid(node.at, node.path,
                     "is the text '" + shown(node.text) + "'; expected " + expected + ", without quotes");
  }
  return node.plain;
}

void refuse_unknown(const YamlNode& node, const std::vector<Key>& keys, Diagnostics& problems) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const Key& key : keys) {
    names.emplace_back(key.name);
  }
  std::string advice = did_you_mean(node.key, names);
  if (advice.empty() && node.key.find('=') != std::string::npos) {
    advice = "; a text with commas in braces or brackets needs quotes";
  }
  if (advice.empty()) {
    advice = "; expected " + join(names, "or");
  }
  problems.invalid(node.key_at, node.path, "is an unknown key" + advice);
}

}  // namespace

bool is_name(std::string_view text) {
  return text.size() <= 32 && consists_of(text, {kLowerLetters, kUpperLetters, kDigits, "-_"}) &&
         consists_of(text.substr(0, 1), {kLowerLetters, kUpperLetters});
}

Read number_into(Maybe<unsigned>& value, unsigned least, unsigned most) {
  return [&value, least, most](const YamlNode& node, Diagnostics& problems) {
    if (const auto number = read_number(node, least, most, problems)) {
      value = {*number, node.at};
    }
  };
}

Read numbers_into(Maybe<std::vector<unsigned>>& values, std::size_t most_values, unsigned least, unsigned most) {
  return [&values, most_values, least, most](const YamlNode& node, Diagnostics& problems) {
    At<std::vector<unsigned>> numbers{{}, node.at};
    for (const YamlNode& item : read_list(node, most_values, "numbers", problems)) {
      if (const auto number = read_number(item, least, most, problems)) {
        numbers.value.push_back(*number);
      }
    }
    if (!numbers.value.empty() && numbers.value.size() == node.children.size()) {
      values = std::move(numbers);
    }
  };
}

Read boolean_into(Maybe<bool>& value) {
  return [&value](const YamlNode& node, Diagnostics& problems) {
    const std::string expected = "true or false";
    if (!is_plain(node, expected, problems)) {
      return;
    }
    if (node.text == "true" || node.text == "false") {
      value = {node.text == "true", node.at};
    } else {
      refuse(node, expected, problems);
    }
  };
}

Read text_into(Maybe<std::string>& value, Fits fits, std::string_view expected) {
  return [&value, fits, expected](const YamlNode& node, Diagnostics& problems) {
    if (auto text = read_text(node, fits, expected, problems)) {
      value = std::move(text);
    }
  };
}

Read word_into(Maybe<std::string>& value, std::vector<std::string> words) {
  return [&value, words = std::move(words)](const YamlNode& node, Diagnostics& problems) {
    if (const auto chosen = read_word(node, words, problems)) {
      value = {words[*chosen], node.at};
    }
  };
}

Read port_names_into(std::vector<At<std::string>>& ports) {
  return [&ports](const YamlNode& value, Diagnostics& told) {
    for (const YamlNode& item : read_list(value, kMostItems, "ports", told)) {
      if (auto name = read_text(item, is_name, kNameForm, told)) {
        ports.push_back(std::move(*name));
      }
    }
  };
}

Read mapping_of(std::vector<Key> keys) {
  return [keys = std::move(keys)](const YamlNode& node, Diagnostics& problems) { read_mapping(node, keys, problems); };
}

void read_mapping(const YamlNode& node, const std::vector<Key>& keys, Diagnostics& problems) {
  std::vector<std::string> needed;
  for (const Key& key : keys) {
    if (!key.needed.empty()) {
      needed.emplace_back(key.name);
    }
  }
  const std::string expected = needed.empty() ? "a mapping" : "a mapping with " + join(needed);
  if (!is_a(YamlNode::Kind::kMap, node, expected, problems)) {
    return;
  }
  for (const YamlNode& child : node.children) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& each) { return each.name == child.key; });
    if (key == keys.end()) {
      refuse_unknown(child, keys, problems);
    } else {
      key->read(child, problems);
    }
  }
  for (const Key& key : keys) {
    if (!key.needed.empty() && node.find(key.name) == nullptr) {
      refuse_missing(node, key.name, key.needed, problems);
    }
  }
}

std::span<const YamlNode> read_list(const YamlNode& node, std::size_t most, std::string_view expected,
                                    Diagnostics& problems) {
  const std::string list = "a list of " + std::string(expected);
  if (!is_a(YamlNode::Kind::kSequence, node, list, problems)) {
    return {};
  }
  if (node.children.empty()) {
    refuse(node, list, problems);
  }
  if (node.children.size() > most) {
    problems.invalid(
        node.at, node.path,
        "has " + std::to_string(node.children.size()) + " items; expected at most " + std::to_string(most));
    return {};
  }
  return node.children;
}

std::optional<unsigned> read_number(const YamlNode& node, unsigned least, unsigned most, Diagnostics& problems) {
  const std::string expected = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (!is_plain(node, expected, problems)) {
    return {};
  }
  const auto number = whole_number(node.text, least, most);
  if (const std::string advice = octal_advice(node.text); !advice.empty()) {
    problems.invalid(node.at, node.path, advice);
  } else if (!number) {
    refuse(node, expected, problems);
  }
  return number;
}

Maybe<std::string> read_text(const YamlNode& node, Fits fits, std::string_view expected, Diagnostics& problems) {
  if (!is_a(YamlNode::Kind::kScalar, node, expected, problems)) {
    return {};
  }
  if (!fits(node.text)) {
    refuse(node, expected, problems);
    return {};
  }
  return At<std::string>{node.text, node.at};
}

std::optional<std::size_t> read_word(const YamlNode& node, const std::vector<std::string>& words,
                                     Diagnostics& problems) {
  const std::string expected = join(words, "or");
  if (!is_a(YamlNode::Kind::kScalar, node, expected, problems)) {
    return {};
  }
  const auto word = std::find(words.begin(), words.end(), node.text);
  if (word == words.end()) {
    refuse(node, expected, problems, did_you_mean(node.text, words));
    return {};
  }
  return static_cast<std::size_t>(word - words.begin());
}

bool is_a(YamlNode::Kind kind, const YamlNode& node, std::string_view expected, Diagnostics& problems) {
  if (node.kind != kind) {
    refuse(node, expected, problems);
  }
  return node.kind == kind;
}

void refuse(const YamlNode& node, std::string_view expected, Diagnostics& problems, std::string_view advice) {
  if (node.kind != YamlNode::Kind::kBroken) {
    problems.invalid(node.at, node.path, describe(node) + "; expected " + std::string(expected) + std::string(advice));
  }
}

void refuse_missing(const YamlNode& mapping, std::string_view key, std::string_view expected, Diagnostics& problems) {
  const Location at = mapping.key_at.line != 0 ? mapping.key_at : mapping.at;
  problems.invalid(at, key_path(mapping.path, key), "is missing; expected " + std::string(expected));
}

std::optional<unsigned> whole_number(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool is_padded = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || stop != end || is_padded || number < least || number > most) {
    return {};
  }
  return number;
}

std::string octal_advice(std::string_view text) {
  if (text.size() < 2 || text.front() != '0' || !consists_of(text, {kDigits})) {
    return {};
  }
  const std::string_view digits = text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
  unsigned octal = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, octal, 8);
  const bool is_octal = error == std::errc{} && stop == end && octal >= 8;
  return "'" + shown(text) + "' looks octal; write " + shown(digits) + (is_octal ? " or " + std::to_string(octal) : "");
}

}  // namespace ringway
