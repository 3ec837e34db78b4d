// The output-stationary dataflow: an output's sum stays in its accumulator until it is whole. docs/mapping.md.
#pragma once

#include "sim/compiler/mapper.h"

namespace shiftsim::sim {

/// Candidates: all tiles that split height and width evenly and fit, with weights or activations in the outer loop, in
/// all even blocks of channel tiles that fit, one or two of them held.
class OutputStationaryMapper : public Mapper {
public:
  std::string_view name() const override { return "output_stationary"; }
  void visit_candidates(const LayerTask& task, const FixedMapping& fixed, const Visitor& visit) const override;
  Workload workload(const LayerTask& task, const Mapping& mapping) const override;
  void emit(const LayerTask& task, const Mapping& mapping, ProgramBuilder& program) const override;
};

}  // namespace shiftsim::sim
