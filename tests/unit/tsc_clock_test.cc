#include "capture/tsc_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace ringway {
namespace {

/// A computer whose TSC is not as fast as EAL says; a writer that stamps packets some time after they came.
class Stamped {
 public:
  explicit Stamped(double said) : clock_(static_cast<std::uint64_t>(kHz * said), moment()) {}

  /// Packets of some time, 10 us apart, up to 2 ms late; the worst error of a time, in ns.
  std::int64_t stamp(double seconds) {
    std::int64_t worst = 0;
    for (const double end = seconds_ + seconds; seconds_ < end; seconds_ += 10e-6) {
      if (packets_++ % 10 == 0 && clock_.is_due(moment().tsc)) {
        clock_.set(moment());
      }
      const double late = static_cast<double>(packets_ / 100 % 3) * 1e-3;
      const Moment came = moment(seconds_ - late);
      worst = std::max(worst, std::abs(static_cast<std::int64_t>(clock_.ns(came.tsc) - came.ns)));
      if (came.tsc >= last_tsc_) {
        went_back_ += clock_.ns(came.tsc) < last_ns_ ? 1 : 0;
        last_tsc_ = came.tsc;
        last_ns_ = clock_.ns(came.tsc);
      }
    }
    return worst;
  }
  void set_system(double seconds) { ahead_ += seconds; }
  void wait(double seconds) { seconds_ += seconds; }
  /// The system's clock runs otherwise from now on, as NTP makes it do.
  void discipline(double rate) {
    steady_ = steady_ + (seconds_ - since_) * system_rate_;
    since_ = seconds_;
    system_rate_ = rate;
  }
  unsigned went_back() const { return went_back_; }

 private:
  using Moment = TscClock::Moment;
  static constexpr double kHz = 2'594'123'457;

  Moment moment() const { return moment(seconds_); }
  Moment moment(double at) const {
    const double steady = 1e9 * (steady_ + (at - since_) * system_rate_);
    return {.tsc = static_cast<std::uint64_t>(at * kHz),
            .ns = 1'700'000'000'000'000'000 + static_cast<std::uint64_t>(steady + ahead_ * 1e9),
            .steady_ns = static_cast<std::uint64_t>(steady)};
  }

  double seconds_ = 100;
  double since_ = 100;
  double steady_ = 5000;
  double system_rate_ = 1;
  double ahead_ = 7200;
  std::uint64_t packets_ = 0;
  std::uint64_t last_tsc_ = 0;
  std::uint64_t last_ns_ = 0;
  unsigned went_back_ = 0;
  TscClock clock_;
};

TEST(TscClocks, AreTrueWhereTheRateIsGuessed) {
  for (const double said : {1.0015, 0.9985, 1.0}) {
    SCOPED_TRACE(said);
    Stamped stamped(said);
    EXPECT_LT(stamped.stamp(0.1), 30'000) << "of the first packets";
    EXPECT_LT(stamped.stamp(2), 1'000);
    EXPECT_LT(stamped.stamp(3), 100);
    EXPECT_EQ(stamped.went_back(), 0U);
  }
}

TEST(TscClocks, AreTrueWhenFirstSetLate) {
  Stamped stamped(1.0015);
  stamped.wait(30);
  EXPECT_LT(stamped.stamp(1), 1'000);
  EXPECT_EQ(stamped.went_back(), 0U);
}

TEST(TscClocks, FollowWhatNtpDoesToTheRate) {
  Stamped stamped(1.0015);
  stamped.stamp(3);
  stamped.discipline(1.0005);
  EXPECT_LT(stamped.stamp(3), 600'000);
  EXPECT_LT(stamped.stamp(2), 1'000);
  stamped.discipline(0.9995);
  EXPECT_LT(stamped.stamp(3), 1'100'000);
  EXPECT_LT(stamped.stamp(2), 1'000);
  EXPECT_EQ(stamped.went_back(), 0U);
}

TEST(TscClocks, JumpOnlyWhenTheSystemsClockIsSet) {
  for (const double step : {3600.0, -3600.0, 0.005, -0.005}) {
    SCOPED_TRACE(step);
    Stamped stamped(1.0015);
    stamped.stamp(3);
    stamped.set_system(step);
    stamped.stamp(1.1);
    EXPECT_LT(stamped.stamp(3), 1'000) << "the rate is none the worse";
    EXPECT_EQ(stamped.went_back(), step < 0 ? 1U : 0U);
  }
  Stamped slewed(1.0015);
  slewed.stamp(3);
  slewed.set_system(-0.0005);
  slewed.stamp(3);
  EXPECT_LT(slewed.stamp(2), 1'000);
  EXPECT_EQ(slewed.went_back(), 0U) << "a small step is worked off";
}

}  // namespace
}  // namespace ringway
