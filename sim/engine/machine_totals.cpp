#include "sim/engine/machine_totals.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/forked.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "sim/engine/machine_run.h"

namespace shiftsim::sim {
namespace {

bool all_agrees(const MachineTotals& totals) {
  return !totals.difference && totals.values.mismatches == 0;
}

/// Batches [first, end) of images on one machine. 'progress', of images, may be null.
MachineTotals run_range(const EngineSetup& setup, const Program& program, const SystemOptions& options,
                        const ImageSet& images, std::size_t first, std::size_t end, Progress* progress) {
  MachineRun machine(setup.network, program, setup.config.accelerator.dram, options);
  const auto batch = static_cast<std::size_t>(program.dram.batch());
  for (std::size_t i = first; i < end; ++i) {
    const bool same = machine.run(images, i * batch);
    if (progress != nullptr) progress->update((i + 1 - first) * batch);
    if (!same) break;
  }
  return machine.totals();
}

std::size_t processes_for(const EngineSetup& setup, const SystemOptions& options, std::size_t batches) {
  // A limit counts cycles from the first image on; a waveform is one machine's.
  if (options.compare_cycles > 0 || !options.trace.empty()) return 1;
  return std::min(static_cast<std::size_t>(thread_count(setup.config.threads)), batches);
}

}  // namespace

MachineTotals& MachineTotals::operator+=(const MachineTotals& other) {
  counts.events.resize(std::max(counts.events.size(), other.counts.events.size()));
  counts.causes.resize(counts.events.size());
  for (std::size_t i = 0; i < other.counts.events.size(); ++i) {
    counts.events[i] += other.counts.events[i];
    for (std::size_t c = 0; c < kCauses; ++c) counts.causes[i][c] += other.counts.causes[i][c];
  }
  values.images += other.values.images;
  values.tensors += other.values.tensors;
  values.values += other.values.values;
  values.mismatches += other.values.mismatches;
  if (values.first_mismatch.empty()) values.first_mismatch = other.values.first_mismatch;
  images += other.images;
  compared_cycles += other.compared_cycles;
  comparisons += other.comparisons;
  accumulator_comparisons += other.accumulator_comparisons;
  if (!difference) difference = other.difference;
  seconds += other.seconds;
  return *this;
}

std::string to_text(const MachineTotals& totals) {
  nlohmann::json json;
  json["agrees"] = all_agrees(totals);
  for (std::size_t i = 0; i < totals.counts.events.size(); ++i) {
    nlohmann::json layer;
    for (const EventField& field : kEventFields) layer["events"].push_back(totals.counts.events[i].*field.member);
    layer["causes"] = totals.counts.causes[i];
    json["layers"].push_back(layer);
  }
  json["values"] = {totals.values.images, totals.values.tensors, totals.values.values};
  json["lockstep"] = {totals.compared_cycles, totals.comparisons, totals.accumulator_comparisons};
  json["images"] = totals.images;
  return json.dump();
}

MachineTotals totals_from(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  MachineTotals totals;
  for (const nlohmann::json& layer : json.at("layers")) {
    Events& events = totals.counts.events.emplace_back();
    for (std::size_t i = 0; i < std::size(kEventFields); ++i)
      events.*kEventFields[i].member = layer.at("events").at(i).get<std::int64_t>();
    totals.counts.causes.push_back(layer.at("causes").get<CauseCycles>());
  }
  totals.values.images = json.at("values").at(0).get<std::int64_t>();
  totals.values.tensors = json.at("values").at(1).get<std::int64_t>();
  totals.values.values = json.at("values").at(2).get<std::int64_t>();
  totals.compared_cycles = json.at("lockstep").at(0).get<std::int64_t>();
  totals.comparisons = json.at("lockstep").at(1).get<std::int64_t>();
  totals.accumulator_comparisons = json.at("lockstep").at(2).get<std::int64_t>();
  totals.images = json.at("images").get<std::int64_t>();
  // What differs is told by the run that follows.
  if (!json.at("agrees").get<bool>()) totals.values.mismatches = 1;
  return totals;
}

MachineTotals run_machines(const EngineSetup& setup, const Program& program, const SystemOptions& options,
                           const ImageSet& images) {
  const std::size_t count = images_to_run(setup, images);
  const std::size_t batches = count / static_cast<std::size_t>(program.dram.batch());
  const std::size_t processes = processes_for(setup, options, batches);
  if (processes > 1) {
    spdlog::info("{}: {} images in {} processes", to_string(setup.config.fidelity), count, processes);
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<std::string> parts = run_forked(processes, [&](std::size_t i) {
      return to_text(
          run_range(setup, program, options, images, i * batches / processes, (i + 1) * batches / processes, nullptr));
    });
    MachineTotals totals;
    for (const std::string& part : parts) totals += totals_from(part);
    totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (all_agrees(totals)) return totals;
  }
  Progress progress(to_string(setup.config.fidelity), count, "images");
  return run_range(setup, program, options, images, 0, batches, &progress);
}

RunResult result_of(const EngineSetup& setup, const Program& program, const MachineTotals& totals) {
  RunResult result = machine_result(setup.network, program, totals.images, totals.counts);
  result.versions.emplace_back("systemc", systemc_version());
  result.values = totals.values;
  result.host_seconds = totals.seconds;
  return result;
}

}  // namespace shiftsim::sim
