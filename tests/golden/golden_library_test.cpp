// libshiftsim_golden through its C interface gives what the golden reference gives.
#include "golden/shiftsim_golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "common/npy.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "tests/common/temporary_folder.h"
#include "tests/qnet/random_network.h"

namespace shiftsim {
namespace {

using testing::HasSubstr;

template <typename T>
std::vector<std::int32_t> widened(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

class GoldenLibrary : public TemporaryFolder {
protected:
  void open(std::uint64_t seed) {
    network_ = qnet::random_network(seed);
    image_ = qnet::random_images(network_, 1, seed);
    qnet::write(network_, folder_ / "net.qnet");
    golden_ = shiftsim_golden_open((folder_ / "net.qnet").c_str());
    ASSERT_NE(golden_, nullptr) << shiftsim_golden_error();
  }
  void TearDown() override {
    shiftsim_golden_close(golden_);
    golden_ = nullptr;
    TemporaryFolder::TearDown();
  }

  std::vector<std::int32_t> array(int layer, const char* name) const {
    const int number = shiftsim_golden_array(golden_, layer, name);
    EXPECT_GE(number, 0) << shiftsim_golden_error();
    std::vector<std::int32_t> values(static_cast<std::size_t>(shiftsim_golden_size(golden_, number)));
    EXPECT_EQ(shiftsim_golden_read(golden_, number, values.data(), static_cast<int>(values.size())), 0);
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(shiftsim_golden_value(golden_, number, static_cast<int>(i)), values[i]);
    return values;
  }
  /// The call failed, and the message says why.
  void expect_error(bool failed, const char* part) const {
    EXPECT_TRUE(failed);
    EXPECT_THAT(shiftsim_golden_error(), HasSubstr(part));
  }

  qnet::Network network_;
  std::vector<std::uint8_t> image_;
  ShiftsimGolden* golden_ = nullptr;
};

TEST_F(GoldenLibrary, GivesEveryTensorAndArrayOfEveryLayer) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    open(seed);
    ASSERT_EQ(shiftsim_golden_set_image(golden_, image_.data(), static_cast<int>(image_.size())), 0);
    ASSERT_EQ(shiftsim_golden_run(golden_), 0);
    const qnet::ImageTrace trace = qnet::Golden(network_).trace(image_.data());
    ASSERT_EQ(shiftsim_golden_layers(golden_), static_cast<int>(network_.layers.size()));
    for (int i = 0; i < shiftsim_golden_layers(golden_); ++i) {
      const qnet::Layer& layer = network_.layers[static_cast<std::size_t>(i)];
      EXPECT_EQ(shiftsim_golden_layer_name(golden_, i), layer.name);
      EXPECT_STREQ(shiftsim_golden_layer_kind(golden_, i), qnet::to_string(layer.kind));
      EXPECT_EQ(shiftsim_golden_layer(golden_, layer.name.c_str()), i);
      EXPECT_EQ(shiftsim_golden_field(golden_, i, "kernel_w"), layer.kernel_w);
      EXPECT_EQ(shiftsim_golden_field(golden_, i, "out_c"), network_.out(layer).channels);
      EXPECT_EQ(array(i, "input"), trace[static_cast<std::size_t>(layer.input)]);
      EXPECT_EQ(array(i, "output"), trace[static_cast<std::size_t>(layer.output)]);
      if (layer.residual >= 0) {
        EXPECT_EQ(array(i, "residual"), trace[static_cast<std::size_t>(layer.residual)]);
      }
      if (!layer.weights.empty()) {
        EXPECT_EQ(array(i, "weights"), widened(layer.weights));
        EXPECT_EQ(array(i, "bias"), layer.bias);
      }
      if (!layer.shifts.empty()) {
        EXPECT_EQ(array(i, "shifts"), widened(layer.shifts));
      }
      if (!layer.hi.empty()) {
        EXPECT_EQ(array(i, "hi"), widened(layer.hi));
      }
      if (layer.is_view()) {
        EXPECT_EQ(array(i, "channels"), layer.channels);
      }
    }
    shiftsim_golden_close(golden_);
    golden_ = nullptr;
  }
}

TEST_F(GoldenLibrary, ImagesComePixelByPixelOrFromAFile) {
  open(1);
  const qnet::Tensor& input = network_.input();
  std::vector<std::uint8_t> two(image_.size(), 7);
  two.insert(two.end(), image_.begin(), image_.end());
  const std::vector<std::size_t> shape = {2, static_cast<std::size_t>(input.height),
                                          static_cast<std::size_t>(input.width),
                                          static_cast<std::size_t>(input.channels)};
  const std::filesystem::path file = put("images.npy", encode_npy(DType::kUInt8, shape, two.data()));
  ASSERT_EQ(shiftsim_golden_load_image(golden_, file.c_str(), 1), 0) << shiftsim_golden_error();
  ASSERT_EQ(shiftsim_golden_run(golden_), 0);
  const int last = shiftsim_golden_layers(golden_) - 1;
  const std::vector<std::int32_t> logits = array(last, "output");
  for (std::size_t i = 0; i < image_.size(); ++i) shiftsim_golden_set_pixel(golden_, static_cast<int>(i), 7);
  ASSERT_EQ(shiftsim_golden_run(golden_), 0);
  ASSERT_EQ(shiftsim_golden_load_image(golden_, file.c_str(), 0), 0);
  const std::vector<std::int32_t> grey = array(last, "output");
  ASSERT_EQ(shiftsim_golden_run(golden_), 0);
  EXPECT_EQ(array(last, "output"), grey);
  EXPECT_EQ(logits, qnet::Golden(network_).run(image_.data(), 1, 1));
  expect_error(shiftsim_golden_load_image(golden_, file.c_str(), 2) == -1, "found 2 images");
}

TEST_F(GoldenLibrary, SaysWhatIsWrong) {
  EXPECT_EQ(shiftsim_golden_version(), SHIFTSIM_GOLDEN_VERSION);
  expect_error(shiftsim_golden_open((folder_ / "none.qnet").c_str()) == nullptr, "none.qnet");
  open(1);
  EXPECT_STREQ(shiftsim_golden_error(), "");
  expect_error(shiftsim_golden_layer(golden_, "no") == -1, "has no layer no");
  expect_error(shiftsim_golden_array(golden_, 0, "weight") == -1, "has no array weight, expected one of input");
  expect_error(shiftsim_golden_array(golden_, 99, "input") == -1, "layer 99");
  expect_error(shiftsim_golden_size(golden_, -1) == -1, "array -1");
  expect_error(shiftsim_golden_value(golden_, 0, -1) == 0, "index -1");
  expect_error(shiftsim_golden_field(golden_, 0, "kernel") == -1, "expected one of in_h");
  expect_error(shiftsim_golden_set_pixel(golden_, 0, 256) == -1, "256");
  expect_error(shiftsim_golden_set_image(golden_, image_.data(), 1) == -1, "found 1 values");
}

}  // namespace
}  // namespace shiftsim
