#include "sim/sweep/row.h"

#include <array>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "sim/sweep/metrics.h"

namespace shiftsim::sim {
namespace {

constexpr std::array<const char*, 4> kStates = {"missing", "run", "unfit", "wrong"};

}  // namespace

std::string Row::line(std::size_t number) const {
  nlohmann::ordered_json json = {{"row", number}, {"state", kStates[static_cast<std::size_t>(state)]}};
  if (state == State::kRun) {
    for (std::size_t i = 0; i < metrics.size(); ++i)
      if (!std::isnan(metrics[i])) json["metrics"][shiftsim::sim::metrics()[i].name] = metrics[i];
    json["digest"] = digest;
  } else {
    json["reason"] = reason;
  }
  // A reason may hold a path of the user's, which need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Row> Row::parse(const std::string& line, std::size_t number) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    if (json.at("row").get<std::size_t>() != number) return std::nullopt;
    Row row;
    const auto name = json.at("state").get<std::string>();
    for (std::size_t i = 1; i < kStates.size(); ++i)
      if (name == kStates[i]) row.state = static_cast<State>(i);
    if (row.state == State::kMissing) return std::nullopt;
    if (row.state != State::kRun) {
      row.reason = json.at("reason").get<std::string>();
      return row;
    }
    row.digest = json.at("digest").get<std::string>();
    row.metrics.assign(shiftsim::sim::metrics().size(), std::numeric_limits<double>::quiet_NaN());
    const auto found = json.find("metrics");
    for (std::size_t i = 0; found != json.end() && i < row.metrics.size(); ++i) {
      const auto metric = found->find(shiftsim::sim::metrics()[i].name);
      if (metric != found->end()) row.metrics[i] = metric->get<double>();
    }
    return row;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace shiftsim::sim
