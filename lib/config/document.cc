#include "config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "config/characters.h"

namespace ringway {
namespace {

constexpr std::size_t kDeepest = 32;       // bounds the recursion of whoever walks the tree; a configuration needs 5
constexpr std::size_t kMostNodes = 10000;  // 32 ports and 1023 lcores with everything set need about half of it

/// Ends the reading after its problem was told.
struct Refused {};

/// yaml-cpp counts from 0.
Location place(const YAML::Mark& mark) {
  return mark.is_null() ? Location{1, 1}
                        : Location{static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

/// The place behind the last byte.
Location end_of(std::string_view text) {
  const auto line_ends = std::count(text.begin(), text.end(), '\n');
  const std::size_t last_line = text.rfind('\n') + 1;  // 0 when there is no line end
  return {static_cast<unsigned>(line_ends) + 1, static_cast<unsigned>(text.size() - last_line) + 1};
}

/// Turns yaml-cpp's events into a YamlNode and tells what a configuration may not use.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(Diagnostics& problems) : problems_(problems) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  /// A list or mapping whose end has not come yet.
  struct Open {
    YamlNode node;
    std::optional<YamlNode> key;            ///< read, waits for its value; kBroken: drop the value
    std::map<std::string, unsigned> lines;  ///< of the keys so far
  };

  YamlNode start(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  std::string next_path() const;
  void open(YamlNode node);
  void close();
  void add(YamlNode node);
  void add_key(Open& map, YamlNode key);

  Diagnostics& problems_;
  YamlNode root_{.at = {1, 1}};
  bool started_ = false;
  std::size_t nodes_ = 0;
  std::vector<Open> open_;
};

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  if (std::exchange(started_, true)) {
    problems_.invalid(place(mark), "", "starts a second document, or is stray text; expected one document");
    throw Refused{};
  }
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  add(start(YamlNode::Kind::kNull, mark, "", anchor));
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) {
  YamlNode node = start(YamlNode::Kind::kBroken, mark, "", YAML::NullAnchor);
  problems_.invalid(node.at, node.path, "is an alias; expected the value itself");
  add(std::move(node));
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& value) {
  YamlNode node = start(YamlNode::Kind::kScalar, mark, tag, anchor);
  node.text = value;
  node.plain = tag == "?";
  add(std::move(node));
}

void Builder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value /*style*/) {
  open(start(YamlNode::Kind::kSequence, mark, tag, anchor));
}

void Builder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) {
  open(start(YamlNode::Kind::kMap, mark, tag, anchor));
}

/// A node with its place, after a look at what it may not have.
YamlNode Builder::start(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
  YamlNode node{.kind = kind, .at = place(mark), .path = next_path()};
  if (++nodes_ > kMostNodes) {
    problems_.invalid(node.at, "", "has more than 10000 values; expected a configuration");
    throw Refused{};
  }
  if (anchor != YAML::NullAnchor) {
    problems_.invalid(node.at, node.path, "has an anchor; expected the value alone");
  }
  if (!tag.empty() && tag != "?" && tag != "!") {
    problems_.invalid(node.at, node.path, "has the tag '" + shown(tag) + "'; expected the value alone");
  }
  return node;
}

/// Where the next node stands; for a key that is its mapping.
std::string Builder::next_path() const {
  if (open_.empty()) {
    return {};
  }
  const Open& top = open_.back();
  if (top.node.kind == YamlNode::Kind::kSequence) {
    return top.node.path + '[' + std::to_string(top.node.children.size()) + ']';
  }
  return top.key ? key_path(top.node.path, top.key->text) : top.node.path;
}

void Builder::open(YamlNode node) {
  if (open_.size() == kDeepest) {
    problems_.invalid(node.at, "", "is nested deeper than 32 levels; expected a configuration");
    throw Refused{};
  }
  open_.push_back({.node = std::move(node), .key = {}, .lines = {}});
}

void Builder::close() {
  YamlNode node = std::move(open_.back().node);
  open_.pop_back();
  add(std::move(node));
}

/// Gives a complete node to the list or mapping it stands in.
void Builder::add(YamlNode node) {
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& top = open_.back();
  if (top.node.kind == YamlNode::Kind::kMap && !top.key) {
    add_key(top, std::move(node));
    return;
  }
  bool keep = true;
  Location home = top.node.at;
  if (top.node.kind == YamlNode::Kind::kMap) {
    keep = top.key->kind == YamlNode::Kind::kScalar;
    home = top.key->at;
    node.key = std::move(top.key->text);
    node.key_at = home;
    top.key.reset();
  }
  if (node.kind == YamlNode::Kind::kNull) {
    node.at = home;  // yaml-cpp gives an empty value the place of whatever comes next
  }
  if (keep) {
    top.node.children.push_back(std::move(node));
  }
}

void Builder::add_key(Open& map, YamlNode key) {
  if (key.kind == YamlNode::Kind::kScalar) {
    const auto [first, is_new] = map.lines.emplace(key.text, key.at.line);
    if (!is_new) {
      problems_.invalid(key.at, key_path(map.node.path, key.text),
                        "is given twice; the first is in line " + std::to_string(first->second));
      key.kind = YamlNode::Kind::kBroken;
    }
  } else if (key.kind != YamlNode::Kind::kBroken) {
    problems_.invalid(key.at, map.node.path, "has a key that is no text; expected a name before the ':'");
    key.kind = YamlNode::Kind::kBroken;
  }
  map.key = std::move(key);
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view name) const {
  for (const YamlNode& child : children) {
    if (child.key == name) {
      return &child;
    }
  }
  return nullptr;
}

std::string key_path(const std::string& parent, std::string_view key) {
  return parent.empty() ? shown(key) : parent + '.' + shown(key);
}

std::optional<YamlNode> read_document(std::string_view text, Diagnostics& problems) {
  if (text.size() > kLongestText) {
    problems.invalid({1, 1}, "", "is larger than 64 KiB; expected a configuration");
    return {};
  }
  if (!check_characters(text, problems)) {
    return {};
  }
  std::istringstream in{std::string(text)};
  Builder builder(problems);
  try {
    YAML::Parser parser(in);
    // Twice at most: on some texts, such as a lone comma, yaml-cpp finds one more empty document for ever.
    if (parser.HandleNextDocument(builder)) {
      parser.HandleNextDocument(builder);
    }
    return builder.take();
  } catch (const YAML::Exception& error) {
    constexpr std::size_t kLongestReason = 80;
    // Of an escape that the text's end cuts short, yaml-cpp gives a place beyond that end.
    problems.invalid(std::min(place(error.mark), end_of(text)), "", "is not YAML: " + shown(error.msg, kLongestReason));
  } catch (const Refused&) {
  }
  return {};
}

}  // namespace ringway
