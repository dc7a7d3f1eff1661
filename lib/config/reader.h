#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/document.h"

namespace ringway {

/// Reads a value into the place that it was made for, or tells why not. Made by the `..._into` functions below, whose
/// place must outlive it.
using Read = std::function<void(const YamlNode& node, Diagnostics& problems)>;

/// A key that a mapping may have: a row of the table that describes the mapping.
struct Key {
  std::string_view name;
  Read read;
  std::string_view needed = {};  ///< what is expected when the key is missing; empty: it may be
};

/// Items of a list without a bound of its own: more than the text has room for.
inline constexpr std::size_t kMostItems = 32768;

/// What ports and captures may be called.
inline constexpr std::string_view kNameForm = "a letter, then up to 31 letters, digits, '-' or '_'";
bool is_name(std::string_view text);

/// Says whether a text is what a key takes.
using Fits = bool (*)(std::string_view text);

Read number_into(Maybe<unsigned>& value, unsigned least, unsigned most);
Read numbers_into(Maybe<std::vector<unsigned>>& values, std::size_t most_values, unsigned least, unsigned most);
Read boolean_into(Maybe<bool>& value);
Read text_into(Maybe<std::string>& value, Fits fits, std::string_view expected);
Read word_into(Maybe<std::string>& value, std::vector<std::string> words);
/// A list of names of ports.
Read port_names_into(std::vector<At<std::string>>& ports);
Read mapping_of(std::vector<Key> keys);

/// Reads a mapping by its table; unknown and missing keys are told.
void read_mapping(const YamlNode& node, const std::vector<Key>& keys, Diagnostics& problems);

/// The items of a list of 1 to `most`; told and empty otherwise. They live as long as `node`.
std::span<const YamlNode> read_list(const YamlNode& node, std::size_t most, std::string_view expected,
                                    Diagnostics& problems);

/// A plain decimal number within the bounds; told and nothing otherwise.
std::optional<unsigned> read_number(const YamlNode& node, unsigned least, unsigned most, Diagnostics& problems);

/// A text, quoted or not, that `fits`; told and nothing otherwise.
Maybe<std::string> read_text(const YamlNode& node, Fits fits, std::string_view expected, Diagnostics& problems);

/// Which of `words` the text is; told and nothing otherwise.
std::optional<std::size_t> read_word(const YamlNode& node, const std::vector<std::string>& words,
                                     Diagnostics& problems);

/// The word's place in `words` becomes an enumerator.
template <class Enum>
Read choice_into(Maybe<Enum>& value, std::vector<std::string> words) {
  return [&value, words = std::move(words)](const YamlNode& node, Diagnostics& problems) {
    if (const auto chosen = read_word(node, words, problems)) {
      value = {static_cast<Enum>(*chosen), node.at};
    }
  };
}

/// Whether the node is of that kind; told otherwise.
bool is_a(YamlNode::Kind kind, const YamlNode& node, std::string_view expected, Diagnostics& problems);

/// Tells what the node is and what was expected, and a did-you-mean behind it. Silent for a kBroken.
void refuse(const YamlNode& node, std::string_view expected, Diagnostics& problems, std::string_view advice = {});

/// Tells that a mapping lacks a key.
void refuse_missing(const YamlNode& mapping, std::string_view key, std::string_view expected, Diagnostics& problems);

/// Reads a scalar by `convert`, which returns nothing for a text that does not fit.
template <class T, class Convert>
Read scalar_into(Maybe<T>& value, std::string_view expected, Convert convert) {
  return [&value, expected, convert](const YamlNode& node, Diagnostics& problems) {
    if (!is_a(YamlNode::Kind::kScalar, node, expected, problems)) {
      return;
    }
    if (const auto converted = convert(std::string_view(node.text))) {
      value = {*converted, node.at};
    } else {
      refuse(node, expected, problems);
    }
  };
}

/// The number if `text` is plain decimal (no sign, no needless 0) and within the bounds.
std::optional<unsigned> whole_number(std::string_view text, unsigned least, unsigned most);

/// `'010' looks octal; write 10 or 8` for digits that start with a needless 0; otherwise nothing.
std::string octal_advice(std::string_view text);

}  // namespace ringway
