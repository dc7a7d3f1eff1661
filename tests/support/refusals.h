#pragma once

#include <gtest/gtest.h>

#include <string>

#include "inventory_fixtures.h"

namespace ringway {

/// A refusal: what is asked, of which machine, and what must be said about it.
struct Refusal {
  const char* name;
  std::string text;
  Inventory inventory;
  const char* said;
  ExitStatus status;
};

inline void expect_refused(const Refusal& refusal) {
  const Planning planning = plan_text(refusal.text, refusal.inventory);
  EXPECT_NE(planning.problems.text("f").find(refusal.said), std::string::npos) << planning.problems.text("f");
  EXPECT_EQ(planning.problems.exit_status(), refusal.status);
}

}  // namespace ringway
