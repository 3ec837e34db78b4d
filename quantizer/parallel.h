// Work split over threads so that the result does not depend on how many there are.
#pragma once

#include <cstddef>
#include <functional>

namespace shiftsim::quantizer {

/// Calls work(i, worker) for every i in [0, count), each exactly once, on up to 'threads' threads (worker: which one,
/// from 0). Which thread takes an item is left to chance, so an item must write only what is its own: then the same
/// inputs give the same bits at any number of threads. oneDNN runs single-threaded inside. The first exception thrown
/// by an item is rethrown here, after all threads have stopped.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& work);

}  // namespace shiftsim::quantizer
