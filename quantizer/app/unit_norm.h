// The norm of a unit's loss.
#pragma once

#include "quantizer/calibrate/calibration.h"
#include "quantizer/plan/units.h"

namespace shiftsim::quantizer {

/// The recipe's norm, or what RAPQ's rule makes of the unit's last BatchNorm (batch_norm_loss_norm()). Where that was
/// folded, of the deviations of the channels in the float network. 'calibrator': has the unit's tensors.
double loss_norm(const Plan& plan, const Unit& unit, const Recipe& recipe, const Calibrator& calibrator);

}  // namespace shiftsim::quantizer
