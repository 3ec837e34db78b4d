// The output-stationary dataflow: an output's sum stays in its accumulator until it is whole.
#pragma once

#include "sim/compiler/mapper.h"

namespace shiftsim::sim {

/// Candidates: every tile height and halved width that fits, with weights or activations in the outer loop.
class OutputStationaryMapper : public Mapper {
public:
  std::string_view name() const override { return "output_stationary"; }
  std::vector<Mapping> candidates(const LayerTask& task) const override;
  Workload workload(const LayerTask& task, const Mapping& mapping) const override;
  void emit(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program) const override;
};

}  // namespace shiftsim::sim
