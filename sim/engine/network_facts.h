// What is true of a network and a set of images on every accelerator: its accuracy, and how often digits and
// activations meet. Both come from the golden reference, are computed on first use, and are kept for later runs by a
// hash of the network's content, the pixels, the labels and this program (result_cache.h).
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/report/result.h"
#include "sim/transaction/value_counts.h"

namespace shiftsim::sim {

class NetworkFacts {
public:
  /// Both must outlive this object. 'threads' of the golden reference (0: all processors); 'keep': take what an earlier
  /// run found, and keep what this one finds. Throws UserError where a label is no class of the network.
  NetworkFacts(const qnet::Network& network, const ImageSet& images, int threads, bool keep);

  const qnet::Network& network() const { return network_; }
  const ImageSet& images() const { return images_; }
  /// Over all images. May be asked for from several threads.
  const AccuracyResult& accuracy();
  /// Sums over the first 'count' images, by layer. May be asked for from several threads.
  std::vector<ValueCounts> value_counts(std::size_t count);

private:
  std::optional<AccuracyResult> kept_accuracy() const;
  AccuracyResult find_accuracy() const;
  std::vector<ValueCounts> find_value_counts(std::size_t count) const;

  const qnet::Network& network_;
  const ImageSet& images_;
  int threads_;
  bool keep_;
  std::string network_hash_;  ///< if 'keep'
  std::mutex mutex_;
  std::optional<AccuracyResult> accuracy_;
  std::size_t counted_images_ = 0;
  std::vector<ValueCounts> value_counts_;  ///< of 'counted_images'
};

}  // namespace shiftsim::sim
