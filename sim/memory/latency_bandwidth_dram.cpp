#include "sim/memory/latency_bandwidth_dram.h"

#include <algorithm>

namespace shiftsim::sim {

std::int64_t LatencyBandwidthDram::read(const std::vector<BurstRun>& runs, int, std::int64_t cycle) {
  Read request{0, cycle + config_.latency_cycles};
  for (const BurstRun& run : runs) request.bytes_left += run.bytes;
  if (request.bytes_left > 0) reads_.push_back(request);
  return request.first_data;
}

void LatencyBandwidthDram::write(const BurstRun& run, int, std::int64_t) {
  to_write_ += run.bytes;
}

DramGrant LatencyBandwidthDram::clock(std::int64_t cycle, bool may_read) {
  DramGrant grant;
  const bool read = may_read && !reads_.empty() && cycle >= reads_.front().first_data;
  const bool write = to_write_ > 0 && (!read || !last_grant_write_);
  if (write) {
    grant.written_bytes = std::min<std::int64_t>(to_write_, config_.bytes_per_cycle);
    to_write_ -= grant.written_bytes;
  } else if (read) {
    Read& request = reads_.front();
    grant.read_bytes = std::min<std::int64_t>(request.bytes_left, config_.bytes_per_cycle);
    request.bytes_left -= grant.read_bytes;
    if (request.bytes_left == 0) reads_.pop_front();
  }
  last_grant_write_ = write;
  grant.busy = may_read && !read && !write && !reads_.empty();
  return grant;
}

}  // namespace shiftsim::sim
