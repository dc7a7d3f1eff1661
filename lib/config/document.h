#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/diagnostics.h"

namespace ringway {

/// Bytes of configuration text; a file of 32 ports with everything set takes a tenth of it.
inline constexpr std::size_t kLongestText = 64UL * 1024;

/// A value of a YAML document, with its place. A tree of them owns its text.
struct YamlNode {
  enum class Kind {
    kBroken,    ///< a problem was told already; whoever reads it stays silent
    kNull,      ///< nothing, `~` or `null`
    kScalar,    ///< `text` and `plain`
    kSequence,  ///< `children`
    kMap,       ///< `children`, each with its `key`; no key twice
  };

  Kind kind = Kind::kNull;
  Location at{};       ///< start of the value; for kNull that of its key or its list
  std::string path{};  ///< such as `forwarding.pairs[1]`, safe to print
  std::string key{};   ///< as in the file: not safe to print
  Location key_at{};   ///< line 0: not a value of a map
  std::string text{};  ///< as in the file: not safe to print
  bool plain = false;  ///< written without quotes and not as a block
  std::vector<YamlNode> children{};

  /// The value of `name` in a map; null when there is none.
  const YamlNode* find(std::string_view name) const;
};

/// `parent.key`, safe to print.
std::string key_path(const std::string& parent, std::string_view key);

/// Reads text that holds at most one YAML document; an empty one is a kNull at 1:1. Told as problems: more than 64 KiB,
/// characters that are no text, wrong syntax, a second document, nesting deeper than 32, more than 10,000 values (these
/// end the reading: nothing is returned); anchors, aliases, tags, keys that are no scalars, keys given twice.
std::optional<YamlNode> read_document(std::string_view text, Diagnostics& problems);

}  // namespace ringway
