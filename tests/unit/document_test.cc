#include "config/document.h"

#include <gtest/gtest.h>

#include "config/characters.h"

namespace ringway {
namespace {

struct Case {
  std::string text;
  std::string lines;
};

/// What is told about a text, each line without the file's name.
std::string told(const std::string& text) {
  Diagnostics problems;
  read_document(text, problems);
  return problems.text("");
}

bool is_read(const std::string& text) {
  Diagnostics problems;
  return read_document(text, problems).has_value();
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

TEST(Document, KeepsValuesWithPlaceAndPath) {
  Diagnostics problems;
  const auto root = read_document("a: 1\nb:\n  c: [x, \"y\", {d: z}]\n", problems);
  ASSERT_TRUE(root);
  EXPECT_EQ(problems.text(""), "");
  EXPECT_EQ(root->kind, YamlNode::Kind::kMap);
  EXPECT_EQ(root->find("x"), nullptr);
  const YamlNode* a = root->find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->text, "1");
  EXPECT_TRUE(a->plain);
  EXPECT_EQ(a->path, "a");
  EXPECT_EQ(a->key_at, (Location{1, 1}));
  EXPECT_EQ(a->at, (Location{1, 4}));
  const YamlNode& list = root->children.at(1).children.at(0);
  EXPECT_EQ(list.kind, YamlNode::Kind::kSequence);
  EXPECT_EQ(list.path, "b.c");
  EXPECT_EQ(list.at, (Location{3, 6}));
  EXPECT_EQ(list.children.at(1).text, "y");
  EXPECT_FALSE(list.children.at(1).plain);
  EXPECT_EQ(list.children.at(2).children.at(0).path, "b.c[2].d");
}

TEST(Document, GivesAnEmptyValueThePlaceOfItsKeyOrList) {
  Diagnostics problems;
  const auto root = read_document("a:\nb: ~\nc:\n -\n - d\n", problems);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("a")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root->find("a")->at, (Location{1, 1}));
  EXPECT_EQ(root->find("b")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root->find("b")->at, (Location{2, 1}));
  EXPECT_EQ(root->find("c")->children.at(0).at, (Location{4, 2}));
}

TEST(Document, TakesNoDocumentAsEmpty) {
  for (const std::string text : {"", "# nothing\n", "---\n", "\n\n", "\xEF\xBB\xBF"}) {
    Diagnostics problems;
    const auto root = read_document(text, problems);
    ASSERT_TRUE(root) << text;
    EXPECT_EQ(root->kind, YamlNode::Kind::kNull) << text;
    EXPECT_EQ(problems.text(""), "") << text;
  }
}

TEST(Document, TakesMarksOfOneDocument) {
  EXPECT_EQ(told("%YAML 1.2\n---\na: 1\n...\n"), "");
  EXPECT_EQ(told("\xEF\xBB\xBF"
                 "a: 1\r\nb: \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\r\n"),
            "");
}

TEST(Document, TellsWhatAConfigurationMayNotUse) {
  const std::vector<Case> cases = {
      {"a: &x 1", ":1:4: a: has an anchor; expected the value alone\n"},
      {"a: &x [b]", ":1:4: a: has an anchor; expected the value alone\n"},
      {"a: &x", ":1:4: a: has an anchor; expected the value alone\n"},
      {"&x a: 1", ":1:1: has an anchor; expected the value alone\n"},
      {"a: !!int 1", ":1:4: a: has the tag 'tag:yaml.org,2002:int'; expected the value alone\n"},
      {"a: {b: !x {}}", ":1:8: a.b: has the tag '!x'; expected the value alone\n"},
      {"a: &x 1\nb: [*x]",
       ":1:4: a: has an anchor; expected the value alone\n:2:5: b[0]: is an alias; expected the value itself\n"},
      {"a: 1\nb: {c: 1,\n c: 2}\na: 3",
       ":3:2: b.c: is given twice; the first is in line 2\n:4:1: a: is given twice; the first is in line 1\n"},
      {"a: 1\n\"a\": 2\n'a': 3",
       ":2:1: a: is given twice; the first is in line 1\n:3:1: a: is given twice; the first is in line 1\n"},
      {"? [a]\n: b", ":1:3: has a key that is no text; expected a name before the ':'\n"},
      {"a: {? {b: c} : d}", ":1:7: a: has a key that is no text; expected a name before the ':'\n"},
      {"{: a, ~: b}",
       ":1:2: has a key that is no text; expected a name before the ':'\n"
       ":1:7: has a key that is no text; expected a name before the ':'\n"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(told(each.text), each.lines) << each.text;
    EXPECT_TRUE(is_read(each.text)) << each.text;
  }
}

TEST(Document, DropsWhatWasTold) {
  Diagnostics problems;
  const auto root = read_document("a: &x 1\na: 2\n[b]: 3\nc: *x\n", problems);
  ASSERT_TRUE(root);
  ASSERT_EQ(root->children.size(), 2U);
  EXPECT_EQ(root->find("a")->text, "1");
  EXPECT_EQ(root->find("c")->kind, YamlNode::Kind::kBroken);
}

TEST(Document, DoesNotMergeKeys) {
  Diagnostics problems;
  const auto root = read_document("<<: {a: 1}", problems);
  ASSERT_TRUE(root);
  EXPECT_NE(root->find("<<"), nullptr);
  EXPECT_EQ(root->find("a"), nullptr);
}

TEST(Document, EndsAtWhatIsNoYaml) {
  const std::vector<Case> cases = {
      {"a: b: c", ":1:5: is not YAML: illegal map value\n"},
      {"a: [1, 2\nb: 3", ":2:2: is not YAML: end of sequence flow not found\n"},
      {"a: *x", ":1:4: is not YAML: the referenced anchor is not defined\n"},
      {"a: \"\\\x7E\"", ":1:7: is not YAML: unknown escape character: ~\n"},
      {"a:\n \"\\", ":2:4: is not YAML: unknown escape character: \\x04\n"},
      {"a: 1\n---\nb: 2", ":2:1: starts a second document, or is stray text; expected one document\n"},
      {"a: 1\n...\nb", ":3:1: starts a second document, or is stray text; expected one document\n"},
      {"[a] b", ":1:5: starts a second document, or is stray text; expected one document\n"},
      {",", ":1:1: starts a second document, or is stray text; expected one document\n"},
      {"a: &x 1\nb: c: d", ":1:4: a: has an anchor; expected the value alone\n:2:5: is not YAML: illegal map value\n"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(told(each.text), each.lines) << each.text;
    EXPECT_FALSE(is_read(each.text)) << each.text;
  }
}

TEST(Document, TakesTextInUtf8Only) {
  using std::string_literals::operator""s;
  const std::string end = "; expected text in UTF-8 without control characters\n";
  const std::string mark = ":1:1: starts with the byte order mark of UTF-16 or UTF-32; expected text in UTF-8\n";
  const std::vector<Case> cases = {
      {"a: 1\nb\0: 2"s, ":2:2: has a NUL byte" + end},
      {"a: \x04", ":1:4: has the control character 0x04" + end},
      {"a\rb: 1", ":1:2: has the control character 0x0D" + end},
      {"a: \x1B[2J", ":1:4: has the control character 0x1B" + end},
      {"a\x7F", ":1:2: has the control character 0x7F" + end},
      {"stra\xDF"
       "e: 1",
       ":1:5: has the byte 0xDF, which is not text in UTF-8" + end},                         // Latin-1
      {"a: \xC0\xAF", ":1:4: has the byte 0xC0, which is not text in UTF-8" + end},          // overlong
      {"a: \xE0\x80\xAF", ":1:4: has the byte 0xE0, which is not text in UTF-8" + end},      // overlong
      {"a: \xF0\x80\x80\xAF", ":1:4: has the byte 0xF0, which is not text in UTF-8" + end},  // overlong
      {"a: \xED\xA0\x80", ":1:4: has the byte 0xED, which is not text in UTF-8" + end},      // surrogate
      {"a: \xF4\x90\x80\x80", ":1:4: has the byte 0xF4, which is not text in UTF-8" + end},  // beyond U+10FFFF
      {"a: \xC2\x85", ":1:4: has the byte 0xC2, which is not text in UTF-8" + end},          // C1
      {"\xC3\xA4: \xE2\x82", ":1:5: has the byte 0xE2, which is not text in UTF-8" + end},   // cut short
      {"\xFF\xFE"
       "a\0"s,
       mark},
      {"\xFE\xFF\0a"s, mark},
      {"\0\0\xFE\xFF\0\0\0a"s, mark},
      {"\xFF\xFE\0\0a\0\0\0"s, mark},
      {"a\0:\0"s, ":1:2: has a NUL byte" + end},  // UTF-16 without a mark
  };
  for (const Case& each : cases) {
    EXPECT_EQ(told(each.text), each.lines);
    EXPECT_FALSE(is_read(each.text)) << each.lines;
  }
}

TEST(Document, IsBounded) {
  const std::string deep = ":1:33: is nested deeper than 32 levels; expected a configuration\n";
  EXPECT_EQ(told(repeat("[", 32) + repeat("]", 32)), "");
  EXPECT_EQ(told(repeat("[", 33) + repeat("]", 33)), deep);
  EXPECT_EQ(told(repeat("[", 30000) + repeat("]", 30000)), deep);
  EXPECT_EQ(told(repeat("[a, ", 33) + repeat("]", 33)),
            ":1:129: is nested deeper than 32 levels; expected a configuration\n");

  EXPECT_EQ(told('#' + std::string(kLongestText - 1, 'x')), "");
  EXPECT_EQ(told('#' + std::string(kLongestText, 'x')), ":1:1: is larger than 64 KiB; expected a configuration\n");

  EXPECT_EQ(told('[' + repeat("a,", 9999) + ']'), "");
  EXPECT_EQ(told('[' + repeat("a,", 10000) + ']'), ":1:20000: has more than 10000 values; expected a configuration\n");
}

TEST(Document, AnAliasBombIsRefusedAliasByAlias) {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i <= 20; ++i) {
    const std::string last = std::to_string(i - 1);
    const std::string next = std::to_string(i);
    bomb.append("a").append(next).append(": &a").append(next);
    bomb.append(" [*a").append(last).append(", *a").append(last).append("]\n");
  }
  Diagnostics problems;
  ASSERT_TRUE(read_document(bomb, problems));
  EXPECT_EQ(problems.problems().size(), 21U + 40U);
}

TEST(Document, MakesKeysSafeToPrint) {
  EXPECT_EQ(told("\"a\\e\\n\": &x 1\n"), ":1:10: a\\x1B\\x0A: has an anchor; expected the value alone\n");
  EXPECT_EQ(told("\xC3\xA4: &x 1\n"), ":1:5: \\xC3\\xA4: has an anchor; expected the value alone\n");
}

TEST(Shown, EscapesAndShortens) {
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("a b~"), "a b~");
  EXPECT_EQ(shown("\x1B\n\x7F\xFF"), "\\x1B\\x0A\\x7F\\xFF");
  EXPECT_EQ(shown(std::string(40, 'a')), std::string(40, 'a'));
  EXPECT_EQ(shown(std::string(41, 'a')), std::string(40, 'a') + "...");
  EXPECT_EQ(shown(std::string(39, 'a') + '\n'), std::string(39, 'a') + "...");
}

}  // namespace
}  // namespace ringway
