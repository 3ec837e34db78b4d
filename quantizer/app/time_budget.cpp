#include "quantizer/app/time_budget.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "quantizer/app/passes.h"
#include "quantizer/learn/learning_speed.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {
constexpr double kShare = 0.8;  // of the budget, for learning
constexpr int kFewest = 20, kMost = 20'000;
}  // namespace

LearningCost learning_cost(const Plan& plan, const Recipe& recipe, int threads) {
  ThreadPool workers(threads);
  LearningCost cost;
  for (const Pass& pass : passes_of(recipe))
    for (const Unit& unit : partition(plan, recipe.reconstruction.units))
      if (is_learned(plan, unit, pass, recipe))
        cost.iteration += seconds_an_iteration(plan, unit, recipe.reconstruction.batch, workers);
  if (recipe.network.iterations == 0) return cost;
  // Beside the student the float network runs forward, which is about a third of a student's iteration.
  constexpr double kTeacher = 4.0 / 3;
  const Unit whole = partition(plan, Granularity::kNetwork).front();
  cost.network_stage =
      kTeacher * recipe.network.iterations * seconds_an_iteration(plan, whole, recipe.network.batch, workers);
  return cost;
}

int iterations_within(double minutes, const LearningCost& cost) {
  const double left = kShare * 60 * minutes - cost.network_stage;
  const double iterations = std::floor(left / std::max(cost.iteration, 1e-9));
  if (iterations >= kFewest) return static_cast<int>(std::min<double>(iterations, kMost));
  fail(
      "--budget-minutes: found {}, expected at least {:.0f}: the network stage takes {:.1f} minutes on this machine, "
      "{} "
      "iterations of all units {:.1f}",
      minutes, std::ceil((cost.network_stage + kFewest * cost.iteration) / (60 * kShare)), cost.network_stage / 60,
      kFewest, kFewest * cost.iteration / 60);
}

int iterations_within(double minutes, const Plan& plan, const Recipe& recipe, int threads,
                      const std::optional<fs::path>& file, const std::string& key) {
  std::string kept_key;
  int iterations = 0;
  if (file && std::ifstream(*file) >> kept_key >> iterations && kept_key == key && iterations > 0) {
    spdlog::info("budget: {} iterations of each unit, as decided before", iterations);
    return iterations;
  }
  const LearningCost cost = learning_cost(plan, recipe, threads);
  iterations = iterations_within(minutes, cost);
  spdlog::info(
      "budget: {} minutes: {} iterations of each unit ({:.2f} s an iteration of all units, {:.0f} s "
      "the network stage)",
      minutes, iterations, cost.iteration, cost.network_stage);
  if (file) write_file_atomically(*file, fmt::format("{}\n{}\n", key, iterations));
  return iterations;
}

}  // namespace shiftsim::quantizer
