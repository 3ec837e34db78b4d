#include "sim/lockstep/scoreboard.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace shiftsim::sim {

namespace {

/// A counter that both cores have.
struct SharedEvent {
  const char* name;
  std::int64_t Events::*expected;
  std::uint64_t ShiftsimCoreEvents::*actual;
};

#define SHARED_EVENT(name) {#name, &Events::name, &ShiftsimCoreEvents::name},
constexpr SharedEvent kSharedEvents[] = {SHIFTSIM_CORE_EVENTS(SHARED_EVENT)};
#undef SHARED_EVENT

/// Which images of a batch, where there are several.
std::string batch_text(const Program& program, int image, int images) {
  if (program.dram.batch() == 1) return "";
  return images == 1 ? fmt::format("image {} of the batch, ", image)
                     : fmt::format("images {}..{} of the batch, ", image, image + images - 1);
}

}  // namespace

std::string Difference::text() const {
  const std::string text = fmt::format("cycle {}: {}: {}: expected {} (SystemC core), actual {} (RTL)", cycle, where,
                                       port, expected, actual);
  return assertion.empty() ? text : fmt::format("{}; the RTL's assertion {} fails here", text, assertion);
}

Scoreboard::Scoreboard(const qnet::Network& network, const Program& program, const CoreModel& core,
                       const std::vector<std::string>& lacks)
    : network_(network), program_(program), core_(core), lacks_events_(lacks.begin(), lacks.end()) {
  const auto lacking = [&](const char* what) { return lacks_events_.contains(what); };
  lacks_idle_ = lacking("idle");
  lacks_ex_state_ = lacking("ex_state");
  lacks_ld_state_ = lacking("ld_state");
  lacks_drain_ = lacking("drain");
  lacks_rd_target_ = lacking("rd_req_target");
  lacks_rd_count_ = lacking("rd_req_count");
  lacks_rd_id_ = lacking("rd_req_id");
  lacks_wr_count_ = lacking("wr_req_count");
  lacks_wr_id_ = lacking("wr_req_id");
  lacks_all_events_ = lacking("events");
}

void Scoreboard::report(const char* port, std::int64_t expected, std::int64_t actual, std::string where) {
  difference_ = Difference{cycles_, port, expected, actual, std::move(where), {}};
}

bool Scoreboard::check(const char* port, std::int64_t expected, std::int64_t actual) {
  ++comparisons_;
  if (expected == actual) return true;
  report(port, expected, actual, compute_place());
  return false;
}

std::string Scoreboard::compute_place() const {
  const std::int64_t command = core_.commands_started() - 1;
  if (command < 0) return "before the first tile";
  const auto count = static_cast<std::int64_t>(program_.origins.size());
  const TileOrigin& o = program_.origins[static_cast<std::size_t>(command % count)];
  return fmt::format("layer {}, {}tile {} (rows {}..{}, columns {}..{}, channels {}..{})",
                     network_.layers[static_cast<std::size_t>(o.layer)].name, batch_text(program_, o.image, o.images),
                     command % count, o.y0, o.y0 + o.rows - 1, o.x0, o.x0 + o.cols - 1, o.channel0,
                     o.channel0 + o.channels - 1);
}

std::string Scoreboard::drain_place(int p, int n) const {
  const DrainOrigin& drain = core_.drain_origin();
  const auto count = static_cast<std::int64_t>(program_.origins.size());
  const std::int64_t command = drain.command % count;
  const TileOrigin& o = program_.origins[static_cast<std::size_t>(command)];
  const int f = static_cast<int>(p * drain.seg + drain.j);
  const int pixels = o.rows * o.cols;  // of an image
  const int pixel = f % pixels;
  return fmt::format("layer {}, {}tile {}, row {} column {} of the array: pixel ({}, {}), channel {}",
                     network_.layers[static_cast<std::size_t>(o.layer)].name,
                     batch_text(program_, o.image + f / pixels, 1), command, p, n, o.y0 + pixel / o.cols,
                     o.x0 + pixel % o.cols, n < 0 ? -1 : o.channel0 + n);
}

std::string Scoreboard::store_place(int byte) const {
  if (store_ == nullptr) return compute_place();
  const WriteProgram& w = *store_;
  const int word = static_cast<int>(store_word_ / (w.wide ? 4 : 1));
  const int pixels = w.rows * w.cols;  // of an image
  const int pixel = word % pixels;
  return fmt::format("layer {}, {}store of tile ({}, {}): pixel ({}, {}), channel {}",
                     network_.layers[static_cast<std::size_t>(w.layer)].name,
                     batch_text(program_, w.image + word / pixels, 1), w.y0, w.x0, w.y0 + pixel / w.cols,
                     w.x0 + pixel % w.cols, w.channel0 + byte);
}

