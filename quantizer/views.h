// Images shown in other ways than they are, where learning wants more of them than there are.
#pragma once

#include <cstdint>
#include <span>

#include "common/images.h"
#include "quantizer/plan.h"
#include "quantizer/recipe.h"

namespace shiftsim::quantizer {

/// The views of some images. No labels are needed for them: the float network gives the target for whatever is shown.
class ViewSource {
public:
  /// All arguments must outlive this. 'pool': indices of the images to show and to mix with.
  ViewSource(const Plan& plan, const ImageSet& images, std::span<const std::size_t> pool, const Views& how)
      : plan_(plan), images_(images), pool_(pool), how_(how) {}

  std::size_t size() const { return pool_.size(); }  ///< images

  /// Image pool[which] as these 64 random bits have it: pixel - pad_value, [height][width][channels]. Moved and
  /// mirrored (He et al. 2016), cut out and enlarged (Szegedy et al. 2015), or two images so treated blended (mixup,
  /// Zhang et al. 2018) or one with a rectangle of the other (CutMix, Yun et al. 2019).
  void show(std::size_t which, std::uint64_t random, float* to) const;

  /// As it is.
  void show_plain(std::size_t which, float* to) const;

private:
  void show_one(std::size_t which, std::uint64_t random, float* to) const;
  void zoom(std::uint64_t random, float* pixels) const;

  const Plan& plan_;
  const ImageSet& images_;
  std::span<const std::size_t> pool_;
  const Views& how_;
};

}  // namespace shiftsim::quantizer
