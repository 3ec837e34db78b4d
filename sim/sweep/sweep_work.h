// The rows of a sweep's folder: accuracies, points, and the front once more where it is verified.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sim/sweep/point_runner.h"
#include "sim/sweep/row.h"
#include "sim/sweep/shared_work.h"
#include "sim/sweep/sweep_plan.h"

namespace shiftsim::sim {

class SweepWork {
public:
  /// The plan must outlive this object.
  explicit SweepWork(const SweepPlan& plan);

  /// Each computes what nobody has computed or is computing, and says whether all of it is there then.
  bool accuracies();
  bool points();
  /// Once all points are there. True where the sweep verifies nothing.
  bool verification();

  std::size_t points_done() { return points_.rows_done(); }
  std::size_t blocks_taken() const { return points_.blocks_taken(); }
  bool is_complete();

  /// A row a point, with its accuracy; kMissing where it is not there.
  std::vector<Row> rows() const;
  /// A row for each point of the front, in its order; kMissing where it was not verified.
  std::vector<Row> verified_rows(std::size_t front) const;
  /// The front that these rows have.
  std::vector<std::size_t> front(const std::vector<Row>& rows) const;

private:
  SharedWork& verify_work();

  const SweepPlan& plan_;
  PointRunner runner_;
  SharedWork accuracies_, points_;
  std::vector<std::size_t> front_;    ///< points, once all rows are there
  std::optional<SharedWork> verify_;  ///< a row a point of the front
};

}  // namespace shiftsim::sim
