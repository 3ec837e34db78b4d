// The arithmetic of one array step, kept apart so that the compiler vectorizes it for each instruction set.
#pragma once

#include <cstdint>

namespace shiftsim::sim {

/// acc[n] = (acc[n] << shift or 0 if clear) + sum over l < lanes of op[l] * digit[l * n_stride + n], for one pixel's
/// row of 'channels' PEs. op in [-255, 255], digit in [-2, 2]; with at most 64 lanes the sum fits 16 bits.
void conv_step(std::int32_t* __restrict acc, const std::int16_t* __restrict op, const std::int16_t* __restrict digits,
               int pixels, int op_stride, int channels, int lanes, bool clear, bool shift);

/// The same with lane 0 fed by the pixel's own word: acc[p][n] += op[p][n] * digit[n].
void depthwise_step(std::int32_t* __restrict acc, const std::int16_t* __restrict op,
                    const std::int16_t* __restrict digits, int pixels, int op_stride, int channels, bool clear,
                    bool shift);

/// acc[p][n] = clear ? op : max(acc, op).
void max_step(std::int32_t* __restrict acc, const std::int16_t* __restrict op, int pixels, int op_stride, int channels,
              bool clear);

/// The pixels' activation words as operands, sign- or zero-extended: op[p * op_stride + n], 0 where words[p] is null
/// (an inactive slot). nonzero[n]: how many pixels' operands are not 0. Both are 0 from 'channels' to op_stride.
void widen_words(const std::uint8_t* const* words, int pixels, int channels, bool is_signed,
                 std::int16_t* __restrict op, int op_stride, std::uint8_t* __restrict nonzero);

}  // namespace shiftsim::sim
