// What a sweep keeps of a point: a line of JSON in a block, a line of points.csv.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace shiftsim::sim {

struct Row {
  enum class State {
    kMissing,  ///< not run yet
    kRun,
    kUnfit,  ///< the configuration does not fit, as a user's own run would say
    kWrong,  ///< engines disagree, or an internal error
  };

  State state = State::kMissing;
  std::vector<double> metrics;  ///< as metrics() lists them; NaN: not known
  std::string digest;           ///< of all layers' cycles, causes, events and energies
  std::string reason;           ///< of kUnfit and kWrong

  /// One line, without its end.
  std::string line(std::size_t number) const;
  /// None where the line is not this row's: it was cut, or another program wrote it.
  static std::optional<Row> parse(const std::string& line, std::size_t number);
};

}  // namespace shiftsim::sim
