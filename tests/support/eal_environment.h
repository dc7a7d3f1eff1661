#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dpdk/eal.h"
#include "runtime/probe.h"

namespace ringway {

/// EAL on ordinary memory, once a process, as any user: lcore 0 is main, lcores 1 and 2 may run legs.
class EalEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    output_ = std::make_unique<HeldOutput>();
    const std::vector<std::string> argv = {"test",
                                           "--no-huge",
                                           "--no-shconf",
                                           "--no-pci",
                                           "--no-telemetry",
                                           "-m256",
                                           "--lcores=0@0,1@0,2@0",
                                           "--main-lcore=0",
                                           "--file-prefix=ringway-test"};
    eal_ = std::make_unique<Eal>(argv, *output_);
  }
  void TearDown() override { eal_.reset(); }

  HeldOutput& output() { return *output_; }

 private:
  std::unique_ptr<HeldOutput> output_;
  std::unique_ptr<Eal> eal_;
};

/// The one environment of this test program.
inline EalEnvironment& eal_environment() {
  static auto* const environment = new EalEnvironment;  // GoogleTest owns it
  return *environment;
}

inline const testing::Environment* const kEalRegistered = testing::AddGlobalTestEnvironment(&eal_environment());

}  // namespace ringway
