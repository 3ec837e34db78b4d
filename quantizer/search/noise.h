// Quantization noise by where it comes from.
#pragma once

namespace shiftsim::quantizer {

/// 10 log10(above / below); infinite where only 'below' is 0, 0 where both are.
double decibels(double above, double below);

/// Sums of squares, in the units of what was quantized.
struct Noise {
  double signal = 0;    ///< of the float values
  double clipping = 0;  ///< of the errors of values that round to an integer beyond the quantizer's ends
  double rounding = 0;  ///< of the errors of all others

  double total() const { return clipping + rounding; }
  double sqnr_db() const { return decibels(signal, total()); }  ///< infinite where exact
  double clipping_share() const;                                ///< of the noise, 0 to 1; 0 where there is none
  double relative() const { return signal > 0 ? total() / signal : 0; }  ///< noise to signal, 0 where no signal
  Noise& operator+=(const Noise& other);
};

}  // namespace shiftsim::quantizer
