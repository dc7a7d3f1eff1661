#include "core/text.h"

#include <gtest/gtest.h>

namespace ringway {
namespace {

TEST(Join, PutsTheLastWordBeforeTheLastName) {
  EXPECT_EQ(join({}), "");
  EXPECT_EQ(join({"a"}), "a");
  EXPECT_EQ(join({"a", "b"}), "a and b");
  EXPECT_EQ(join({"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(join({"a", "b", "c"}, "or"), "a, b or c");
}

TEST(Joined, PutsTheSameBetweenAll) {
  EXPECT_EQ(joined({}, ", "), "");
  EXPECT_EQ(joined({"a"}, ", "), "a");
  EXPECT_EQ(joined({"a", "", "c"}, " "), "a  c");
}

struct NearCase {
  std::string_view name;
  std::vector<std::string> candidates;
  std::string_view advice;
};

TEST(DidYouMean, NamesTheNearest) {
  const std::vector<NearCase> cases = {
      {"wset", {"east", "west"}, "; did you mean 'west'?"},         // swap of neighbours: one edit
      {"wes", {"east", "west"}, "; did you mean 'west'?"},          // insert
      {"westt", {"east", "west"}, "; did you mean 'west'?"},        // delete
      {"wast", {"west"}, "; did you mean 'west'?"},                 // replace
      {"rx_qeueus", {"rx_queues"}, "; did you mean 'rx_queues'?"},  // two edits
      {"rx_qeuesu", {"tx_queues", "rx_queues"}, "; did you mean 'rx_queues'?"},
      {"abcd", {"abxx", "abcx"}, "; did you mean 'abcx'?"},  // the nearer one wins
  };
  for (const NearCase& each : cases) {
    EXPECT_EQ(did_you_mean(each.name, each.candidates), each.advice) << each.name;
  }
}

TEST(DidYouMean, IsSilentWhenNoneIsNear) {
  const std::vector<NearCase> cases = {
      {"east", {}, ""},
      {"", {"a", "ab"}, ""},
      {"a", {"b"}, ""},                // one edit, but that is the whole name
      {"ab", {"ac"}, ""},              // half of the letters is too many
      {"north", {"west"}, ""},         // far
      {"abcdefgh", {"abcdexyz"}, ""},  // three edits
  };
  for (const NearCase& each : cases) {
    EXPECT_EQ(did_you_mean(each.name, each.candidates), each.advice) << each.name;
  }
}

TEST(DidYouMean, LeavesLongNamesAlone) {
  const std::string longest(64, 'a');
  EXPECT_EQ(did_you_mean(longest + "b", {longest}), "");
  EXPECT_EQ(did_you_mean(longest, {longest + "b"}), "");
  EXPECT_EQ(did_you_mean(longest.substr(1), {longest}), "; did you mean '" + longest + "'?");
}

}  // namespace
}  // namespace ringway
