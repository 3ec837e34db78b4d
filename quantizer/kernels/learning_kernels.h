// The hot loops of reconstruction, over plain arrays. Built for several instruction sets; the machine's best is taken.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shiftsim::quantizer::kernels {

/// What happens to one tensor's values behind the convolution: the activation function's clamp, then the quantizer.
/// The arrays hold a value for each of 'period' consecutive elements (channels repeated a few times, as short loops do
/// not vectorize well).
struct Quantization {
  float clamp_low = 0;
  bool enabled = false;      ///< false: only the clamp
  std::uint32_t keep = ~0u;  ///< QDrop: quantized where the element's random 32 bits are <= keep, else float
  std::uint32_t seed = 0;    ///< of these random bits
  bool weighted = false;     ///< where keep is not ~0u: a random share of each element is quantized, the rest is float
  std::size_t period = 1;
  const float* clamp_high = nullptr;                                 ///< [period]
  const float *inverse = nullptr, *step = nullptr, *high = nullptr;  ///< [period]: 1/step, step, largest code
  float low = 0;                                                     ///< least code
};

/// out[i] = the value that goes on, from z[i].
void quantize(const Quantization& q, const float* z, float* out, std::size_t count);

/// gradient[i], with regard to out[i], becomes that with regard to z[i] (straight through inside the range, 0 outside;
/// LSQ, Esser et al. 2020). step_gradient[period] += the gradients with regard to the steps.
void quantize_backward(const Quantization& q, const float* z, float* gradient, float* step_gradient, std::size_t count);

/// target[i] = quantized[i] with QDrop's probability, else exact[i].
void mix(const float* quantized, const float* exact, float* target, std::size_t count, std::uint32_t keep,
         std::uint32_t seed);

/// target[i] lies between exact[i] and quantized[i], a random share of the way.
void mix_weighted(const float* quantized, const float* exact, float* target, std::size_t count, std::uint32_t seed);

/// sum |y - target|^norm; gradient[i] = factor * the derivative.
double norm_loss(const float* y, const float* target, float* gradient, std::size_t count, float norm, float factor);

/// h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1), AdaRound's rectified sigmoid, and the v it maps to a given h in [0, 1].
float rectified_sigmoid(float v);
float inverse_rectified_sigmoid(float h);

/// One output channel's weights while their rounding is learned.
struct SoftChannel {
  std::size_t count = 0;
  const float* weight = nullptr;    ///< float weights
  const float* rounding = nullptr;  ///< v
  float step = 1, offset = 0;       ///< value = (code + offset) * step
  float low = 0, high = 0;          ///< codes
};

/// value[i] = (clip(floor(w/step - offset) + h(v), low, high) + offset) * step
void soft_weights(const SoftChannel& channel, float* value);

struct RoundingRegularizer {
  float weight = 0;  ///< lambda; 0: none
  float power = 20;  ///< b of lambda * (1 - |2h - 1|^b)
};

/// From the gradient with regard to the values: rounding_gradient[i], the regularizer's included, and the sum of the
/// gradients with regard to the step.
float soft_weights_backward(const SoftChannel& channel, const float* value_gradient,
                            const RoundingRegularizer& regularizer, float* rounding_gradient);

/// Adam (Kingma and Ba, 2015): beta 0.9 and 0.999, epsilon 1e-8. 'step' counts from 1.
void adam(float* value, const float* gradient, float* first, float* second, std::size_t count, float rate, int step);

/// target[i] += other[i]
void add(float* target, const float* other, std::size_t count);

/// Adds 'other', each value rounded half up to a multiple of its step: that at its place in rows of 'period', as are
/// the inverses.
void add_rounded(float* target, const float* other, const float* step, const float* inverse, std::size_t period,
                 std::size_t count);

}  // namespace shiftsim::quantizer::kernels