void Scoreboard::note_store(const CoreOutputs& expected, bool request_taken, bool word_taken) {
  if (request_taken) {
    store_ = &program_.writes[expected.wr_req_id];
    store_word_ = 0;
  }
  if (word_taken) ++store_word_;
}

bool Scoreboard::compare_drain(const CoreOutputs& e, const ShiftsimCoreOutputs& a) {
  const int n = core_.geometry().channels, slots = e.drain_slots;
  const std::uint64_t active = slots == 64 ? ~0ULL : (1ULL << slots) - 1;
  if (!check("drain_active", static_cast<std::int64_t>(active), static_cast<std::int64_t>(a.drain_active)) ||
      !check("drain_has_s", e.drain_has_s, a.drain_has_s))
    return false;
  const int values = slots * n + (e.drain_has_s ? slots : 0);
  comparisons_ += values;
  accumulators_ += values;
  if (std::memcmp(e.drain_acc, a.drain_acc, sizeof(std::int32_t) * static_cast<std::size_t>(slots * n)) != 0)
    for (int i = 0; i < slots * n; ++i)
      if (e.drain_acc[i] != a.drain_acc[i]) {
        report("drain_acc", e.drain_acc[i], a.drain_acc[i], drain_place(i / n, i % n));
        return false;
      }
  for (int p = 0; e.drain_has_s && p < slots; ++p)
    if (e.drain_s[p] != a.drain_s[p]) {
      report("drain_s", e.drain_s[p], a.drain_s[p], drain_place(p, -1));
      return false;
    }
  return true;
}

bool Scoreboard::check_assertions(const char* failure) {
  if (*failure == '\0') return true;
  difference_ = Difference{cycles_, fmt::format("assertion {}", failure), 1, 0, compute_place(), {}};
  return false;
}

bool Scoreboard::compare_events(const ShiftsimCoreEvents& actual) {
  if (lacks_all_events_) return true;
  Events expected;
  for (const Events& layer : core_.events()) expected += layer;
  for (const SharedEvent& event : kSharedEvents) {
    const auto value = static_cast<std::int64_t>(actual.*event.actual);
    if (expected.*event.expected == value || lacks_events_.contains(event.name)) continue;
    difference_ = Difference{
        cycles_, fmt::format("event counter {}", event.name), expected.*event.expected, value, compute_place(), {}};
    return false;
  }
  return true;
}

bool Scoreboard::compare(const CoreOutputs& e, const ShiftsimCoreOutputs& a) {
  const auto state = [](auto value) { return static_cast<std::int64_t>(value); };
  bool same = check("ld_cmd_ready_o", e.ld_cmd_ready, a.ld_cmd_ready) &&
              check("ex_cmd_ready_o", e.ex_cmd_ready, a.ex_cmd_ready) &&
              check("st_cmd_ready_o", e.st_cmd_ready, a.st_cmd_ready) &&
              (lacks_ex_state_ || check("ex_state", state(e.ex_state), a.ex_state)) &&
              (lacks_ld_state_ || check("ld_state", state(e.ld_state), a.ld_state)) &&
              check("rd_req_valid_o", e.rd_req_valid, a.rd_req_valid) &&
              check("rd_data_ready_o", e.rd_data_ready, a.rd_data_ready) &&
              check("wr_req_valid_o", e.wr_req_valid, a.wr_req_valid) &&
              check("wr_data_valid_o", e.wr_data_valid, a.wr_data_valid) &&
              (lacks_drain_ || check("drain_valid", e.drain_valid, a.drain_valid)) &&
              (lacks_idle_ || check("idle_o", e.idle, a.idle));
  if (same && e.rd_req_valid)
    same = (lacks_rd_target_ || check("rd_req_target_o", state(e.rd_req_target), a.rd_req_target)) &&
           (lacks_rd_count_ || check("rd_req_count_o", e.rd_req_count, a.rd_req_count)) &&
           (lacks_rd_id_ || check("rd_req_id_o", e.rd_req_id, a.rd_req_id));
  if (same && e.wr_req_valid)
    same = (lacks_wr_count_ || check("wr_req_count_o", e.wr_req_count, a.wr_req_count)) &&
           (lacks_wr_id_ || check("wr_req_id_o", e.wr_req_id, a.wr_req_id));
  if (same && e.wr_data_valid) {
    const int n = core_.geometry().channels;
    comparisons_ += n;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(a.wr_data);
    if (std::memcmp(e.wr_data, bytes, static_cast<std::size_t>(n)) != 0) {
      const int at = static_cast<int>(std::mismatch(e.wr_data, e.wr_data + n, bytes).first - e.wr_data);
      report("wr_data_o", e.wr_data[at], bytes[at], store_place(at));
      same = false;
    }
  }
  if (same && e.drain_valid && !lacks_drain_) same = compare_drain(e, a);
  ++cycles_;
  return same;
}

}  // namespace shiftsim::sim
